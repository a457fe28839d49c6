"""MGH/MGZ, MINC, PAR/REC and AFNI volumes through nibabel, with sizes checked before memory is taken."""

from __future__ import annotations

import io
import warnings as python_warnings
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Loaded
from core.errors import ReadError
from core.jobs import Job
from core.lean import load_nibabel
from plugins.volumes._build import Array, LastAxis, make_volume, scaled
from plugins.volumes._files import (
    DEFLATE,
    claim,
    explained,
    native,
    opened,
    read_block,
    regular,
    sibling,
    stem,
)

_MGH_TYPES = {0: ">u1", 1: ">i4", 3: ">f4", 4: ">i2", 10: ">u2"}
_PAR = {".rec": (".PAR", ".par", ".PAR.gz"), ".rec.gz": (".PAR", ".par", ".PAR.gz")}
_REC = {".par": (".REC", ".rec", ".REC.gz", ".rec.gz"), ".par.gz": (".REC.gz", ".rec.gz", ".REC")}
_HEAD = dict.fromkeys((".brik", ".brik.gz", ".brik.bz2"), (".HEAD", ".head", ".HEAD.gz"))
_BRIK = dict.fromkeys((".head", ".head.gz"), (".BRIK", ".BRIK.gz", ".BRIK.bz2"))


def sniff_mgh(path: Path, head: bytes) -> int:
    """50 for a plain MGH header (version 1, sensible type); gzipped files go by name."""
    if head[:2] == b"\x1f\x8b":
        return 10
    plausible = (
        head[:4] == b"\0\0\0\1" and len(head) >= 24 and int.from_bytes(head[20:24], "big") in _MGH_TYPES
    )
    return 50 if plausible else 0


def sniff_minc(path: Path, head: bytes) -> int:
    """50 for netCDF (MINC 1) and HDF5 (MINC 2) contents under a `.mnc` name."""
    return 50 if head[:3] == b"CDF" or head[:4] == b"\x89HDF" else 0


def sniff_par(path: Path, head: bytes) -> int:
    """100 for a Philips PAR header; 50 for a REC file that has one beside it."""
    if b"DATA DESCRIPTION FILE" in head[:2048] or b"general information" in head.lower()[:4096]:
        return 100
    return 50 if sibling(path, _PAR) is not None else 10


def sniff_afni(path: Path, head: bytes) -> int:
    """100 for an AFNI header; 50 for a BRIK that has one beside it."""
    if b"type" in head[:200] and b"attribute" in head[:400]:
        return 100
    return 50 if sibling(path, _HEAD) is not None else 10


def read_mgh(path: Path, *, job: Job) -> list[Loaded]:
    """Read a FreeSurfer volume; its matrix is scanner RAS, not the surface's tkRAS.

    Reference: FreeSurfer's MGH format (version 1): 284 bytes of header, values big-endian, then TR, flip, TE, TI.
    """
    path = Path(path)
    with explained(path, "MGH file"), opened(path) as (stream, most):
        raw = stream.read(284)
        if len(raw) < 90:
            raise ReadError(path, "ends inside its header", "copy the file again")
        raw = raw.ljust(284, b"\0")
        version, *dims, kind, _ = np.frombuffer(raw[:28], dtype=">i4").tolist()
        if version != 1:
            raise ReadError(path, "has no MGH header", "open the original file, or rename it to what it is")
        if kind not in _MGH_TYPES:
            raise ReadError(
                path, f"has values of an unsupported type (code {kind})", "convert it with mri_convert"
            )
        if min(dims) < 1:
            text = " × ".join(map(str, dims))
            raise ReadError(path, f"claims a grid of {text} voxels", "copy or export it again")
        dtype = np.dtype(_MGH_TYPES[kind])
        n_bytes = dims[0] * dims[1] * dims[2] * dims[3] * dtype.itemsize
        claim(path, n_bytes, most - 284, f" ({' × '.join(map(str, dims))})")
        block = read_block(stream, path, n_bytes, job, 0.9)
        footer = stream.read(20)
        for _ in range(16):  # gzip compares its checksum at the end; a tail without end is left alone
            if not stream.read(1 << 16):
                break
        values = native(block.view(dtype)).reshape(dims, order="F")
        affine, notes = _mgh_affine(raw, dims)
        step = 0.0
        if len(footer) >= 4:
            step = float(np.frombuffer(footer[:4], dtype=">f4")[0]) / 1000.0
        space = "RAS" if not notes else ""
        time = dims[3] > 1
        volume, more = make_volume(
            path, values, affine, last_axis="time" if time else "", step=step, space=space
        )
    return [Loaded(stem(path), volume, tuple(notes + more), {"format": "MGH"})]


