"""The analysis `scans.distance`: how far one surface or cloud is from another, as colours and numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np

from core.analyses import Help, Label, Range
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms
from core.errors import Refused
from core.jobs import Job
from core.results import Histogram, Layer, Number, Output, Result

NAME = "distance"
_BLOCK = 20_000


def distance(
    measured: Mesh | PointCloud,
    reference: Mesh | PointCloud,
    *,
    signed: Annotated[
        bool, Help("Negative inside the reference, which must be a surface; by its triangles' orientation.")
    ] = False,
    limit: Annotated[
        float | None,
        Range(0.0, None),
        Label("Farthest"),
        Help("Points further away are left out of the numbers; empty: all count."),
    ] = None,
    bins: Annotated[int, Range(2, 1000), Help("Bars of the histogram.")] = 50,
    job: Job,
) -> Result:
    """Measure the distance of every point of one object to the closest point of another.

    Distances are exact: to the nearest place on the reference's triangles, or to the nearest point of a cloud. With
    “signed” they are negative inside; the side is taken from the angle-weighted normal there, which is right on edges
    and corners too. The Hausdorff distance is the largest of all points in both directions: what has no counterpart
    on either side counts, and so does what lies beyond “farthest”. It is taken at the points: of surfaces with large
    triangles it is a lower bound. RMS, mean and 95 % are those of the measured object's points, each counted once.

    Reference: Cignoni, Rocchini and Scopigno, Metro: measuring error on simplified surfaces, 1998; Bærentzen and
    Aanæs, Signed distance computation using the angle weighted pseudonormal, 2005.
    """
    from plugins.scans._places import finite_points

    if signed and not (isinstance(reference, Mesh) and len(reference.faces)):
        raise Refused("Inside and outside need a surface as the reference; this one has no triangles.")
    points = np.asarray(measured.points, dtype=np.float64)
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        raise Refused("The measured object has no point with finite coordinates.")
    job.progress(0.02, "Measuring")
    values = np.full(len(points), np.nan)
    values[finite] = _distances(points[finite], reference, signed, job, (0.02, 0.6))
    job.progress(0.6, "Measuring the other way")
    back = _distances(finite_points(reference), measured, False, job, (0.6, 0.95))
    unit = getattr(measured, "unit", "") or getattr(reference, "unit", "")
    warnings = []
    units = {getattr(d, "unit", "") for d in (measured, reference)} - {""}
    if len(units) > 1:
        warnings.append(
            f"The units differ ({' and '.join(sorted(units))}); the numbers were taken as they are."
        )
    size = np.abs(values[finite])
    counted = size if limit is None else size[size <= limit]
    if not counted.size:
        raise Refused(f"No point lies within {limit:g} {unit} of the reference.".replace("  ", " "))
    shown = values[finite] if limit is None else values[finite][size <= limit]
    numbers: dict[str, float] = {
        "mean": float(shown.mean()),
        "mean_absolute": float(counted.mean()),
        "rms": float(np.sqrt((counted**2).mean())),
        "percentile_95": float(np.percentile(counted, 95.0)),
        "largest": float(counted.max()),
        "hausdorff": float(max(size.max(), back.max())),
    }
    attribute = Attribute(values, Transforms.SCALAR, Domain.POINT, unit=unit)
    data = replace(measured, attributes={**measured.attributes, NAME: attribute})
    display: dict[str, Any] = {"color_by": NAME, "colormap": "viridis", "instead_of": (0, 1)}
    if signed:
        most = float(np.percentile(size, 99.0)) or float(size.max()) or 1.0
        display |= {"colormap": "diverging", "range": (-most, most)}
    low, high = float(shown.min()), float(shown.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # nothing but rounding between them
        low, high = low - 0.5 * (abs(low) or 1.0), high + 0.5 * (abs(high) or 1.0)
    counts, edges = np.histogram(shown, bins=bins, range=(low, high))
    words = {
        "mean": "Mean" if signed else "",
        "mean_absolute": "Mean distance",
        "rms": "RMS distance",
        "percentile_95": "95 % are nearer than",
        "largest": "Largest distance",
        "hausdorff": "Hausdorff distance",
    }
    outputs: list[Output] = [Layer("Distance", data, display)]
    outputs += [Number(words[key], value, unit) for key, value in numbers.items() if words[key]]
    outputs.append(Histogram("Distances", edges, counts, label="Distance", unit=unit))
    if len(counted) < len(size):
        numbers["left_out"] = len(size) - len(counted)
        outputs.append(Number("Points left out", numbers["left_out"]))
    if not finite.all():
        number = int((~finite).sum())
        were = "point was" if number == 1 else "points were"
        warnings.append(f"{number} {were} left out: the coordinates are not finite.")
    return Result({**numbers, "unit": unit, "signed": signed}, tuple(outputs), tuple(warnings))


def _distances(
    points: Any, reference: Mesh | PointCloud, signed: bool, job: Job, part: tuple[float, float]
) -> Any:
    """(n,) distances of (n, 3) points."""
    from plugins.scans._places import corners_of, finite_points

    out = np.empty(len(points))
    if isinstance(reference, Mesh) and len(reference.faces) and len(corners_of(reference)):
        ask = _surface(reference)
    else:
        from scipy.spatial import cKDTree

        own = finite_points(reference)
        if not len(own):
            raise Refused("The reference has no point with finite coordinates.")
        tree = cKDTree(own)

        def ask(block: Any) -> Any:
            return tree.query(block, workers=job.threads)[0]

    for start in range(0, len(points), _BLOCK):
        job.progress(part[0] + (part[1] - part[0]) * start / len(points), "Measuring")
        out[start : start + _BLOCK] = ask(points[start : start + _BLOCK])
    return out if signed else np.abs(out)


def _surface(mesh: Mesh) -> Any:
    """A function from (n, 3) points to signed distances, by VTK."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkDoubleArray, vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkImplicitPolyDataDistance

    points = np.asarray(mesh.points, dtype=np.float64)
    faces = np.asarray(mesh.faces)
    # Triangles without an area have no normal, and neither a side.
    corners = points[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double = np.linalg.norm(cross, axis=1)
    good = np.isfinite(double) & (double > 1e-14 * max(float(np.nanmax(double, initial=0.0)), 1e-300))
    faces = faces[good].astype(np.int64)
    held = vtkPoints()
    held.SetData(numpy_to_vtk(np.where(np.isfinite(points), points, 0.0), deep=True))
    cells = vtkCellArray()
    offsets = np.arange(0, 3 * len(faces) + 1, 3, dtype=np.int64)
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(faces.reshape(-1), deep=True)
    )
    surface = vtkPolyData()
    surface.SetPoints(held)
    surface.SetPolys(cells)
    implicit = vtkImplicitPolyDataDistance()
    implicit.SetInput(surface)

    def ask(block: Any) -> Any:
        queries = numpy_to_vtk(np.ascontiguousarray(block), deep=True)
        found = vtkDoubleArray()
        implicit.FunctionValue(queries, found)
        return vtk_to_numpy(found).copy()

    return ask
