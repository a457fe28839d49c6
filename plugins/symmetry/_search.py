"""From a landscape of trial mirrors to planes: maxima on the hemisphere, each refined by least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from core.jobs import Job
from plugins.symmetry._algebra import Array, canonical, hemisphere, tangents
from plugins.symmetry._shape import Shape, score

TRIALS = 4000
"""Trial normals over the hemisphere: 2.3° apart, a third of the step between the planes of a 24-sided prism."""

COARSE_POINTS = 1500
ROUGH_POINTS = 500
REFINE_POINTS = 1500
PROBE_POINTS = 3000


@dataclass(frozen=True)
class Plane:
    """A plane in the object's frame (unit normal, offset from the centroid in sizes) and its error in sizes."""

    normal: Array
    offset: float
    error: float


@dataclass(frozen=True)
class Landscape:
    """Rough errors (n,) of mirrors through the centroid with unit normals (n, 3) over the hemisphere x >= 0."""

    normals: Array
    errors: Array
    tree: cKDTree
    """Of the normals and their opposites."""

    def at(self, normals: Array) -> Array:
        """Rough errors at the nearest trial normals."""
        _, near = self.tree.query(normals)
        out: Array = np.concatenate([self.errors, self.errors])[near]
        return out

    def minima(self, radius: float) -> Array:
        """Indices of trial normals with the least error within `radius` (radians, up to sign), best first."""
        near = self.tree.query_ball_point(self.normals, 2.0 * np.sin(radius / 2.0))
        n = len(self.normals)
        best = [i for i, js in enumerate(near) if self.errors[i] <= self.errors[np.asarray(js) % n].min()]
        return np.array(sorted(best, key=lambda i: (self.errors[i], i)), dtype=np.int64)


def landscape(shape: Shape, job: Job, span: tuple[float, float] = (0.1, 0.4)) -> Landscape:
    """The rough error over the hemisphere of normals, reporting progress over `span`."""
    normals = hemisphere(TRIALS)
    parts = []
    for start in range(0, TRIALS, 100):
        parts.append(shape.coarse(normals[start : start + 100], COARSE_POINTS))
        job.progress(span[0] + (span[1] - span[0]) * start / TRIALS, "Trying mirrors of every direction")
    return Landscape(normals, np.concatenate(parts), cKDTree(np.concatenate([normals, -normals])))


def refine(
    shape: Shape, normal: Array, offset: float, count: int, steps: int, check: Callable[[], None]
) -> tuple[Array, float, float]:
    """(normal, offset, root of the objective) of the least-squares mirror near a start: Levenberg-Marquardt.

    The mirror of x is x - 2 (n·x - d) n; for n -> n + a t₀ + b t₁, d -> d + c its derivative is
    -2 [(x·t) n + (n·x - d) t] for a and b, and 2 n for c.
    """
    points = shape.points[:count]
    damping = 1e-6
    cost, residual, gradient = shape.linearise(shape.reflected(normal, offset, count))
    for _ in range(steps):
        check()
        frame = tangents(normal)
        jacobian = _jacobian(points, normal, offset, frame, gradient)
        hessian, slope = jacobian.T @ jacobian, jacobian.T @ residual.reshape(-1)
        floor = np.diag(hessian) + 1e-3 * np.trace(hessian) + 1e-300
        for _attempt in range(6):
            change = -np.linalg.solve(hessian + damping * np.diag(floor), slope)
            length = float(np.linalg.norm(change[:2]))
            if length > 0.2:  # the derivative says nothing about farther
                change *= 0.2 / length
            trial = normal + change[:2] @ frame
            trial = trial / np.linalg.norm(trial)
            found = shape.linearise(shape.reflected(trial, offset + float(change[2]), count))
            if found[0] < cost:
                break
            damping = max(damping * 10.0, 1e-6)
        else:
            break
        gained = cost - found[0]
        normal, offset = trial, offset + float(change[2])
        cost, residual, gradient = found
        damping = max(damping / 10.0, 1e-12)
        if np.abs(change).max() < 1e-10 or gained < 1e-7 * cost or cost < 1e-26:
            break
    return normal, offset, float(np.sqrt(cost))


