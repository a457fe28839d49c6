"""Surfaces and clouds to files: PLY, STL, VTP, OBJ and NPZ. A file appears whole or not at all."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from core.data import Attribute, Domain, Mesh, PointCloud, Transforms
from core.errors import WriteError
from core.files import replacing
from core.jobs import Job

Array = NDArray[Any]

_PLY = {
    "i1": "char",
    "u1": "uchar",
    "i2": "short",
    "u2": "ushort",
    "i4": "int",
    "u4": "uint",
    "f4": "float",
    "f8": "double",
}


def write_ply(data: Mesh | PointCloud, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Binary PLY with every numeric attribute on points and faces.

    Comments say how each attribute transforms, and unit and space, so that reading it back gives the same object.
    """
    job.progress(0.1, "Writing PLY")
    faces = data.faces if isinstance(data, Mesh) else np.zeros((0, 3), np.int32)
    comments = [f"comment equiscope unit={data.unit}"] if data.unit else []
    comments += [f"comment equiscope space={data.space}"] if data.space else []
    vertex = [(axis, data.points[:, i]) for i, axis in enumerate("xyz")]
    face: list[tuple[str, Array]] = []
    for name, attribute in data.attributes.items():
        if attribute.domain not in (Domain.POINT, Domain.FACE) or attribute.values.dtype.kind not in "biuf":
            continue
        on_faces = attribute.domain is Domain.FACE
        written, columns = _ply_columns(name, attribute, on_faces)
        (face if on_faces else vertex).extend(columns)
        known = (
            written if not (on_faces and any(written == n for n in data.attributes if n != name)) else name
        )
        extra = " direction" if attribute.direction else ""
        comments.append(
            f"comment equiscope attribute {attribute.domain} {known} {attribute.transforms}{extra}"
        )
    points = _structured(vertex)
    lines = ["ply", "format binary_little_endian 1.0", *comments, f"element vertex {len(data.points)}"]
    lines += [f"property {_PLY[points.dtype[n].str[1:]]} {n}" for n in points.dtype.names or ()]
    blocks = [points]
    if isinstance(data, Mesh):
        rows = _structured([("count", np.full(len(faces), 3, np.uint8)), ("corners", faces), *face])
        lines += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
        lines += [f"property {_PLY[rows.dtype[n].str[1:]]} {n}" for n in (rows.dtype.names or ())[2:]]
        blocks.append(rows)
    header = ("\n".join(lines) + "\nend_header\n").encode()

    def fill(file: BinaryIO) -> None:
        file.write(header)
        for block in blocks:
            job.check()
            block.tofile(file)

    with replacing(path) as file:
        fill(file)


