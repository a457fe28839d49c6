"""From raw arrays to checked data objects: what every reader of this plugin has in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.analyses import Help
from core.data import Attribute, Domain, Loaded, Mesh, PointCloud, Transforms
from core.errors import ReadError
from plugins.scans._errors import AGAIN

Array = NDArray[Any]
Space = Annotated[
    Literal["auto", "RAS", "LPS"],
    Help("Anatomical axes of the coordinates; auto: what the file says. LPS is converted to RAS."),
]


def triangulate(flat: Array, counts: Array) -> tuple[Array, Array, int]:
    """Polygons as triangle fans around their first corner.

    Parameters
    ----------
    flat : (sum of counts,) corner indices of all polygons, one after the other.
    counts : (m,) corners of each polygon.

    Returns
    -------
    (t, 3) corner indices in the order of the polygons, (t,) the polygon each triangle comes from, and the
    number of polygons with fewer than three corners, which give no triangle.
    """
    counts = np.asarray(counts, np.int64)
    flat = np.asarray(flat)
    if len(counts) and (counts == 3).all():
        return flat.reshape(-1, 3), np.arange(len(counts)), 0
    starts = np.cumsum(counts) - counts
    per = np.maximum(counts - 2, 0)
    source = np.repeat(np.arange(len(counts)), per)
    step = np.arange(len(source)) - np.repeat(np.cumsum(per) - per, per)
    first = starts[source]
    triangles = np.stack([flat[first], flat[first + step + 1], flat[first + step + 2]], axis=1)
    return triangles.reshape(-1, 3), source, int((counts < 3).sum())


def strips(flat: Array, counts: Array) -> tuple[Array, Array]:
    """Triangle strips as triangles (every second one turned round): (t, 3) corners and (t,) their strip."""
    counts = np.asarray(counts, np.int64)
    flat = np.asarray(flat)
    starts = np.cumsum(counts) - counts
    per = np.maximum(counts - 2, 0)
    source = np.repeat(np.arange(len(counts)), per)
    step = np.arange(len(source)) - np.repeat(np.cumsum(per) - per, per)
    first = starts[source] + step
    odd = step % 2
    triangles = np.stack([flat[first + odd], flat[first + 1 - odd], flat[first + 2]], axis=1)
    return triangles.reshape(-1, 3), source


def normals(values: Array, domain: Domain = Domain.POINT) -> Attribute:
    """(n, 3) unit (or area-weighted) normals: vectors of which only the direction counts."""
    return Attribute(np.ascontiguousarray(values), Transforms.VECTOR, domain, direction=True)


def colors(values: Array, domain: Domain = Domain.POINT) -> Attribute:
    """(n, 3|4) colours as uint8. Whole types keep 0..255 (16 bit: the upper byte); fractions 0..1 are scaled."""
    values = np.asarray(values)
    if values.dtype == np.uint8:
        out = values
    elif values.dtype.kind in "iu":
        big = values.size and int(values.max()) > 255
        out = np.clip(values // 256 if big else values, 0, 255).astype(np.uint8)
    else:
        finite = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        fractions = not finite.size or float(finite.max()) <= 1.0
        out = np.clip(np.rint(finite * 255.0 if fractions else finite), 0, 255).astype(np.uint8)
    return Attribute(np.ascontiguousarray(out), Transforms.SCALAR, domain)


def mesh(
    path: Path,
    points: Array,
    faces: Array,
    attributes: Mapping[str, Attribute] | None = None,
    *,
    name: str = "",
    unit: str = "",
    space: str = "",
    warnings: list[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    display: Mapping[str, Any] | None = None,
) -> Loaded:
    """A mesh (or, without a single face, a point cloud) with every index and coordinate checked.

    Points without finite coordinates are left out together with the faces that use them, and counted.

    Raises
    ------
    ReadError : a face refers to a point that does not exist; there are no points.
    """
    notes = list(warnings or ())
    attributes = dict(attributes or {})
    faces = np.asarray(faces).reshape(-1, 3)
    if faces.size and (int(faces.min()) < 0 or int(faces.max()) >= len(points)):
        wrong = int(faces.min()) if int(faces.min()) < 0 else int(faces.max())
        raise ReadError(path, f"has a face that refers to point {wrong} of its {len(points)} points", AGAIN)
    if not len(faces):
        attributes = {k: a for k, a in attributes.items() if a.domain is not Domain.FACE}
        return cloud(
            path,
            points,
            attributes,
            name=name,
            unit=unit,
            space=space,
            warnings=notes,
            metadata=metadata,
            display=display,
        )
    finite: Array = np.asarray(np.isfinite(points).all(axis=1))
    if not finite.all():
        kept: Array = np.asarray(finite[faces].all(axis=1))
        lost = int((~finite).sum())
        if not kept.any():
            raise ReadError(path, "has no face whose points all have finite coordinates", AGAIN)
        notes.append(
            f"{lost:,} of {len(points):,} points have no finite coordinates; they and "
            f"{int((~kept).sum()):,} faces were left out."
        )
        renumber = np.cumsum(finite) - 1
        faces = renumber[faces[kept]]
        points = points[finite]
        attributes = _subset(attributes, {Domain.POINT: finite, Domain.FACE: kept})
    data = Mesh(points, np.ascontiguousarray(faces, np.int32), attributes, unit, space)
    return Loaded(
        name or stem(path), data, tuple(notes), dict(metadata or {}), display=_display(attributes, display)
    )


def cloud(
    path: Path,
    points: Array,
    attributes: Mapping[str, Attribute] | None = None,
    *,
    name: str = "",
    unit: str = "",
    space: str = "",
    warnings: list[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    display: Mapping[str, Any] | None = None,
) -> Loaded:
    """A point cloud; points without finite coordinates (gaps of an organised scan) are left out and counted.

    Raises
    ------
    ReadError : no point is left.
    """
    notes = list(warnings or ())
    attributes = dict(attributes or {})
    if not len(points):
        raise ReadError(path, "has no points", "open a file with at least one point")
    finite: Array = np.asarray(np.isfinite(points).all(axis=1))
    if not finite.all():
        if not finite.any():
            raise ReadError(path, "has no point with finite coordinates", AGAIN)
        notes.append(
            f"{int((~finite).sum()):,} of {len(points):,} points have no finite coordinates and were left out."
        )
        points = points[finite]
        attributes = _subset(attributes, {Domain.POINT: finite})
    data = PointCloud(np.ascontiguousarray(points), attributes, unit, space)
    return Loaded(
        name or stem(path), data, tuple(notes), dict(metadata or {}), display=_display(attributes, display)
    )


def placed(
    points: Array,
    attributes: Mapping[str, Attribute],
    option: Space,
    stated: str = "",
    default: str = "",
) -> tuple[Array, dict[str, Attribute], str, list[str]]:
    """Points and attributes in RAS, the space to record, and warnings.

    Parameters
    ----------
    option : what the user asked for; "auto" goes by the file.
    stated : "RAS", "LPS" or "" as the file states it.
    default : the space of a file that states none.

    LPS to RAS turns by 180° about z (determinant +1), so faces keep their winding.
    """
    space = option if option != "auto" else (stated or default)
    notes: list[str] = []
    out = dict(attributes)
    if option != "auto" and stated and option != stated:
        notes.append(f"The file says {stated}; it was read as {option}, as asked.")
    if space != "LPS":
        return points, out, space, notes
    for key, attribute in out.items():
        if attribute.transforms in (Transforms.VECTOR, Transforms.AXIAL_VECTOR):
            turned = attribute.values * np.array([-1, -1, 1], dtype=attribute.values.dtype)
            out[key] = Attribute(
                turned,
                attribute.transforms,
                attribute.domain,
                unit=attribute.unit,
                direction=attribute.direction,
            )
        elif attribute.transforms is Transforms.TENSOR:
            sign = np.array([-1, -1, 1], dtype=attribute.values.dtype)
            out[key] = Attribute(
                attribute.values * sign[:, None] * sign,
                attribute.transforms,
                attribute.domain,
                unit=attribute.unit,
            )
        elif attribute.transforms is Transforms.UNKNOWN:
            notes.append(f"Attribute {key!r} was not converted from LPS: nothing says how it turns.")
    return points * np.array([-1, -1, 1], dtype=points.dtype), out, "RAS", notes


def stem(path: Path) -> str:
    """The file's name without its suffix (and without .gz before it)."""
    name = path.name[:-3] if path.name.lower().endswith(".gz") else path.name
    return Path(name).stem or path.name


def _subset(attributes: Mapping[str, Attribute], keep: Mapping[Domain, Array]) -> dict[str, Attribute]:
    return {
        name: Attribute(a.values[keep[a.domain]], a.transforms, a.domain, a.degree, a.unit, a.direction)
        if a.domain in keep
        else a
        for name, a in attributes.items()
    }


def _display(attributes: Mapping[str, Attribute], asked: Mapping[str, Any] | None) -> dict[str, Any]:
    return {**({"color_by": "rgb"} if "rgb" in attributes else {}), **(asked or {})}
