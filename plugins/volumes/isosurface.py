"""The surface of a volume at one value."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from core import meshing
from core.analyses import Help, Label, Range, Unit
from core.data import Attribute, Domain, Mesh, Transforms, Volume
from core.errors import Refused
from core.jobs import Job
from core.results import Layer, Number, Result
from plugins.volumes._files import free_memory, size_text

_BYTES_PER_CELL = 600
"""Peak of marching cubes and the tables after it per grid edge that the surface crosses; 560 measured on white noise."""


def isosurface(
    volume: Volume,
    *,
    level: Annotated[
        float | None, Unit("value"), Help("Value of the surface; empty: Otsu's threshold.")
    ] = None,
    index: Annotated[int, Range(0), Label("Time point"), Help("Which entry of the fourth axis, from 0.")] = 0,
    step: Annotated[
        int, Range(1, 16), Unit("voxels"), Help("Use every n-th voxel: coarser, faster, less memory.")
    ] = 1,
    smooth: Annotated[
        int, Range(0, 200), Label("Smoothing"), Help("Taubin passes; they keep the volume.")
    ] = 0,
    keep: Annotated[
        float, Range(1, 100), Unit("%"), Help("Share of the triangles kept by decimation.")
    ] = 100.0,
    largest: Annotated[
        bool, Label("Largest part only"), Help("Drop all but the largest connected part.")
    ] = False,
    cap: Annotated[
        bool, Label("Close at the edge"), Help("Close the surface where it leaves the grid.")
    ] = True,
    job: Job,
) -> Result:
    """Surface of a volume at one value, with area, enclosed volume and topology.

    Marching cubes on the voxel centres, placed by the volume's matrix (oblique, sheared and mirrored ones too), so
    area and volume are in world units. Faces look outward: from higher to lower values. The Euler characteristic
    is 2 for each closed part without handles.

    Reference: Lorensen and Cline 1987; Lewiner et al. 2003; Otsu 1979; Taubin 1995.
    """
    array = _one_volume(volume, index)
    warnings: list[str] = []
    job.progress(0.02, "Choosing the level")
    if level is None:
        try:
            level = meshing.otsu(array)
        except ValueError:
            raise Refused(
                "Every voxel has the same value (or none is a number), so there is no surface."
            ) from None
    _enough_memory(array, level, step, job)
    job.progress(0.1, "Marching cubes")
    if min(array[::step, ::step, ::step].shape) < 2 and not cap:
        raise Refused("The grid has a single slice along one axis; close the surface at the edge to get one.")
    try:
        surface = meshing.isosurface(array, volume.affine, level, cap=cap, step=step)
    except (ValueError, RuntimeError) as error:
        raise Refused(f"There is no surface at this level: {error}.") from error
    points, faces = surface
    job.progress(0.6, "Counting parts")
    n_parts, part = meshing.components(faces, len(points))
    if largest and n_parts > 1:
        points, faces = meshing.keep_faces(points, faces, part == 0)
        warnings.append(f"{n_parts - 1} smaller parts were dropped.")
    if smooth:
        job.progress(0.65, "Smoothing")
        points = meshing.taubin(points, faces, smooth)
    if keep < 100.0:
        job.progress(0.75, "Decimating")
        points, faces = _decimate(points, faces, keep / 100.0)
    job.progress(0.85, "Measuring")
    n_parts, _ = meshing.components(faces, len(points))
    closed = meshing.is_closed(faces)
    area = float(meshing.areas(points, faces).sum())
    inside = meshing.enclosed_volume(points, faces)
    euler = meshing.euler_characteristic(faces)
    if not closed:
        warnings.append("The surface is open where it leaves the grid, so its enclosed volume means little.")
    normals = meshing.vertex_normals(points, faces)
    mesh = Mesh(
        points.astype(np.float32),
        faces,
        {"normals": Attribute(normals, Transforms.VECTOR, Domain.POINT, direction=True)},
        unit=volume.unit,
        space=volume.space,
    )
    unit = volume.unit or "unit"
    job.progress(1.0)
    return Result(
        values={
            "level": level,
            "area": area,
            "volume": inside,
            "unit": volume.unit,
            "components": n_parts,
            "euler_characteristic": euler,
            "closed": closed,
            "n_points": len(points),
            "n_faces": len(faces),
        },
        outputs=(
            Layer("Isosurface", mesh),
            Number("Level", level, volume.value_unit),
            Number("Area", area, f"{unit}²"),
            Number("Enclosed volume", inside, f"{unit}³"),
            Number("Connected parts", n_parts),
            Number("Euler characteristic", euler),
        ),
        warnings=tuple(warnings),
    )


def _one_volume(volume: Volume, index: int) -> np.ndarray:
    array: np.ndarray = volume.array
    if array.ndim == 4:
        if index >= array.shape[3]:
            raise Refused(
                f"The volume has {array.shape[3]} entries (0 to {array.shape[3] - 1}); there is no {index}."
            )
        return array[..., index]
    if index:
        raise Refused("The volume has no fourth axis, so only volume 0 is there.")
    return array


def _enough_memory(array: Any, level: float, step: int, job: Job) -> None:
    """Refuse before taking memory that is not there: count the cells that the surface passes, slice by slice."""
    coarse = array[::step, ::step, ::step]
    crossed = 0
    before: np.ndarray | None = None
    for k in range(coarse.shape[2]):
        job.progress(0.02 + 0.06 * k / coarse.shape[2], "Estimating memory")
        inside = coarse[:, :, k] > level
        crossed += int(np.count_nonzero(inside[1:] != inside[:-1])) + int(
            np.count_nonzero(inside[:, 1:] != inside[:, :-1])
        )
        if before is not None:
            crossed += int(np.count_nonzero(inside != before))
        before = inside
    need = 24 * int(coarse.size) + _BYTES_PER_CELL * crossed
    free = free_memory()
    if need > 0.9 * free:
        raise Refused(
            f"The surface needs about {size_text(need)} of memory and {size_text(free)} are free; "
            f"choose a larger step (now {step}) or another level."
        )


def _decimate(points: Any, faces: Any, share: float) -> tuple[Any, Any]:
    """Quadric decimation (Garland and Heckbert 1997) to a share of the triangles, keeping topology where it can."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkFiltersCore import vtkQuadricDecimation

    coordinates = vtkPoints()
    coordinates.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=1))
    cells = vtkCellArray()
    offsets = np.arange(0, 3 * len(faces) + 1, 3, dtype=np.int64)
    cells.SetData(
        numpy_to_vtkIdTypeArray(offsets, deep=1),
        numpy_to_vtkIdTypeArray(np.ascontiguousarray(faces, dtype=np.int64).reshape(-1), deep=1),
    )
    poly = vtkPolyData()
    poly.SetPoints(coordinates)
    poly.SetPolys(cells)
    decimation = vtkQuadricDecimation()
    decimation.SetInputData(poly)
    decimation.SetTargetReduction(1.0 - share)
    decimation.Update()
    out = decimation.GetOutput()
    triangles = vtk_to_numpy(out.GetPolys().GetConnectivityArray()).reshape(-1, 3).astype(np.int32)
    kept = vtk_to_numpy(out.GetPoints().GetData()).astype(np.float64)
    surface = meshing.keep_faces(kept, triangles, np.ones(len(triangles), dtype=bool))
    return surface.points, surface.faces
