"""The whole search on one shape."""

from __future__ import annotations

from dataclasses import dataclass

from core.jobs import Job
from plugins.symmetry._algebra import Array
from plugins.symmetry._continuous import Continuous, find_axes, find_sphere, without_continuum
from plugins.symmetry._search import Landscape, Plane, candidates, landscape, refined_planes
from plugins.symmetry._shape import Shape, score


@dataclass(frozen=True)
class Found:
    """Planes (best first) and continuous symmetries in the object's frame, and the landscape they come from."""

    planes: list[Plane]
    continuous: list[Continuous]
    landscape: Landscape
    left_out: int


def find(shape: Shape, *, minimum_score: float, max_planes: int, job: Job) -> Found:
    """Landscape, continuous symmetries, then planes. The best plane is kept whatever its score."""
    scape = landscape(shape, job)
    job.progress(0.4, "Looking for round shapes")
    sphere = find_sphere(shape, scape, job)
    if sphere is not None:
        return Found([], [sphere], scape, 0)
    axes, extra = find_axes(shape, scape, job)
    if any(axis.kind == "sphere" for axis in axes):
        return Found([], axes, scape, 0)
    job.progress(0.5, "Refining mirror planes")
    starts = candidates(shape, scape, 60, minimum_score)
    starts = [n for n in starts if not any(_contains(axis, n) for axis in axes)] + extra
    planes = refined_planes(shape, starts, job, (0.5, 0.95), lowest=minimum_score) if starts else []
    planes = without_continuum(planes, axes)
    if axes:
        kept = [p for p in planes if score(p.error) >= minimum_score]
    else:
        kept = [p for k, p in enumerate(planes) if k == 0 or score(p.error) >= minimum_score]
    return Found(kept[:max_planes], axes, scape, max(0, len(kept) - max_planes))


def _contains(axis: Continuous, normal: Array) -> bool:
    """Whether a plane of this normal through the centroid nearly contains the axis."""
    return axis.direction is not None and abs(float(axis.direction @ normal)) < 0.1
