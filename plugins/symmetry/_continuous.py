"""Objects with a continuum of mirrors: spheres (every plane through the centre) and bodies of revolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.jobs import Job
from plugins.symmetry._algebra import Array, canonical, circle, hemisphere
from plugins.symmetry._search import Landscape, Plane, principal_axes, refine, refine_roughly, rough_errors
from plugins.symmetry._shape import Shape

ROUND_AXIS = 0.0015
"""Largest error, in sizes, on the circle of planes of an axis that is a tessellation of something round.

A prism of 24 sides as high as wide shows 0.2 %, a cylinder cut into 32 0.11 %.
"""

ROUND_SPHERE = 0.005
"""The same over all directions. An icosphere of 320 triangles shows 0.3 %, a dodecahedron 3 %."""

ROUND_REAL = 0.015
"""Up to this error (score 0.914) a scanned or dented object may still be round, unless single planes stand out."""

SHARE = 0.35
"""What part of a cloud's spacing an error may have by chance."""

DIP, DIP_MANY = 0.35, 0.45
"""One or two planes stand out of a round object where their errors are below this share of the mean; and more
planes at equal steps, which chance makes less often."""

POINTS = 1000

ROUGH = 0.006
"""How much an error by tabulated distances may exceed the true one."""


@dataclass(frozen=True)
class Continuous:
    """A sphere (direction None) or an axis of revolution, in the object's frame; the largest error in sizes."""

    kind: str
    point: Array
    direction: Array | None
    error: float


def find_sphere(shape: Shape, scape: Landscape, job: Job) -> Continuous | None:
    """The object as a sphere, or None. Checked on 100 directions with the true error."""
    moments, _ = principal_axes(shape)
    if moments[2] > 1.1 * moments[0] or scape.errors.max() > 0.06:
        return None
    fits = refine_roughly(shape, hemisphere(12), np.zeros(12), job.check)
    if max(fit.error for fit in fits) > ROUND_REAL + ROUGH + 2.0 * shape.noise:
        return None
    fits = [_refined(shape, fit, job) for fit in fits]
    # The centroid of a cloud is off by chance, that of a scan by its gaps: the planes know the centre better.
    centre, *_ = np.linalg.lstsq(
        np.array([fit.normal for fit in fits]), np.array([fit.offset for fit in fits]), rcond=1e-3
    )
    normals = hemisphere(100)
    errors = np.empty(len(normals))
    for k, normal in enumerate(normals):
        job.check()
        errors[k] = shape.error(normal, float(centre @ normal), POINTS)
        if errors[k] > ROUND_REAL + shape.noise:
            return None
    worst = float(errors.max())
    tolerance = max(ROUND_SPHERE, SHARE * shape.noise, shape.grain)
    if worst > tolerance and (worst > ROUND_REAL or errors.min() < DIP * worst):
        return None
    return Continuous("sphere", centre, None, worst)


