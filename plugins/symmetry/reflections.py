"""The analysis `symmetry.reflections`: mirror planes of a mesh, a point cloud or a volume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal

from core.analyses import Advanced, Help, Label, Range
from core.data import Mesh, PointCloud, Volume
from core.errors import Refused
from core.jobs import Job
from core.results import Result

if TYPE_CHECKING:
    from plugins.symmetry._shape import Shape


def reflections(
    data: Mesh | PointCloud | Volume,
    *,
    minimum_score: Annotated[
        float,
        Range(0.0, 1.0, 0.01),
        Help("Planes below this score are left out; the best one is always listed."),
    ] = 0.9,
    max_planes: Annotated[int, Range(1, 200), Help("At most so many planes are listed.")] = 40,
    samples: Annotated[
        int,
        Range(1000, 200000),
        Label("Sample points"),
        Advanced(),
        Help("Points of the object that are mirrored to measure a plane."),
    ] = 20000,
    index: Annotated[
        int,
        Range(0, None),
        Label("Time point"),
        Help("Entry of a fourth axis to be used, from 0."),
        Advanced(),
    ] = 0,
    threshold: Annotated[
        float | None,
        Help("Voxels at or below this value count as background; empty: all voxels count."),
        Advanced(),
    ] = None,
    outside: Annotated[
        Literal["auto", "background", "border"],
        Help(
            "What a volume is beyond its border: background, or its border values; auto: background for masks."
        ),
        Advanced(),
    ] = "auto",
    job: Job,
) -> Result:
    """Find the planes in which an object is its own mirror image, whatever its pose.

    Score: exp(−(20 · error / size)²), the same for all kinds of object. 1 is an exact mirror, 0.99 an error of
    0.5 % of the size, 0.9 one of 1.6 %. The error is the RMS distance between the object's surface and its mirror
    image: from points spread evenly by area to the nearest triangle of a mesh; from points of a cloud to the
    cloud, less the cloud's own spacing; between the level surfaces of a volume smoothed by 3 % of the size,
    weighed by contrast, which is sqrt(∫(f − f∘σ)² / ∫|∇f|²). Single distances count as at most a quarter of the
    size. The size is twice the RMS distance of that surface from its centroid: the diameter for a sphere.

    Every mirror plane of an object contains its centroid, so a rough error is computed for 4000 directions of
    the normal there; each minimum is refined by least squares in direction and offset, first by tabulated
    distances, then by exact ones, and then measured. Normals point towards +x (`core.symmetry.mirror_plane` has
    another rule: its largest entry is positive). The number of threads does not change the result.
    Spheres and bodies of revolution have infinitely many mirrors: these are reported as continuous, with their
    centre or axis, in place of the planes. A polygon of 28 sides or more counts as round.

    Reference: Zabrodsky, Peleg and Avnir, Symmetry as a continuous feature, 1995; Podolak, Shilane, Golovinskiy,
    Rusinkiewicz and Funkhouser, A planar-reflective symmetry transform for 3D shapes, 2006.
    """
    from plugins.symmetry._find import find
    from plugins.symmetry._report import report

    shape = make_shape(data, samples=samples, index=index, threshold=threshold, outside=outside, job=job)
    found = find(shape, minimum_score=minimum_score, max_planes=max_planes, job=job)
    job.progress(0.97, "Writing down what was found")
    return report(data, shape, found)


def make_shape(
    data: Mesh | PointCloud | Volume,
    *,
    samples: int,
    index: int,
    threshold: float | None,
    outside: Literal["auto", "background", "border"],
    job: Job,
) -> Shape:
    """`data` as the search sees it. Raises `Refused` where there is nothing whose mirror could be sought."""
    from plugins.symmetry._cloud import CloudShape
    from plugins.symmetry._mesh import MeshShape
    from plugins.symmetry._patience import patiently
    from plugins.symmetry._volume import VolumeShape

    job.progress(0.01, "Preparing the object")
    build: Callable[[], Shape]
    if isinstance(data, Volume):
        build = partial(
            VolumeShape,
            data,
            samples,
            job.rng,
            index=index,
            threshold=threshold,
            outside=outside,
            job=job,
        )
    elif isinstance(data, Mesh) and len(data.faces):
        build = partial(MeshShape, data, samples, job.rng, job.threads)
    elif isinstance(data, (Mesh, PointCloud)):
        build = partial(CloudShape, data, samples, job.rng, job.threads)
    else:
        raise Refused("Mirror planes are sought in meshes, point clouds and volumes only.")
    shape = patiently(build, job.check)
    shape.check = job.check
    return shape
