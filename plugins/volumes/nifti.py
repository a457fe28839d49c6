"""NIfTI-1, NIfTI-2 and ANALYZE volumes: `.nii`, `.nii.gz`, `.hdr`/`.img`. Headers by nibabel, values read here.

Values are streamed, so that a header that lies about its size costs no memory.
Reference: nifti1.h and nifti2.h of the NIfTI data format working group.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np

from core.analyses import Help
from core.data import Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.volumes._build import Array, LastAxis, entities, make_volume, scaled_type
from plugins.volumes._files import (
    claim,
    explained,
    looks_like,
    native,
    opened,
    read_block,
    read_converted,
    sibling,
    skip,
    stem,
)
from plugins.volumes._orientation import Orientation, place
from plugins.volumes._write_nifti import write

__all__ = ["read", "sniff", "write"]

_HEADERS = {".img": (".hdr", ".hdr.gz"), ".img.gz": (".hdr.gz", ".hdr")}
_VALUES = {".hdr": (".img", ".img.gz"), ".hdr.gz": (".img.gz", ".img")}
_MILLIMETRES = {1: 1000.0, 2: 1.0, 3: 0.001}
_SECONDS = {8: 1.0, 16: 1e-3, 24: 1e-6}
_NOT_TIME = {32: "Hz", 40: "ppm", 48: "rad/s"}
_FLOAT128 = 1536


def sniff(path: Path, head: bytes) -> int:
    """100 for a NIfTI header (also gzipped) or the `.img` of one, 50 for ANALYZE, 0 otherwise."""
    lower = path.name.lower()
    if lower.endswith((".img", ".img.gz")):
        header = sibling(path, _HEADERS)
        return 50 if header is not None else 10
    if head[:2] == b"\x1f\x8b":
        import zlib

        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 1024)
        except zlib.error:
            return 10 if lower.endswith((".nii.gz", ".hdr.gz")) else 0
    if head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        return 100 if head[344:347] in (b"n+1", b"ni1") else 50
    if head[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c"):
        return 100 if head[4:7] in (b"n+2", b"ni2") else 0
    return 10 if lower.endswith((".nii", ".nii.gz")) else 0


def read(
    path: Path,
    *,
    orientation: Annotated[
        Orientation,
        Help("Which matrix places the volume; automatic: the sform if it is set, else the qform."),
    ] = "auto",
    job: Job,
) -> list[Loaded]:
    """Read one NIfTI or ANALYZE volume; of a header and image pair, either name opens both.

    The array keeps the file's voxel order and dtype; scaled values become float32 (float64 where needed).
    """
    path = Path(path)
    header_path = path
    lower = path.name.lower()
    if lower.endswith((".img", ".img.gz")):
        found = sibling(path, _HEADERS)
        if found is None:
            raise ReadError(path, "has no header (.hdr) beside it", "copy the .hdr file into the same folder")
        header_path = found
    with explained(header_path, "NIfTI file"), opened(header_path) as (stream, most):
        header, raw = _header(header_path, stream)
        single = raw[344:347] == b"n+1" or raw[4:7] == b"n+2"
        shape, last_axis, vector = _shape(header_path, header)
        if single:
            offset = _offset(header_path, header, len(raw))
            skip(stream, header_path, offset - len(raw))
            values, notes = _values(stream, header_path, header, shape, most - offset, job)
        else:
            values_path = sibling(header_path, _VALUES)
            if values_path is None:
                raise ReadError(
                    header_path, "has no image (.img) beside it", "copy the .img file into the same folder"
                )
            with explained(values_path, "NIfTI file"), opened(values_path) as (other, most_other):
                offset = max(0, int(header.get_data_offset()))
                skip(other, values_path, offset)
                values, notes = _values(other, values_path, header, shape, most_other - offset, job)
        loaded = _loaded(header_path, header, values, shape, last_axis, vector, orientation, notes)
    source = "" if header_path == path else str(header_path)
    return [Loaded(loaded.name, loaded.data, loaded.warnings, loaded.metadata, source=source)]


def _header(path: Path, stream: BinaryIO) -> tuple[Any, bytes]:
    """A nibabel header object (unchecked) and its bytes."""
    from core.lean import load_nibabel

    nibabel = load_nibabel()

    try:
        raw = stream.read(348)
    except EOFError:
        raw = b""
    kind: Any
    if raw[:4] in (b"\x1c\x02\0\0", b"\0\0\x02\x1c"):
        raw += stream.read(540 - len(raw))
        kind, length = nibabel.Nifti2Header, 540
    elif raw[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c"):
        nifti = raw[344:347] in (b"n+1", b"ni1")
        kind, length = (nibabel.Nifti1Header if nifti else nibabel.Spm99AnalyzeHeader), 348
    else:
        what = looks_like(raw)
        fault = "has no NIfTI header" + (f": it looks like {what}" if what else "")
        raise ReadError(path, fault, "open the original file, or rename it to what it is")
    if len(raw) < length:
        raise ReadError(
            path, f"ends after {len(raw)} of the {length} bytes of its header", "copy the file again"
        )
    order = "<" if raw[0] else ">"
    if kind is nibabel.Spm99AnalyzeHeader:
        # Endianness by sizeof_hdr as for NIfTI; the magic is absent.
        return kind(raw, endianness=order, check=False), raw
    return kind.from_fileobj(io.BytesIO(raw[:length] + b"\0\0\0\0"), endianness=order, check=False), raw


def _shape(path: Path, header: Any) -> tuple[tuple[int, ...], LastAxis, bool]:
    """The grid (3 or 4 axes), the meaning of the fourth, and whether it came from the vector axis (dim[5])."""
    dim = [int(d) for d in header["dim"]]
    if not 1 <= dim[0] <= 7:
        raise ReadError(path, f"claims a grid of {dim[0]} axes", "copy or export it again")
    intent = int(header["intent_code"]) if "intent_code" in header.keys() else 0
    if 3000 <= intent < 3100:
        raise ReadError(
            path, "is a CIFTI file (values on surfaces), not a volume", "export its volume part as NIfTI"
        )
    shape = [int(n) for n in header.get_data_shape()]
    if any(n < 1 for n in shape):
        text = " × ".join(map(str, shape))
        raise ReadError(path, f"claims a grid of {text} voxels", "copy or export it again")
    while len(shape) > 3 and shape[-1] == 1:
        shape.pop()
    shape += [1] * (3 - len(shape))
    if len(shape) == 5 and shape[3] == 1:
        return (*shape[:3], shape[4]), "channel", True
    if len(shape) > 4:
        text = " × ".join(map(str, shape))
        raise ReadError(
            path, f"has a grid of {text}: more than four axes", "save one channel or time point at a time"
        )
    if len(shape) == 3:
        return tuple(shape), "", False
    units = int(header["xyzt_units"]) & 0x38 if "xyzt_units" in header.keys() else 0
    return tuple(shape), "channel" if units in _NOT_TIME or 1005 <= intent <= 1010 else "time", False


def _offset(path: Path, header: Any, at: int) -> int:
    """Where the values begin in a single file; some writers leave 0 there and mean "right after the header"."""
    offset = float(header["vox_offset"])
    if not np.isfinite(offset) or offset < 0 or offset > 1 << 62:
        raise ReadError(path, f"claims that its values begin at byte {offset:g}", "copy or export it again")
    return max(int(offset), at + 4)


def _values(
    stream: BinaryIO, path: Path, header: Any, shape: tuple[int, ...], available: int, job: Job
) -> tuple[Array, list[str]]:
    code = int(header["datatype"])
    try:
        dtype = np.dtype(header.get_data_dtype())
    except Exception as error:
        raise ReadError(
            path, f"has values of an unknown type (code {code})", "convert it to NIfTI with a current tool"
        ) from error
    if dtype.itemsize == 0 or code in (0, 1, 255):
        raise ReadError(
            path, f"has values of an unsupported type (code {code})", "convert it to 8-bit or 16-bit values"
        )
    if code == _FLOAT128 and dtype.itemsize != 16:
        raise ReadError(
            path, "has 128-bit values, which this machine cannot read", "convert it to 64-bit values"
        )
    count = 1
    for n in shape:
        count *= n
    text = f" ({' × '.join(map(str, shape))} of {dtype.itemsize} bytes)"
    claim(path, count * dtype.itemsize, available, text)
    scale, notes = _scale(header)
    if scale is not None and dtype.kind in "biuf":
        slope, intercept = scale
        out = job.empty(count, scaled_type(dtype), reserve=False)
        claim(path, out.nbytes, out.nbytes, text)
        # In double precision: float32 arithmetic loses digits where the intercept is large.
        read_converted(stream, path, dtype, out, lambda v: v * np.float64(slope) + intercept, job, 0.8)
        _to_the_end(stream)
        return out.reshape(shape, order="F"), notes
    block = read_block(stream, path, count * dtype.itemsize, job, 0.8)
    _to_the_end(stream)
    job.progress(0.85, "Arranging")
    if dtype.names:
        channels = block.reshape(count, dtype.itemsize)
        return channels.reshape((*shape, dtype.itemsize), order="F"), []
    values = native(block.view(dtype)).reshape(shape, order="F")
    if scale is not None and dtype.kind == "c":
        return values * scale[0] + scale[1], notes
    return values, notes


def _to_the_end(stream: BinaryIO) -> None:
    """Let gzip compare its checksum: it does so where the stream ends. Long tails are left alone."""
    for _ in range(16):
        if not stream.read(1 << 16):
            return


def _scale(header: Any) -> tuple[tuple[float, float] | None, list[str]]:
    """Slope and intercept, None where they change nothing, and what is odd about them."""
    fields = header.keys()
    slope = float(header["scl_slope"]) if "scl_slope" in fields else 1.0
    intercept = float(header["scl_inter"]) if "scl_inter" in fields else 0.0
    if not np.isfinite(slope) or slope == 0.0:
        return None, []
    notes = []
    if not np.isfinite(intercept):
        notes = ["The header's intercept is no number; 0 is used."]
        intercept = 0.0
    return (None if (slope, intercept) == (1.0, 0.0) else (slope, intercept)), notes


def _loaded(
    path: Path,
    header: Any,
    values: Array,
    shape: tuple[int, ...],
    last_axis: LastAxis,
    vector: bool,
    orientation: Orientation,
    warnings: list[str],
) -> Loaded:
    rgb = values.ndim == len(shape) + 1
    if rgb and len(shape) == 4:
        raise ReadError(path, "is a film of colour volumes", "save one time point at a time")
    analyze = "sform_code" not in header.keys()
    units = int(header["xyzt_units"]) if not analyze else 0
    unit = _MILLIMETRES.get(units & 7, 1.0)
    metadata: dict[str, Any] = {
        "format": "ANALYZE" if analyze else type(header).__name__.removesuffix("Header")
    }
    if analyze:
        affine = _analyze_affine(header, shape)
        space = ""
        warnings = [
            *warnings,
            "An ANALYZE file does not say which side is left: the first axis is taken to run to the left, "
            "and no side is lettered.",
        ]
    else:
        placed = place(path, header, shape, orientation, unit)
        affine, space = placed.affine, "RAS" if placed.known else ""
        warnings = [*warnings, *placed.warnings]
        metadata |= {
            "sform_code": int(header["sform_code"]),
            "qform_code": int(header["qform_code"]),
            "orientation_from": placed.used,
        }
        if unit != 1.0:
            metadata["unit_in_file"] = "m" if unit > 1 else "µm"
    step = 0.0
    if last_axis == "time":
        step = float(header["pixdim"][4]) * _SECONDS.get(units & 0x38, 0.0)
    intent = int(header["intent_code"]) if not analyze else 0
    transforms = Transforms.SCALAR
    if intent == 1002 and values.dtype.kind in "iub":
        transforms = Transforms.LABEL
    elif vector or 1005 <= intent <= 1007:
        # The standard does not say in which frame vectors are given (ANTs writes LPS, FSL voxel or RAS).
        transforms = Transforms.UNKNOWN
    volume, notes = make_volume(
        path,
        values,
        affine,
        last_axis="channel" if rgb else last_axis,
        step=step,
        space=space,
        rgb=rgb,
        transforms=transforms,
    )
    name = stem(path)
    if found := entities(name):
        metadata["entities"] = found
    return Loaded(name, volume, tuple(warnings + notes), metadata)


def _analyze_affine(header: Any, shape: tuple[int, ...]) -> Array:
    """Voxel sizes on the diagonal, first axis to the left, origin from SPM's field where it is plausible."""
    affine = np.array(header.get_best_affine(), dtype=np.float64)
    sizes = np.abs(np.diag(affine)[:3])
    if np.isfinite(affine).all() and (sizes > 1e-9).all() and (sizes < 1e9).all():
        return affine
    plain = np.diag([-1.0, 1.0, 1.0, 1.0])
    plain[:3, 3] = -plain[:3, :3] @ ((np.array(shape[:3]) - 1) / 2.0)
    return plain