def find_axes(shape: Shape, scape: Landscape, job: Job) -> tuple[list[Continuous], list[Array]]:
    """(axes of revolution, start normals on circles that are nearly round but have a finite symmetry)."""
    found: list[Continuous] = []
    starts: list[Array] = []
    for axis in _axis_candidates(shape, scape):
        job.check()
        if any(abs(float(c.direction @ axis)) > 0.98 for c in found if c.direction is not None):
            continue
        rough = scape.at(circle(axis, 90))
        if float(np.quantile(rough, 0.9)) > 0.06:
            continue
        fitted = _fitted_axis(shape, axis, job)
        if fitted is None:
            continue
        direction, point, planes = fitted
        normals = circle(direction, 240)
        rough = rough_errors(shape, normals, normals @ point, POINTS // 2, job.check)
        if rough.max() > 1.5 * ROUND_REAL + ROUGH + 2.0 * shape.noise:
            continue  # no circle; the landscape is rough enough to show its planes
        refitted = _common_axis([_refined(shape, plane, job) for plane in planes])
        if refitted is None:
            continue
        direction, point = refitted
        first = [shape.error(n, float(point @ n), POINTS // 2) for n in circle(direction, 16)]
        if max(first) > 1.5 * ROUND_REAL + shape.noise:
            continue
        normals = circle(direction, 240)
        if max(first) > 1.1 * ROUND_REAL:
            rough = rough_errors(shape, normals, normals @ point, POINTS // 2, job.check)
            starts.extend(normals[_lowest(rough)])
            continue
        errors = np.empty(len(normals))
        for k, normal in enumerate(normals):
            job.check()
            errors[k] = shape.error(normal, float(point @ normal), POINTS)
        if _round(errors, SHARE * shape.noise, shape.grain):
            found.append(Continuous("axial", point, canonical(direction), float(errors.max())))
        else:
            starts.extend(normals[_lowest(errors)])
    if len(found) > 1:
        # Turns about two axes make up all turns.
        worst = max(c.error for c in found)
        found = [Continuous("sphere", np.mean([c.point for c in found], axis=0), None, worst)]
    return found, starts


def without_continuum(planes: list[Plane], axes: list[Continuous]) -> list[Plane]:
    """The planes that do not merely contain an axis of revolution."""
    out = []
    for plane in planes:
        contained = False
        for axis in axes:
            if axis.direction is None:
                continue
            tilt = abs(float(plane.normal @ axis.direction))
            gap = abs(float(plane.normal @ axis.point) - plane.offset)
            contained = contained or (tilt < np.sin(np.radians(3.0)) and gap < 0.03)
        if not contained:
            out.append(plane)
    return out


def _axis_candidates(shape: Shape, scape: Landscape) -> list[Array]:
    """Axes whose other two moments agree; all directions of a round inertia are tried on the landscape."""
    moments, axes = principal_axes(shape)
    if moments[2] < 1.1 * moments[0]:
        trial = hemisphere(600)
        worst = [float(np.quantile(scape.at(circle(a, 60)), 0.9)) for a in trial]
        best = np.argsort(worst, kind="stable")[:3]
        return [*axes, *trial[best]]
    pairs = ((0, 1, 2), (1, 2, 0))
    return [axes[k] for i, j, k in pairs if moments[j] - moments[i] <= 0.1 * moments[j] + 1e-4 * moments[2]]


def _lowest(errors: Array) -> Array:
    """Where errors around a circle have a minimum."""
    out: Array = (errors <= np.roll(errors, 1)) & (errors <= np.roll(errors, -1))
    return out


def _fitted_axis(shape: Shape, axis: Array, job: Job) -> tuple[Array, Array, list[Plane]] | None:
    """(direction, point, planes) of the axis that planes refined roughly from ten starts around `axis` share."""
    starts = circle(axis, 10)
    near = []
    for start, plane in zip(starts, refine_roughly(shape, starts, np.zeros(10), job.check), strict=True):
        close = abs(float(plane.normal @ start)) > np.cos(np.radians(15.0))
        if close and plane.error < 0.03 + 2.0 * shape.noise:
            near.append(plane)
    common = _common_axis(near)
    return None if common is None else (*common, near)


def _common_axis(planes: list[Plane]) -> tuple[Array, Array] | None:
    """(direction, point) of the line that five or more planes share best."""
    if len(planes) < 5:
        return None
    matrix = np.array([plane.normal for plane in planes])
    _, spread, rows = np.linalg.svd(matrix)
    # The planes must really turn around the axis: two directions of normals, not one.
    if spread[1] < 0.3 * spread[0]:
        return None
    point, *_ = np.linalg.lstsq(matrix, np.array([plane.offset for plane in planes]), rcond=1e-3)
    return rows[2], point


def _refined(shape: Shape, plane: Plane, job: Job) -> Plane:
    """`plane` by exact distances."""
    return Plane(*refine(shape, plane.normal, plane.offset, POINTS // 2, 6, job.check, gain=1e-4))


def _round(errors: Array, chance: float, grain: float) -> bool:
    """Whether the errors of planes at equal steps around an axis speak for a body of revolution.

    They do below the tolerance of a tessellation. Up to `ROUND_REAL` they do unless the planes of some n-fold
    symmetry stand out: a comb of n equal steps whose errors are all below a share of the mean.
    """
    worst = float(errors.max())
    if worst <= max(ROUND_AXIS, chance, grain):
        return True
    if worst > ROUND_REAL:
        return False
    count = len(errors)
    few, many = np.hypot(errors, max(chance, grain)), np.hypot(errors, chance)
    for n in range(1, 49):
        errors, share = (few, DIP) if n <= 2 else (many, DIP_MANY)
        bound = share * float(np.sqrt((errors**2).mean()))
        teeth = count * np.arange(n) / n
        for start in np.arange(0.0, count / n):
            comb = errors[np.rint(start + teeth).astype(int) % count]
            if comb.max() <= bound:
                return False
    return True