def write_stl(data: Mesh, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Binary STL. The format holds float32 corners and no attributes."""
    job.progress(0.1, "Writing STL")
    corners = data.points[data.faces].astype("<f4")
    across = np.cross(
        corners[:, 1].astype(np.float64) - corners[:, 0], corners[:, 2].astype(np.float64) - corners[:, 0]
    )
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    facets = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
    facets["normal"] = across / np.where(lengths > 0, lengths, 1)
    facets["corners"] = corners

    def fill(file: BinaryIO) -> None:
        file.write(b"Equiscope binary STL".ljust(80))
        file.write(np.uint32(len(facets)).astype("<u4").tobytes())
        facets.tofile(file)

    with replacing(path) as file:
        fill(file)


def write_obj(data: Mesh | PointCloud, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """OBJ with point colours and normals, where there are any."""
    job.progress(0.1, "Writing OBJ")
    points = data.points.astype(np.float64)
    rgb = data.attributes.get("rgb")
    normal = data.attributes.get("normals")
    digits = "%.9g" if data.points.dtype == np.float32 else "%.17g"
    columns, form = [points], f"v {digits} {digits} {digits}"
    if rgb is not None and rgb.domain is Domain.POINT:
        columns.append(rgb.values[:, :3] / 255.0)
        form += " %.6f %.6f %.6f"
    faces = data.faces + 1 if isinstance(data, Mesh) else np.zeros((0, 3), np.int64)
    with_normals = normal is not None and normal.domain is Domain.POINT

    def fill(file: BinaryIO) -> None:
        file.write(b"# Equiscope\n")
        np.savetxt(file, np.concatenate(columns, axis=1), form)
        if normal is not None and with_normals:
            np.savetxt(file, normal.values, "vn %.9g %.9g %.9g")
            np.savetxt(file, np.repeat(faces, 2, axis=1), "f %d//%d %d//%d %d//%d")
        else:
            np.savetxt(file, faces, "f %d %d %d")

    with replacing(path) as file:
        fill(file)


def write_npz(data: Mesh | PointCloud, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """NPZ with `points`, `faces` (meshes) and one array per attribute; exact in every type."""
    job.progress(0.1, "Writing NPZ")
    arrays: dict[str, Array] = {"points": data.points}
    if isinstance(data, Mesh):
        arrays["faces"] = data.faces
    texts = {"unit": data.unit, "space": data.space}
    for name, attribute in data.attributes.items():
        if attribute.values.dtype.kind not in "biuf":
            continue
        key = name.replace("/", "_")
        while key in arrays or key in ("equiscope", "file"):
            key += "_"
        arrays[key] = attribute.values
        degree = "-" if attribute.degree is None else str(attribute.degree)
        direction = "direction" if attribute.direction else "-"
        texts[f"attribute {key}"] = f"{attribute.domain} {attribute.transforms} {degree} {direction}"
    arrays["equiscope"] = np.frombuffer(json.dumps(texts).encode(), np.uint8)
    with replacing(path) as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


def write_vtp(data: Mesh | PointCloud, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """VTK polygon XML with attributes; vectors, normals and tensors marked as such, the space as 3D Slicer does."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints, vtkStringArray
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    from plugins.scans._vtk import listening

    job.progress(0.1, "Writing VTP")
    poly = vtkPolyData()
    points = vtkPoints()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(data.points), deep=True))
    poly.SetPoints(points)
    cells = vtkCellArray()
    if isinstance(data, Mesh):
        offsets = np.arange(0, 3 * len(data.faces) + 1, 3, dtype=np.int64)
        corners = np.ascontiguousarray(data.faces.reshape(-1), np.int64)
        poly.SetPolys(cells)
    else:
        offsets = np.arange(len(data.points) + 1, dtype=np.int64)
        corners = np.arange(len(data.points), dtype=np.int64)
        poly.SetVerts(cells)
    cells.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(corners, deep=True))
    for name, attribute in data.attributes.items():
        if attribute.domain not in (Domain.POINT, Domain.FACE) or attribute.values.dtype.kind not in "biuf":
            continue
        values = np.ascontiguousarray(attribute.values.reshape(len(attribute.values), -1))
        if values.dtype == bool or values.dtype == np.float16:
            values = values.astype(np.uint8 if values.dtype == bool else np.float32)
        array = numpy_to_vtk(values, deep=True)
        array.SetName(name)
        on = poly.GetPointData() if attribute.domain is Domain.POINT else poly.GetCellData()
        if name == "normals" and attribute.transforms is Transforms.VECTOR:
            on.SetNormals(array)
        elif attribute.transforms is Transforms.VECTOR and on.GetVectors() is None:
            on.SetVectors(array)
        elif attribute.transforms is Transforms.TENSOR and on.GetTensors() is None:
            on.SetTensors(array)
        else:
            on.AddArray(array)
    if data.space == "RAS":
        text = vtkStringArray()
        text.SetName("SPACE")
        text.InsertNextValue("RAS")
        poly.GetFieldData().AddArray(text)
    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(poly)
    writer.SetWriteToOutputString(True)
    with listening() as complaints:
        done = writer.Write()
    if not done or complaints.error:
        raise WriteError(
            path, f"could not be written ({complaints.error or 'VTK gave no reason'})", "try PLY instead"
        )
    content = writer.GetOutputString()
    with replacing(path) as file:
        file.write(content if isinstance(content, bytes) else content.encode("latin-1"))


def _ply_columns(name: str, attribute: Attribute, on_faces: bool) -> tuple[str, list[tuple[str, Array]]]:
    """The name under which a reader will find it, and the PLY properties."""
    values = attribute.values
    plain = name[5:] if on_faces and name.startswith("face_") else name
    if plain == "rgb" and values.dtype == np.uint8 and values.ndim == 2 and values.shape[1] in (3, 4):
        names = ("red", "green", "blue", "alpha")
        return "rgb", [(n, values[:, i]) for n, i in zip(names, range(values.shape[1]), strict=False)]
    if plain == "normals" and values.shape[1:] == (3,):
        return "normals", [(n, values[:, i]) for i, n in enumerate(("nx", "ny", "nz"))]
    if plain == "uv" and values.shape[1:] == (2,):
        return "uv", [(n, values[:, i]) for i, n in enumerate("uv")]
    safe = re.sub(r"[^\w.\-]", "_", plain) or "attribute"
    if values.ndim == 1:
        return safe, [(safe, values)]
    flat = values.reshape(len(values), -1)
    return safe, [(f"{safe}_{i}", flat[:, i]) for i in range(flat.shape[1])]


def _structured(columns: list[tuple[str, Array]]) -> Array:
    """Columns side by side as one little-endian structured array; names made unique."""
    fields: list[Any] = []
    values: list[Array] = []
    taken: set[str] = set()
    for name, column in columns:
        column = np.asarray(column)
        if column.dtype == bool:
            column = column.astype(np.uint8)
        elif column.dtype == np.float16:
            column = column.astype(np.float32)
        elif column.dtype.itemsize == 8 and column.dtype.kind in "iu":  # PLY has no 64-bit whole numbers
            limits = np.iinfo(np.int32)
            fits = not column.size or (int(column.min()) >= limits.min and int(column.max()) <= limits.max)
            column = column.astype(np.int32 if fits else np.float64)
        while name in taken:
            name += "_"
        taken.add(name)
        fields.append((name, column.dtype.newbyteorder("<"), column.shape[1:]))
        values.append(column)
    out = np.zeros(len(values[0]), fields)
    for (name, *_), column in zip(fields, values, strict=True):
        out[name] = column
    return out
