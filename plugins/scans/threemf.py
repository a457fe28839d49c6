"""3MF: the part of the 3D manufacturing format that is geometry.

Own parser: trimesh needs lxml for it. Source: 3MF Consortium, "3MF Core Specification" 1.3: objects are
meshes or assemblies of components, and build items place them; transforms are 4×3, row vectors.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from core.xml_check import check_xml
from plugins.scans._build import Space, mesh, placed
from plugins.scans._errors import AGAIN, guarded, size_of

Array = NDArray[Any]

_UNITS = {"micron": "µm", "millimeter": "mm", "centimeter": "cm", "inch": "in", "foot": "ft", "meter": "m"}
_MOST_TEXT = 1 << 30
_MOST_PLACES = 10_000


def sniff(path: Path, head: bytes) -> int:
    """100 for a zip file with a 3D model part; a zip file of that name otherwise gets 10."""
    if head[:2] != b"PK" or path.suffix.lower() != ".3mf":
        return 0
    try:
        with zipfile.ZipFile(path) as archive:
            return 100 if _model_name(archive) else 10
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return 10


def read(path: Path, *, space: Space = "auto", job: Job) -> list[Loaded]:
    """A 3MF model as one mesh in the file's unit, its build items told apart by the face label `part`."""
    with guarded(path, "a 3MF file"):
        size_of(path)
        with zipfile.ZipFile(path) as archive:
            name = _model_name(archive)
            if not name:
                raise ReadError(path, "holds no 3D model", "check what kind of file it is")
            member = archive.getinfo(name)
            if member.file_size > min(_MOST_TEXT, 1032 * max(1, member.compress_size) + 1024):
                raise ReadError(path, f"claims a model of {member.file_size:,} bytes", "export it anew")
            text = archive.read(name)
        check_xml(path, text, whole=False)
        job.progress(0.3, "Reading model")
        root = ElementTree.fromstring(text)
        tag = root.tag[: root.tag.rfind("}") + 1]
        objects = {str(o.get("id")): o for o in root.iter(f"{tag}object")}
        items = [(str(i.get("objectid")), _matrix(i.get("transform"))) for i in root.iter(f"{tag}item")]
        if not items:
            items = [(key, np.eye(4)) for key in objects]
        parts: list[tuple[Array, Array, str]] = []
        for number, (key, matrix) in enumerate(items):
            parts += _placed(path, objects, key, matrix, tag, ())
            if len(parts) > _MOST_PLACES:
                raise ReadError(path, f"places more than {_MOST_PLACES:,} parts", "open a simpler model")
            job.progress(0.3 + 0.6 * (number + 1) / len(items), "Reading model")
        if not parts:
            raise ReadError(path, "has no triangles", "open a file with geometry")
        offsets = np.cumsum([0] + [len(p) for p, _, _ in parts[:-1]])
        points = np.concatenate([p for p, _, _ in parts])
        faces = np.concatenate([f + o for (_, f, _), o in zip(parts, offsets, strict=True)])
        attributes: dict[str, Attribute] = {}
        metadata: dict[str, Any] = {}
        if len(parts) > 1:
            labels = np.repeat(np.arange(len(parts), dtype=np.int32), [len(f) for _, f, _ in parts])
            attributes["part"] = Attribute(labels, Transforms.LABEL, Domain.FACE)
            metadata["parts"] = [n for _, _, n in parts]
        points, attributes, where, said = placed(points, attributes, space)
        unit = _UNITS.get(root.get("unit", "millimeter"), "")
        return [
            mesh(path, points, faces, attributes, unit=unit, space=where, warnings=said, metadata=metadata)
        ]


def _model_name(archive: zipfile.ZipFile) -> str:
    return next((n for n in archive.namelist() if n.lower().endswith(".model")), "")


def _matrix(text: str | None) -> Array:
    matrix = np.eye(4)
    if text:
        rows = np.array([float(w) for w in text.split()]).reshape(4, 3)
        matrix[:3, :3], matrix[:3, 3] = rows[:3].T, rows[3]
    return matrix


def _placed(
    path: Path, objects: dict[str, Any], key: str, matrix: Array, tag: str, above: tuple[str, ...]
) -> list[tuple[Array, Array, str]]:
    """(points, faces, name) of an object and its components, in the world."""
    if key in above or len(above) > 32:
        raise ReadError(path, "has an assembly that contains itself", AGAIN)
    entry = objects.get(key)
    if entry is None:
        raise ReadError(path, f"places the object {key!r}, which does not exist", AGAIN)
    out: list[tuple[Array, Array, str]] = []
    shape = entry.find(f"{tag}mesh")
    if shape is not None:
        vertices = [float(v.get(axis)) for v in shape.iter(f"{tag}vertex") for axis in "xyz"]
        corners = [int(t.get(c)) for t in shape.iter(f"{tag}triangle") for c in ("v1", "v2", "v3")]
        points = np.array(vertices, np.float64).reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]
        faces = np.array(corners, np.int64).reshape(-1, 3)
        if faces.size and (int(faces.min()) < 0 or int(faces.max()) >= len(points)):
            raise ReadError(
                path, f"has a face that refers to point {int(faces.max())} of its {len(points)}", AGAIN
            )
        if np.linalg.det(matrix[:3, :3]) < 0:
            faces = faces[:, ::-1]
        if len(faces):
            out.append((points, faces, str(entry.get("name") or key)))
    for component in entry.iter(f"{tag}component"):
        inner = matrix @ _matrix(component.get("transform"))
        out += _placed(path, objects, str(component.get("objectid")), inner, tag, (*above, key))
        if len(out) > _MOST_PLACES:
            raise ReadError(path, f"places more than {_MOST_PLACES:,} parts", "open a simpler model")
    return out