def _jacobian(points: Array, normal: Array, offset: float, frame: Array, gradient: Array) -> Array:
    """(m·q, 3) derivatives of the residuals by (a, b, c)."""
    height = points @ normal - offset
    moves = np.stack(
        [
            -2.0 * ((points @ frame[0])[:, None] * normal + height[:, None] * frame[0]),
            -2.0 * ((points @ frame[1])[:, None] * normal + height[:, None] * frame[1]),
            np.broadcast_to(2.0 * normal, points.shape),
        ],
        axis=2,
    )
    return np.einsum("mqi,mik->mqk", gradient, moves).reshape(-1, 3)


def principal_axes(shape: Shape) -> tuple[Array, Array]:
    """(3,) second moments, ascending, and (3, 3) their axes as rows."""
    values, vectors = np.linalg.eigh(shape.covariance)
    return values, vectors.T


def candidates(shape: Shape, scape: Landscape, limit: int, lowest: float) -> list[Array]:
    """Start normals: the principal axes, then the maxima of the landscape that may refine to `lowest`."""
    starts = list(principal_axes(shape)[1])
    # A rough error is up to the cap above the true one: half the score is asked for here.
    threshold = 0.35 * lowest
    minima = scape.minima(np.radians(4.0))
    chosen = [i for k, i in enumerate(minima) if k < 8 or score(scape.errors[i]) >= threshold]
    starts.extend(scape.normals[i] for i in chosen[:limit])
    return starts


def refined_planes(
    shape: Shape, starts: list[Array], job: Job, span: tuple[float, float], *, lowest: float
) -> list[Plane]:
    """The distinct planes that the starts lead to, best first, refined on many points; their errors are final."""
    width = span[1] - span[0]
    rough: list[Plane] = []
    for k, start in enumerate(starts):
        job.progress(span[0] + 0.4 * width * k / len(starts), "Refining mirror planes")
        rough.append(Plane(*refine(shape, start, 0.0, ROUGH_POINTS, 8, job.check)))
    floor = 2.0 * shape.noise
    closer: list[Plane] = []
    for k, plane in enumerate(rough := distinct(rough, 0.5)):
        job.progress(span[0] + (0.4 + 0.3 * k / len(rough)) * width, "Refining mirror planes")
        if k < 3 or score(max(0.0, plane.error - floor)) >= 0.7 * lowest:
            closer.append(Plane(*refine(shape, plane.normal, plane.offset, REFINE_POINTS, 15, job.check)))
    final: list[Plane] = []
    for k, plane in enumerate(closer := distinct(closer)):
        job.progress(span[0] + (0.7 + 0.3 * k / len(closer)) * width, "Measuring mirror planes")
        if k < 3 or score(max(0.0, plane.error - floor)) >= 0.9 * lowest:
            final.append(_settled(shape, plane, job))
    return distinct(final)


def _settled(shape: Shape, plane: Plane, job: Job) -> Plane:
    """`plane` refined until no tilt by 0.7° makes it better: least squares may rest on a saddle."""
    count = len(shape.points)
    normal, offset = plane.normal, plane.offset
    for _ in range(4):
        normal, offset, _ = refine(shape, normal, offset, PROBE_POINTS, 6, job.check)
        error = shape.error(normal, offset, PROBE_POINTS)
        if error < 5e-4:
            break
        tilts = np.tan(np.radians(0.7)) * np.concatenate([tangents(normal), -tangents(normal)])
        trials = [(normal + tilt) / np.linalg.norm(normal + tilt) for tilt in tilts]
        errors = []
        for trial in trials:
            job.check()
            errors.append(shape.error(trial, offset, PROBE_POINTS))
        best = int(np.argmin(errors))
        if errors[best] >= error * (1.0 - 1e-3) - 0.05 * shape.noise:
            break
        normal = trials[best]
    return Plane(normal, offset, shape.error(normal, offset, count))


def distinct(planes: list[Plane], angle: float = 1.0, distance: float = 0.01) -> list[Plane]:
    """Best first, without those within `angle` degrees and `distance` sizes of a better one."""
    kept: list[Plane] = []
    limit = np.cos(np.radians(angle))
    for plane in sorted(planes, key=lambda p: p.error):
        normal = canonical(plane.normal)
        offset = plane.offset if normal @ plane.normal > 0 else -plane.offset
        same = False
        for other in kept:
            cosine = float(normal @ other.normal)
            sign = 1.0 if cosine > 0 else -1.0
            same = same or (abs(cosine) > limit and abs(offset - sign * other.offset) < distance)
        if not same:
            kept.append(Plane(normal, offset, plane.error))
    return kept
