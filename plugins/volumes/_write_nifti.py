"""Writing NIfTI-1 (NIfTI-2 for grids too long for it), atomically."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Transforms, Volume
from core.errors import WriteError
from core.files import replacing
from core.geometry import voxel_sizes
from core.jobs import Job

_MILLIMETRES = {"mm": 1.0, "": 1.0, "m": 1000.0, "um": 0.001, "µm": 0.001, "cm": 10.0}
_WRITABLE = {np.dtype(t) for t in ("u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8")}


def write(data: Volume, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Write a volume as `.nii.gz` or `.nii`; the file appears only once it is complete.

    The matrix goes into the sform (code 2) and, where it has no shear, into the qform too. The dtype is kept;
    bool becomes uint8, float16 float32, and 64-bit integers the smallest type that holds every value.

    Raises
    ------
    WriteError : no exact integer type, another unit than a length, or the folder cannot be written.
    """
    from core.lean import load_nibabel

    nibabel = load_nibabel()

    path = Path(path)
    scale = _MILLIMETRES.get(data.unit)
    if scale is None:
        raise WriteError(
            path, f"cannot be written: NIfTI knows no unit {data.unit!r}", "convert the volume to mm first"
        )
    array = _storable(path, np.asarray(data.array))
    affine = np.array(data.affine)
    affine[:3] *= scale
    rgb = data.rgb and array.ndim == 4 and array.shape[3] in (3, 4) and array.dtype == np.uint8
    vector = data.last_axis == "channel" and not rgb
    if rgb:
        channels = array.shape[3]
        fields = np.dtype([(c, "u1") for c in "RGBA"[:channels]])
        array = np.ascontiguousarray(array).view(fields)[..., 0]
    elif vector:
        array = array[:, :, :, None, :]
    big = max(array.shape) > 32767
    header = nibabel.Nifti2Header() if big else nibabel.Nifti1Header()
    header.set_data_dtype(array.dtype)
    header.set_data_shape(array.shape)
    header.set_sform(affine, code=2)
    header["pixdim"][1:4] = voxel_sizes(affine)
    if _rigid(affine):
        header.set_qform(affine, code=2)
    else:
        header["qform_code"] = 0
    seconds = "sec" if data.last_axis == "time" else "unknown"
    header.set_xyzt_units("mm", seconds)
    if data.last_axis == "time":
        header["pixdim"][4] = data.step
    if data.transforms is Transforms.LABEL:
        header.set_intent("label")
    elif vector and data.transforms is Transforms.VECTOR:
        header.set_intent("vector")
    header["descrip"] = (
        b"Equiscope"  # what a file says of itself was typed by anybody, and may name a patient
    )
    header["magic"] = b"n+2\0" if big else b"n+1\0"
    header["vox_offset"] = 544 if big else 352
    # 1 and 0 say plainly that the values are not scaled.
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    _replace(path, header.binaryblock + b"\0\0\0\0", array, job)


def _storable(path: Path, array: NDArray[Any]) -> NDArray[Any]:
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype in _WRITABLE:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.kind in "iu":
        low, high = int(array.min()), int(array.max())
        for kind in ("u1", "i2", "u2", "i4", "u4"):
            limits = np.iinfo(kind)
            if limits.min <= low and high <= limits.max:
                return array.astype(kind)
        raise WriteError(
            path,
            f"cannot be written: values from {low} to {high} fit no integer type that other programs read",
            "rescale the volume or convert it to floating point",
        )
    raise WriteError(
        path, f"cannot be written: NIfTI has no {array.dtype} values", "convert the volume to float32"
    )


def _rigid(affine: NDArray[Any]) -> bool:
    """Whether a quaternion can say it: axes at right angles to float32's accuracy."""
    axes = affine[:3, :3] / voxel_sizes(affine)
    return bool(np.allclose(axes.T @ axes, np.eye(3), atol=1e-5))


def _replace(path: Path, head: bytes, array: NDArray[Any], job: Job) -> None:
    """Header and values (first axis fastest), complete or not at all."""
    with replacing(path) as raw:
        if path.name.lower().endswith(".gz"):
            # No name and no time inside: equal volumes give equal files.
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=4, mtime=0) as out:
                _stream(out, head, array, job)
        else:
            _stream(raw, head, array, job)


def _stream(out: Any, head: bytes, array: NDArray[Any], job: Job) -> None:
    out.write(head)
    flat = array.reshape(*array.shape[:2], -1, order="F")
    for k in range(flat.shape[2]):
        job.progress(k / flat.shape[2], "Writing")
        out.write(flat[:, :, k].tobytes(order="F"))
