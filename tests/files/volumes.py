"""A small sound file of every volume format."""

from __future__ import annotations

import shutil
from pathlib import Path

import nibabel
import nrrd as pynrrd
import numpy as np

from tests.plugins.volumes.series import write_series

FIXTURES = Path(nibabel.__file__).parent / "tests" / "data"


def small_volume(folder: Path, name: str) -> Path:
    """A sound file of the format that `name` ends in ("two.nii" is NIfTI-2; nibabel's own files by their names)."""
    array = np.arange(60, dtype="i2").reshape(3, 4, 5)
    path = folder / name
    if name.endswith((".nii", ".nii.gz", ".hdr")):
        kind = (
            nibabel.Nifti2Image
            if "two" in name
            else nibabel.Nifti1Pair
            if name.endswith("hdr")
            else nibabel.Nifti1Image
        )
        nibabel.save(kind(array, np.diag([1.0, 2, 3, 1])), path)
    elif name.endswith(("mgh", "mgz")):
        nibabel.save(nibabel.MGHImage(array, np.eye(4)), path)
    elif name.endswith("nrrd"):
        encoding = "gzip" if "gz" in name else "raw"
        pynrrd.write(
            str(path),
            array,
            {"encoding": encoding, "space": "RAS", "space directions": np.eye(3), "space origin": [0, 0, 0]},
        )
    elif name.endswith("mha"):
        text = "ObjectType = Image\nNDims = 3\nDimSize = 3 4 5\nElementSpacing = 1 1 1\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        path.write_bytes(text.encode() + array.tobytes(order="F"))
    elif name.endswith("dcm"):
        (path,) = write_series(folder, np.arange(20, dtype="u2").reshape(1, 4, 5))
    else:
        shutil.copy(FIXTURES / name, path)
        for partner in (name.replace(".HEAD", ".BRIK"), name.replace(".PAR", ".REC")):
            if partner != name and (FIXTURES / partner).exists():
                shutil.copy(FIXTURES / partner, folder / partner)
    return path
