"""GIFTI: surfaces (.surf.gii) and values on them (.shape, .func, .label), read with nibabel.

Source of the format: "GIFTI: Geometry Data Format", version 1.0. A coordinate system's matrix leads from
`DataSpace` to `TransformedSpace`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from core.lean import load_nibabel
from plugins.scans._build import Space, mesh, normals, placed
from plugins.scans._errors import AGAIN, guarded, read_bytes
from plugins.scans._gifti_xml import parsed
from plugins.scans._overlay import SurfaceFile, on_surface

Array = NDArray[Any]

_POINTS, _TRIANGLES = 1008, 1009
_VECTOR, _NORMALS = 1007, 2019
_LABELS = 1002
_RGB = (2016, 2017)
_PLACES = ("NIFTI_XFORM_SCANNER_ANAT", "NIFTI_XFORM_ALIGNED_ANAT")
_MOST = 1 << 31
_NOT_NAMES = {
    *("lh", "rh", "l", "r", "left", "right", "annot", "shape", "func", "label", "surf"),
    *("32k", "59k", "164k", "fs", "lr", "native", "msmall", "msmsulc"),
}


def sniff(path: Path, head: bytes) -> int:
    """100 for a GIFTI root element; inside gzip, by the first decompressed bytes."""
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(31).decompress(head, 4096)
        except zlib.error:
            return 0
    return 100 if b"<GIFTI" in head[:2048] or b"<!DOCTYPE GIFTI" in head[:2048] else 0


def read(path: Path, *, surface: SurfaceFile = None, space: Space = "auto", job: Job) -> list[Loaded]:
    """A GIFTI surface with everything the file holds about its points, in RAS millimetres.

    For a file that holds values only, `surface` names the surface; left empty, a surface of the same
    hemisphere with as many points is looked for in the same folder.
    """
    with guarded(path, "a GIFTI file"):
        image = _image(path)
        job.progress(0.4, "Reading GIFTI")
        if _of(image, _POINTS):
            return [_surface(path, image, space)]
        values, metadata, count = _overlay(path, image, None)
        found = on_surface(
            path,
            values,
            count,
            surface,
            lambda file: _any_surface(file, space),
            lambda file: file.name.lower().endswith((".gii", ".gii.gz")) or _is_freesurfer(file),
        )
        return [
            Loaded(
                found.name,
                found.data,
                found.warnings,
                {**found.metadata, **metadata},
                display=dict(found.display),
            )
        ]


def read_surface(path: Path, space: Space = "auto") -> Loaded:
    """The surface of one GIFTI file. Raises `ReadError` if it holds none."""
    with guarded(path, "a GIFTI file"):
        return _surface(path, _image(path), space)


def _any_surface(path: Path, space: Space) -> Loaded:
    if _is_freesurfer(path):
        from plugins.scans.freesurfer import _read_any_surface

        return _read_any_surface(path, space)
    return read_surface(path, space)


def _is_freesurfer(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(3) == b"\xff\xff\xfe"
    except OSError:
        return False


def _image(path: Path) -> Any:
    data = read_bytes(path)
    if data[:2] == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                data = file.read(_MOST)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ReadError(path, "is a damaged gzip file", AGAIN) from error
    if b"<GIFTI" not in data[:65536]:
        raise ReadError(path, "is not a GIFTI file", "check what kind of file it is")
    if b"</GIFTI>" not in data[-4096:]:
        raise ReadError(path, "ends before its closing element", AGAIN)
    return parsed(path, data)


def _of(image: Any, *intents: int) -> list[Any]:
    return [a for a in image.darrays if a.intent in intents and a.data is not None]


def _surface(path: Path, image: Any, space: Space) -> Loaded:
    point_arrays, face_arrays = _of(image, _POINTS), _of(image, _TRIANGLES)
    if not point_arrays:
        raise ReadError(path, "holds no surface", "choose a .surf.gii file")
    points = np.asarray(point_arrays[0].data)
    if points.ndim != 2 or points.shape[1] != 3:
        raise ReadError(path, f"has points of shape {points.shape}", AGAIN)
    points = points.astype(np.float64 if points.dtype == np.float64 else np.float32)
    faces = np.asarray(face_arrays[0].data) if face_arrays else np.zeros((0, 3), np.int32)
    if faces.ndim != 2 or faces.shape[1] != 3:
        raise ReadError(path, f"has faces of shape {faces.shape}", AGAIN)
    faces = faces.astype(np.int64)
    notes: list[str] = []
    matrix, spaces = _matrix(point_arrays[0])
    attributes, metadata, _ = _overlay(path, image, len(points))
    if matrix is not None:
        points = (points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(points.dtype)
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]
        attributes = {
            k: _moved(a, matrix[:3, :3]) if a.transforms is Transforms.VECTOR else a
            for k, a in attributes.items()
        }
    elif _shifted(point_arrays[0]):
        notes.append(
            "FreeSurfer wrote this surface from a volume that is not centred: it may lie off the scan by the "
            "volume's centre."
        )
    points, attributes, where, more = placed(points, attributes, space, "", "RAS")
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    name = re.sub(r"(\.surf)?\.gii$", "", name, flags=re.IGNORECASE) or path.name
    display = (
        {"color_by": next(n for n in attributes if n != "normals")} if set(attributes) - {"normals"} else {}
    )
    return mesh(
        path,
        points,
        faces,
        attributes,
        name=name,
        unit="mm",
        space=where,
        warnings=notes + more,
        metadata={**metadata, **spaces},
        display=display,
    )


def _matrix(array: Any) -> tuple[Array | None, dict[str, str]]:
    """The matrix to apply to the points (None: none), and the names of the spaces for the metadata."""
    system = array.coordsys
    if system is None:
        return None, {}
    load_nibabel()
    from nibabel.nifti1 import xform_codes

    def name(code: Any) -> str:
        try:
            return str(xform_codes.niistring[code])
        except KeyError:
            return str(code)

    source, target = name(system.dataspace), name(system.xformspace)
    matrix = np.asarray(system.xform, np.float64)
    spaces = {"data_space": source, "transformed_space": target}
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or np.allclose(matrix, np.eye(4), atol=1e-9):
        return None, spaces
    leads_home = target in _PLACES or source == "NIFTI_XFORM_UNKNOWN"
    if source == target or not leads_home or abs(np.linalg.det(matrix[:3, :3])) < 1e-9:
        return None, spaces
    return matrix, spaces


def _shifted(array: Any) -> bool:
    meta = dict(array.meta or {})
    try:
        center = [float(meta[f"VolGeomC_{axis}"]) for axis in "RAS"]
    except (KeyError, ValueError):
        return False
    return any(abs(c) > 1e-3 for c in center)


def _moved(attribute: Attribute, linear: Array) -> Attribute:
    values = attribute.values.astype(np.float64) @ (
        np.linalg.inv(linear) if attribute.direction else linear.T
    )
    if attribute.direction:
        lengths = np.linalg.norm(values, axis=1, keepdims=True)
        values = values / np.where(lengths > 0, lengths, 1)
    return Attribute(values.astype(np.float32), attribute.transforms, direction=attribute.direction)


def _overlay(path: Path, image: Any, n: int | None) -> tuple[dict[str, Attribute], dict[str, Any], int]:
    """Arrays with one value a point; `n` None takes the first array's length as the number of points."""
    out: dict[str, Attribute] = {}
    metadata: dict[str, Any] = {}
    series: list[Array] = []
    for number, array in enumerate(a for a in image.darrays if a.intent not in (_POINTS, _TRIANGLES)):
        values: Array = np.asarray(array.data) if array.data is not None else np.zeros(0)
        if values.ndim == 0 or not len(values):
            continue
        n = len(values) if n is None else n
        if len(values) != n:
            continue
        values = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
        meta = dict(array.meta or {})
        name = _stated_name(str(meta.get("Name") or "")) or _default_name(path, number, len(image.darrays))
        if array.intent == 2001 and values.ndim == 1:  # one array a time step
            series.append(values)
            continue
        name = _free(name, out)
        if array.intent in (_VECTOR, _NORMALS) and values.shape[1:] == (3,):
            out["normals"] = normals(values)
        elif array.intent in _RGB and values.ndim == 2 and values.shape[-1] in (3, 4):
            from plugins.scans._build import colors

            out["rgb"] = colors(values)
        elif array.intent == _LABELS and values.ndim == 1:
            out[name] = Attribute(values.astype(np.int32), Transforms.LABEL)
            metadata["labels"] = {str(e.key): str(e.label) for e in image.labeltable.labels}
        else:
            out[name] = Attribute(values, Transforms.SCALAR if values.ndim == 1 else Transforms.UNKNOWN)
    if series:
        name = _free(_default_name(path, 0, 1), out)
        out[name] = Attribute(np.stack(series, axis=1), Transforms.SCALAR)
        metadata["time_steps"] = len(series)
    if n is None or (not out and not _of(image, _POINTS)):
        raise ReadError(path, "holds neither a surface nor values for one", "check what kind of file it is")
    return out, metadata, n


def _stated_name(text: str) -> str:
    """FreeSurfer writes the whole path of the file it converted; folders name people, so only the end is kept."""
    name = re.split(r"[/\\]", text.strip())[-1]
    return re.sub(r"^[lr]h\.(?=.)", "", name)


def _default_name(path: Path, number: int, total: int) -> str:
    """sub-1_hemi-L_thickness.shape.gii -> thickness; lh.sulc.gii -> sulc; sulc_left.gii.gz -> sulc."""
    base = re.sub(r"(\.(shape|func|label|surf|time))?\.gii(\.gz)?$", "", path.name, flags=re.IGNORECASE)
    words = [w for w in re.split(r"[._]", base) if w and w.lower() not in _NOT_NAMES and "-" not in w]
    name = words[-1] if words else base
    return name if total <= 1 else f"{name}_{number + 1}"


def _free(name: str, taken: dict[str, Attribute]) -> str:
    candidate, i = name, 2
    while candidate in taken:
        candidate, i = f"{name}_{i}", i + 1
    return candidate
