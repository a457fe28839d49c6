"""From a landscape of trial mirrors to planes: maxima on the hemisphere, each refined by least squares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from core.jobs import Job
from plugins.symmetry._algebra import Array, canonical, hemisphere, mirror_many, tangents
from plugins.symmetry._shape import SCALE, Shape, score

TRIALS = 4000
"""Trial normals over the hemisphere: 2.3° apart, a third of the step between the planes of a 24-sided prism."""

COARSE_POINTS = 700
ROUGH_POINTS = 700
REFINE_POINTS = 1500
PROBE_POINTS = 3000
TILT_POINTS = 2000

ROUGH_SLACK = 0.005
"""How much a rough error may exceed the true one."""

BATCH = 12
"""Trial mirrors refined at once: few enough to ask in time whether to stop."""


Linearised = tuple[Array, Array, Array]


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
    shape: Shape,
    normal: Array,
    offset: float,
    count: int,
    steps: int,
    check: Callable[[], None],
    *,
    gain: float = 1e-7,
) -> tuple[Array, float, float]:
    """(normal, offset, root of the objective) of the least-squares mirror near a start, measured exactly.

    Levenberg-Marquardt, until a step gains less than the part `gain` of the objective.
    """

    def linearise(normals: Array, offsets: Array) -> Linearised:
        cost, residual, gradient = shape.linearise(shape.reflected(normals[0], float(offsets[0]), count))
        return np.array([cost]), residual[None], gradient[None]

    normals, offsets, costs = _least_squares(
        shape.points[:count], normal[None], np.array([offset]), linearise, steps, gain, check
    )
    return normals[0], float(offsets[0]), float(np.sqrt(costs[0]))


def refine_roughly(
    shape: Shape, normals: Array, offsets: Array, check: Callable[[], None], steps: int = 8
) -> list[Plane]:
    """The least-squares mirrors near k starts, all at once, by tabulated distances; their errors are rough."""
    points = shape.points[:ROUGH_POINTS]
    out: list[Plane] = []
    for start in range(0, len(normals), BATCH):
        found = _least_squares(
            points,
            normals[start : start + BATCH],
            offsets[start : start + BATCH],
            lambda n, d: shape.rough(mirror_many(points, n, d)),
            steps,
            1e-4,
            check,
            damped=1e-3,  # a table's errors must not turn a plane about a line that it may turn about freely
        )
        out.extend(Plane(n, float(d), float(np.sqrt(c))) for n, d, c in zip(*found, strict=True))
    return out


def rough_errors(
    shape: Shape, normals: Array, offsets: Array, count: int, check: Callable[[], None]
) -> Array:
    """(k,) errors of k mirrors by tabulated distances, without regard to the spacing of a cloud."""
    out = []
    for start in range(0, len(normals), BATCH):
        check()
        block = slice(start, start + BATCH)
        out.append(shape.rough(mirror_many(shape.points[:count], normals[block], offsets[block]))[0])
    return np.sqrt(np.concatenate(out))


def _least_squares(
    points: Array,
    normals: Array,
    offsets: Array,
    linearise: Callable[[Array, Array], Linearised],
    steps: int,
    gain: float,
    check: Callable[[], None],
    damped: float = 1e-6,
) -> tuple[Array, Array, Array]:
    """(k, 3) normals, (k,) offsets and (k,) objectives of k mirrors: Levenberg-Marquardt, each with its own damping.

    The mirror of x is x - 2 (n·x - d) n; for n -> n + a t₀ + b t₁, d -> d + c its derivative is
    -2 [(x·t) n + (n·x - d) t] for a and b, and 2 n for c.
    """
    normals, offsets = np.array(normals, dtype=np.float64), np.array(offsets, dtype=np.float64)
    active = np.arange(len(normals))
    costs, residual, gradient = linearise(normals, offsets)
    costs = np.array(costs)
    damping = np.full(len(normals), damped)
    frames, hessian, slope = _normal_equations(points, normals, offsets, residual, gradient)
    for _ in range(2 * steps):
        check()
        diagonal = np.einsum("kii->ki", hessian)
        floor = diagonal + 1e-3 * diagonal.sum(axis=1, keepdims=True) + 1e-300
        matrix = hessian + damping[active, None, None] * (floor[:, :, None] * np.eye(3))
        change = -np.linalg.solve(matrix, slope[:, :, None])[:, :, 0]
        length = np.linalg.norm(change[:, :2], axis=1)
        change *= (0.2 / np.maximum(length, 0.2))[:, None]  # the derivative says nothing about farther
        trial = normals[active] + np.einsum("ka,kai->ki", change[:, :2], frames)
        trial /= np.linalg.norm(trial, axis=1, keepdims=True)
        moved = offsets[active] + change[:, 2]
        cost, residual, gradient = linearise(trial, moved)
        better = cost < costs[active]
        gained = costs[active] - cost
        won = active[better]
        normals[won], offsets[won], costs[won] = trial[better], moved[better], cost[better]
        damping[won] = np.maximum(damping[won] / 10.0, 1e-12)
        damping[active[~better]] = np.maximum(damping[active[~better]] * 10.0, 1e-6)
        if better.any():
            new = _normal_equations(points, trial[better], moved[better], residual[better], gradient[better])
            frames[better], hessian[better], slope[better] = new
        done = better & ((np.abs(change).max(axis=1) < 1e-10) | (gained < gain * cost) | (cost < 1e-26))
        keep = ~done & (damping[active] < 1.0)
        if not keep.any():
            break
        active, frames, hessian, slope = active[keep], frames[keep], hessian[keep], slope[keep]
    return normals, offsets, costs


def _normal_equations(
    points: Array, normals: Array, offsets: Array, residual: Array, gradient: Array
) -> tuple[Array, Array, Array]:
    """(k, 2, 3) tangents, (k, 3, 3) Gauss-Newton matrices and (k, 3) slopes of the objective by (a, b, c)."""
    frames = np.stack([tangents(n) for n in normals])
    height = normals @ points.T - offsets[:, None]
    along = np.matmul(gradient, normals[:, None, :, None])[..., 0]
    columns = []
    for axis in range(2):
        across = np.matmul(gradient, frames[:, axis][:, None, :, None])[..., 0]
        shadow = frames[:, axis] @ points.T
        columns.append(-2.0 * (shadow[..., None] * along + height[..., None] * across))
    columns.append(2.0 * along)
    jacobian = np.stack(columns, axis=-1).reshape(len(normals), -1, 3)
    turned = jacobian.transpose(0, 2, 1)
    return frames, turned @ jacobian, (turned @ residual.reshape(len(normals), -1, 1))[..., 0]


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
    job.progress(span[0], "Refining mirror planes")
    rough = distinct(refine_roughly(shape, np.array(starts), np.zeros(len(starts)), job.check), 0.5)
    limit = SCALE * float(np.sqrt(-np.log(max(lowest, 1e-300))))
    floor = 2.0 * shape.noise
    closer: list[Plane] = []
    for k, plane in enumerate(rough):
        job.progress(span[0] + (0.2 + 0.3 * k / len(rough)) * width, "Refining mirror planes")
        if k < 3 or plane.error <= 1.4 * limit + floor + ROUGH_SLACK:
            exact = refine(shape, plane.normal, plane.offset, REFINE_POINTS, 10, job.check, gain=1e-3)
            closer.append(Plane(*exact))
    final: list[Plane] = []
    for k, plane in enumerate(closer := distinct(closer)):
        job.progress(span[0] + (0.5 + 0.5 * k / len(closer)) * width, "Measuring mirror planes")
        if k < 3 or plane.error <= 1.15 * limit + floor:
            settled = _settled(shape, plane, job, np.inf if k < 3 else 1.04 * limit + floor)
            final.extend([] if settled is None else [settled])
    return distinct(final)


def _settled(shape: Shape, plane: Plane, job: Job, limit: float) -> Plane | None:
    """`plane` refined until no tilt by 0.7° makes it better: least squares may rest on a saddle.

    None where its error stays above `limit` on a part of the points. The error of the plane is that of all points.
    """
    best, normal = plane, plane.normal
    for attempt in range(4):
        found = Plane(*refine(shape, normal, best.offset, PROBE_POINTS, 6, job.check, gain=1e-5))
        if found.error > limit:
            return None
        if attempt and found.error >= best.error:
            break
        best = found
        if best.error < 5e-4:
            break
        tilts = np.tan(np.radians(0.7)) * np.concatenate([tangents(best.normal), -tangents(best.normal)])
        trials = np.concatenate([best.normal[None], best.normal + tilts])
        trials /= np.linalg.norm(trials, axis=1, keepdims=True)
        errors = rough_errors(shape, trials, np.full(5, best.offset), TILT_POINTS, job.check)
        if errors[1:].min() >= errors[0] * (1.0 - 5e-3) - 0.05 * shape.noise:
            break
        normal = trials[1 + int(np.argmin(errors[1:]))]
    job.check()
    return Plane(best.normal, best.offset, shape.error(best.normal, best.offset, len(shape.points)))


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
