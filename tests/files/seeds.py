"""Every small sound file of `tests.files` with what reads it, in memory: what the fuzzer damages."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Seed:
    """`files` by path inside a folder; `main` is the one to open ("." for the folder) with `target`.

    `target` : a reader's id, or "session", "record", "settings" or "presets".
    """

    id: str
    target: str
    main: str
    files: dict[str, bytes]


VOLUMES = {
    **dict.fromkeys(("a.nii", "two.nii", "a.nii.gz", "a.hdr"), "volumes.nifti"),
    **dict.fromkeys(("a.mgh", "a.mgz"), "volumes.mgh"),
    **dict.fromkeys(("tiny.mnc", "minc2_1_scale.mnc"), "volumes.minc"),
    **{"scaled+tlrc.HEAD": "volumes.afni", "phantom_varscale.PAR": "volumes.parrec"},
    **dict.fromkeys(("a.nrrd", "gz.nrrd"), "volumes.nrrd"),
    "a.mha": "volumes.metaimage",
}


def every(only: str = "") -> list[Seed]:
    """All seeds whose id contains `only`. Takes some seconds: every format's library is imported."""
    found: list[Seed] = []
    with tempfile.TemporaryDirectory() as name:
        for number, (id, target, make) in enumerate(_makers()):
            if only not in id and only not in target:
                continue
            folder = Path(name) / str(number)
            folder.mkdir()
            path = make(folder)
            files = {
                p.relative_to(folder).as_posix(): p.read_bytes()
                for p in sorted(folder.rglob("*"))
                if p.is_file()
            }
            found.append(Seed(id, target, path.relative_to(folder).as_posix(), files))
    return found


Maker = Callable[[Path], Path]


def _makers() -> Iterator[tuple[str, str, Maker]]:
    from tests.files import others, scans
    from tests.files.volumes import small_volume

    for form in scans.FORMATS:
        reader = _scan_reader(form)
        yield f"scans/{form}", reader, lambda f, form=form: scans.made(f, form)[1]  # type: ignore[misc]
    for name, reader in VOLUMES.items():
        yield f"volumes/{name}", reader, lambda f, name=name: small_volume(f, name)  # type: ignore[misc]
    yield from _more_volumes()
    for kind in ("more_scans", "pictures", "graphs", "signals", "markups", "writer_formats"):
        yield from _several(kind, getattr(others, kind))
    yield from _checkpoints()
    for target in ("session", "record", "settings", "presets"):
        yield f"own/{target}", target, getattr(others, target)


def _several(kind: str, make: Callable[[Path], dict[str, str]]) -> Iterator[tuple[str, str, Maker]]:
    """One seed a file of a maker that makes many."""
    with tempfile.TemporaryDirectory() as name:
        made = make(Path(name))
        content = {file: (Path(name) / file).read_bytes() for file in made}
    for file, reader in made.items():
        yield f"{kind}/{file}", reader, lambda f, file=file: _put(f / file, content[file])  # type: ignore[misc]


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _scan_reader(form: str) -> str:
    keys = {
        "glb": "gltf",
        "msh": "mujoco",
        "3mf": "threemf",
        "vtp": "vtk",
        "gii": "gifti",
        "fs": "freesurfer",
    }
    keys |= {"laz": "las", "npz": "npy"}
    name = form.partition("-")[0]
    return f"scans.{keys.get(name, name)}"


def _more_volumes() -> Iterator[tuple[str, str, Maker]]:
    from tests.plugins.volumes.series import write_enhanced, write_series

    pixels = np.arange(60, dtype="u2").reshape(3, 4, 5)

    def series(folder: Path) -> Path:
        write_series(folder, pixels)
        return folder

    def deflated(folder: Path) -> Path:
        return write_series(folder, pixels[:1], syntax="1.2.840.10008.1.2.1.99")[0]

    def enhanced(folder: Path) -> Path:
        write_enhanced(
            folder / "e.dcm", pixels, np.array([[0, 0, 4.0 * i] for i in range(3)]), [1.0, 2.0, 3.0]
        )
        return folder / "e.dcm"

    def detached(folder: Path) -> Path:
        text = "NRRD0004\ntype: short\ndimension: 3\nsizes: 3 4 5\nencoding: raw\nendian: little\ndata file: a.raw\n"
        (folder / "a.raw").write_bytes(pixels.astype("<i2").tobytes())
        return _put(folder / "a.nhdr", text.encode())

    def mhd(folder: Path) -> Path:
        text = "ObjectType = Image\nNDims = 3\nDimSize = 5 4 3\nElementSpacing = 1 1 1\n"
        text += "ElementType = MET_USHORT\nElementDataFile = a.raw\n"
        (folder / "a.raw").write_bytes(pixels.tobytes())
        return _put(folder / "a.mhd", text.encode())

    yield "volumes/dicom-series", "volumes.dicom", series
    yield "volumes/dicom-deflated", "volumes.dicom", deflated
    yield "volumes/dicom-enhanced", "volumes.dicom", enhanced
    yield "volumes/a.nhdr", "volumes.nrrd", detached
    yield "volumes/a.mhd", "volumes.metaimage", mhd


def _checkpoints() -> Iterator[tuple[str, str, Maker]]:
    from tests.files.checkpoints import samples

    readers = {".pt": "torch", ".pth": "torch", ".pkl": "torch", ".safetensors": "safetensors"}
    readers |= {".npz": "npz", ".h5": "hdf5"}
    with tempfile.TemporaryDirectory() as name:
        content = {p.name: p.read_bytes() for p in samples(Path(name))}
    for file, data in content.items():
        reader = f"checkpoints.{readers[Path(file).suffix]}"
        yield f"checkpoints/{file}", reader, lambda f, file=file, data=data: _put(f / file, data)  # type: ignore[misc]

    def sharded(folder: Path) -> Path:
        (folder / "model-1.safetensors").write_bytes(content["s.safetensors"])
        index = b'{"metadata": {"total_size": 68}, "weight_map": {"a.weight": "model-1.safetensors", "b": "model-1.safetensors"}}'
        return _put(folder / "model.safetensors.index.json", index)

    yield "checkpoints/sharded", "checkpoints.safetensors", sharded