def _mgh_affine(raw: bytes, dims: list[int]) -> tuple[Array, list[str]]:
    """Voxel sizes, three direction cosines and the centre's coordinates -> matrix (centre = dims / 2)."""
    good = int(np.frombuffer(raw[28:30], dtype=">i2")[0])
    numbers = np.frombuffer(raw[30:90], dtype=">f4").astype(np.float64)
    notes: list[str] = []
    if good > 0:
        sizes, cosines, centre = numbers[:3], numbers[3:12].reshape(3, 3).T, numbers[12:15]
    else:
        # FreeSurfer's own default: 1 mm, coronal slices.
        sizes, centre = np.ones(3), np.zeros(3)
        cosines = np.array([[-1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        notes = [
            "The header states no orientation: 1 mm coronal slices are assumed, left and right are not known."
        ]
    affine = np.eye(4)
    affine[:3, :3] = cosines * sizes
    affine[:3, 3] = centre - affine[:3, :3] @ (np.array(dims[:3]) / 2.0)
    return affine, notes


def read_minc(path: Path, *, job: Job) -> list[Loaded]:
    """Read a MINC 1 (netCDF) or MINC 2 (HDF5) volume, integer values scaled to real ones as MINC means them."""
    path = Path(path)
    size = regular(path)
    with explained(path, "MINC file"), python_warnings.catch_warnings():
        python_warnings.simplefilter("ignore")
        with path.open("rb") as stream:
            magic = stream.read(4)
        job.progress(0.1, "Reading")
        if magic[:3] == b"CDF":
            load_nibabel()
            from nibabel.externals.netcdf import netcdf_file
            from nibabel.minc1 import Minc1File

            _netcdf_records(path, size)
            with path.open("rb") as stream, netcdf_file(stream, "r", mmap=False) as inner:
                loaded = _minc(path, Minc1File(inner), size, job)
        elif magic == b"\x89HDF":
            import h5py

            load_nibabel()
            from nibabel.minc2 import Minc2File

            with h5py.File(path, "r") as inner:
                _only_inside(path, inner)
                image = inner["minc-2.0/image/0/image"]
                claim(path, _bytes_of(image), max(0, image.id.get_storage_size()) * DEFLATE)
                loaded = _minc(path, Minc2File(inner), size * DEFLATE, job)
        else:
            raise ReadError(path, "is no MINC file", "open the original file, or rename it to what it is")
    return [loaded]


def _netcdf_records(path: Path, size: int) -> None:
    """A netCDF header's record count is multiplied into allocations; it cannot exceed the file's bytes."""
    with path.open("rb") as stream:
        head = stream.read(8)
    records = int.from_bytes(head[4:8], "big", signed=True)
    if records > size:
        raise ReadError(path, f"claims {records} records, more than it has bytes", "copy the file again")


def _only_inside(path: Path, inner: Any) -> None:
    """Refuse a MINC 2 file that takes anything from other files: HDF5 would read whatever it names."""
    import h5py

    waiting, seen = [inner], set()
    while waiting:
        group = waiting.pop()
        place = h5py.h5o.get_info(group.id).addr
        if place in seen:  # hard links may lead round in a circle
            continue
        seen.add(place)
        for key in group:
            link = group.get(key, getlink=True)
            if isinstance(link, h5py.SoftLink):
                continue  # what it leads to is looked at where it is
            outside = isinstance(link, h5py.ExternalLink)
            item = None if outside else group.get(key)
            if outside or (isinstance(item, h5py.Dataset) and (item.external or item.is_virtual)):
                raise ReadError(
                    path, "keeps its values in another file", "do not trust it, or convert it anew"
                )
            if isinstance(item, h5py.Group):
                waiting.append(item)


def _bytes_of(image: Any) -> int:
    count = 1
    for n in image.shape:
        count *= int(n)
    return count * int(np.dtype(image.dtype).itemsize)


def _minc(path: Path, minc: Any, most: int, job: Job) -> Loaded:
    names = [str(n) for n in minc._dim_names]
    stored = np.dtype(minc.get_data_dtype())
    shape = tuple(int(n) for n in minc.get_data_shape())
    count = int(np.prod([int(n) for n in shape], dtype=object))
    claim(path, count * stored.itemsize, most)
    claim(path, count * 8, most * 8)
    affine = np.asarray(minc.get_affine(), dtype=np.float64)
    values = np.asarray(minc.get_scaled_data(), dtype=np.float64)
    job.progress(0.8, "Arranging")
    if (stored.kind in "iu" and stored.itemsize <= 2) or stored == np.float32:
        values = values.astype(np.float32)
    spatial = [i for i, n in enumerate(names) if n.endswith("space")]
    other = [i for i in range(len(names)) if i not in spatial]
    if len(spatial) != 3 or len(other) > 1:
        raise ReadError(
            path, f"has the axes {', '.join(names)}", "extract one three-dimensional volume first"
        )
    values = np.transpose(values, (*spatial, *other))
    last_axis: LastAxis = ""
    step = 0.0
    if other:
        last_axis = "time" if names[other[0]] == "time" else "channel"
        if last_axis == "time":
            step = abs(float(getattr(minc._dims[other[0]], "step", 0.0) or 0.0))
    rgb = last_axis == "channel" and values.shape[-1] == 3 and stored == np.uint8
    if rgb:
        values = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    volume, notes = make_volume(path, values, affine, last_axis=last_axis, step=step, rgb=rgb)
    return Loaded(
        stem(path), volume, tuple(notes), {"format": type(minc).__name__.replace("File", "").upper()}
    )


def read_par(path: Path, *, job: Job) -> list[Loaded]:
    """Read a Philips PAR/REC pair; either name opens both. Values are in the scanner's displayed units."""
    load_nibabel()
    from nibabel import parrec

    path = Path(path)
    par = path if path.name.lower().endswith((".par", ".par.gz")) else sibling(path, _PAR)
    if par is None:
        raise ReadError(path, "has no header (.PAR) beside it", "copy the .PAR file into the same folder")
    regular(par)
    rec = sibling(par, _REC)
    if rec is None:
        raise ReadError(par, "has no image (.REC) beside it", "copy the .REC file into the same folder")
    size = regular(rec)
    with explained(par, "PAR file"), python_warnings.catch_warnings(record=True) as caught:
        python_warnings.simplefilter("always")
        with opened(par) as (stream, _):
            text = stream.read(64 << 20).decode("latin-1")
        header = parrec.PARRECHeader.from_fileobj(io.StringIO(text), permit_truncated=True, strict_sort=True)
        shape = tuple(int(n) for n in header.get_data_shape())
        if min(shape) < 1:
            raise ReadError(par, "claims a grid without voxels", "export it again")
        count = int(np.prod(shape, dtype=object))
        packed = rec.name.lower().endswith(".gz")
        claim(rec, count * int(header.get_data_dtype().itemsize), size * (DEFLATE if packed else 1))
        claim(rec, count * 8, size * 8 * (DEFLATE if packed else 1))
        job.progress(0.2, "Reading")
        with explained(rec, "REC file"), opened(rec) as (stream, _):
            proxy = parrec.PARRECArrayProxy(_Named(stream, str(rec)), header, mmap=False)
            values = np.asarray(proxy)
        job.progress(0.8, "Arranging")
        if header.get_data_dtype().itemsize <= 2 and values.dtype == np.float64:
            values = values.astype(np.float32)
        affine = np.asarray(header.get_affine(), dtype=np.float64)
        zooms = header.get_zooms()
        step = float(zooms[3]) if len(zooms) > 3 else 0.0
        dynamic = len(shape) > 3 and int(header.general_info.get("max_dynamics", 1) or 1) == shape[3]
        last_axis: LastAxis = "" if len(shape) < 4 else "time" if dynamic else "channel"
        volume, notes = make_volume(par, values, affine, last_axis=last_axis, step=step)
    said = [str(w.message).strip().rstrip(".") + "." for w in caught if issubclass(w.category, UserWarning)]
    metadata = {"format": "PAR/REC"}
    source = "" if par == path else str(par)
    return [Loaded(stem(par), volume, (*dict.fromkeys(said), *notes), metadata, source=source)]


class _Named:
    """A stream for nibabel's array proxies, which ask for `seek`, `read` and a name only."""

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self.name = stream, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def read_afni(path: Path, *, job: Job) -> list[Loaded]:
    """Read an AFNI HEAD/BRIK pair; either name opens both. AFNI's own matrix (RAI) is turned to RAS."""
    load_nibabel()
    from nibabel.brikhead import AFNIHeader, parse_AFNI_header

    path = Path(path)
    head = sibling(path, _HEAD) if ".brik" in path.name.lower() else path
    if head is None:
        raise ReadError(path, "has no header (.HEAD) beside it", "copy the .HEAD file into the same folder")
    regular(head)
    with explained(head, "AFNI file"):
        with opened(head) as (stream, _):
            text = stream.read(16 << 20).decode("latin-1")
        header = AFNIHeader(parse_AFNI_header(io.StringIO(text)))
        shape = tuple(int(n) for n in header.get_data_shape())
        if min(shape) < 1:
            raise ReadError(head, "claims a grid without voxels", "export it again")
        dtype = np.dtype(header.get_data_dtype())
        brik = sibling(head, _BRIK)
        if brik is None:
            raise ReadError(
                head, "has no image (.BRIK) beside it", "copy the .BRIK file into the same folder"
            )
        with explained(brik, "AFNI file"), opened(brik) as (stream, most):
            n_bytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
            claim(brik, n_bytes, most, f" ({' × '.join(map(str, shape))})")
            values = native(read_block(stream, brik, n_bytes, job, 0.8).view(dtype)).reshape(shape, order="F")
        slopes = header.get_data_scaling()
        if slopes is not None:
            factors = np.atleast_1d(np.asarray(slopes, dtype=np.float64)).reshape(-1)
            if (factors == factors[0]).all():
                values = scaled(values, float(factors[0]), 0.0) if factors[0] != 1.0 else values
            else:
                parts = [scaled(values[..., i], float(f), 0.0) for i, f in enumerate(factors)]
                values = np.stack(parts, axis=-1)
        affine = np.asarray(header.get_affine(), dtype=np.float64)
        last_axis: LastAxis = ""
        step = 0.0
        if len(shape) > 3:
            taxis = header.info.get("TAXIS_NUMS")
            last_axis = "time" if taxis is not None else "channel"
            floats = header.info.get("TAXIS_FLOATS")
            if taxis is not None and floats is not None and len(taxis) > 2 and len(floats) > 1:
                step = float(floats[1]) * {77001: 1e-3, 77002: 1.0}.get(int(taxis[2]), 0.0)
        volume, notes = make_volume(head, values, affine, last_axis=last_axis, step=step)
    source = "" if head == path else str(head)
    return [Loaded(stem(head), volume, tuple(notes), {"format": "AFNI"}, source=source)]
