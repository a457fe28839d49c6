"""Rigid alignment by closest points: many starts, trimming, point to plane. NumPy and SciPy only.

Besl and McKay 1992 (the iteration), Chen and Medioni 1992 (point to plane), Chetverikov, Stepanov and Krsek 2005
(trimming with a share chosen by the data).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from plugins.scans._places import FEWEST, Array, Target

COARSE, STARTS, FIRST_STEPS, ROUGH_STEPS = 240, 110, 4, 12
"""Points and rotations of the first search, its steps from all starts, and from the better ones."""
MEDIUM, TRIED, MEDIUM_STEPS = 400, 24, 25
"""Points, starts and steps of the second."""
REFINED = 8
"""Starts that are refined with all points, at most; no worse than `WORTH` times the best."""
WORTH = 2.0
APART = 12.0
"""Degrees between two starts that are worth refining both."""
LEAST = 0.4
"""The smallest share of the points that trimming keeps."""
_CONDITION, _BARELY = 1e-7, 1e-3
"""Directions of motion with less weight than this, relative to the best decided one: not moved along; told of."""


@dataclass(frozen=True)
class Motion:
    """x -> scale * rotation @ x + shift; det(rotation) is −1 for a mirrored one."""

    rotation: Array
    shift: Array
    scale: float = 1.0

    def __call__(self, points: Array) -> Array:
        moved: Array = self.scale * (points @ self.rotation.T) + self.shift
        return moved

    @property
    def matrix(self) -> Array:
        """(4, 4)."""
        out = np.eye(4)
        out[:3, :3] = self.scale * self.rotation
        out[:3, 3] = self.shift
        return out

    @property
    def angle(self) -> float:
        """Degrees of the turn; of a mirrored motion: of what is left after x -> −x."""
        turn = self.rotation * np.sign(np.linalg.det(self.rotation))
        return float(np.degrees(np.linalg.norm(Rotation.from_matrix(turn).as_rotvec())))


@dataclass(frozen=True)
class Fit:
    """An alignment.

    Attributes
    ----------
    rms : of the distances of the points that were kept.
    overlap : the share of the points that were kept.
    steps : iterations.
    free : how many of the directions of motion the shape does not decide (a sphere: 3).
    """

    motion: Motion
    rms: float
    overlap: float
    steps: int
    free: int

    @property
    def objective(self) -> float:
        """What is minimised; in the moving object's own size, for a point fits everywhere."""
        return _objective(self.rms, self.overlap) / self.motion.scale


def align(
    source: Array,
    target: Target,
    *,
    overlap: float | None,
    similarity: bool,
    mirror: bool,
    search: bool,
    steps: int,
    rng: np.random.Generator,
    report: Callable[[float, str], None],
) -> tuple[list[Fit], float]:
    """Fits of different poses, best first, and the error (RMS) of the best mirrored pose of the first search.

    `source` (n, 3) points; `search` False: only from where it lies.
    """
    here = source.mean(axis=0)
    still = Motion(np.eye(3), np.zeros(3))
    starts = [still]
    mirrored_error = np.inf
    if search:
        report(0.05, "Looking for a start")
        spread = float(np.sqrt(((source - here) ** 2).sum(axis=1).mean()))
        scale = target.size / spread if similarity and spread > 0 else 1.0
        few = source[:COARSE]
        cloud, tree = target.cover, target.cover_tree
        ranked: list[tuple[float, Motion]] = []
        flips: list[tuple[float, Motion]] = []
        flip = np.diag([-1.0, 1, 1])
        rotations = [(r, False) for r in _rotations(source - here, cloud - target.centre, rng)]
        rotations += [
            (r @ flip, True) for r in _rotations((source - here) @ flip, cloud - target.centre, rng)
        ]
        for number, (rotation, flipped) in enumerate(rotations):
            if number % 16 == 0:
                report(0.05 + 0.35 * number / len(rotations), "Looking for a start")
            start = Motion(rotation, target.centre - scale * rotation @ here, scale)
            pair = _rough(few, tree, cloud, start, overlap, FIRST_STEPS)
            (flips if flipped and not mirror else ranked).append(pair)
        ranked, flips = (
            [_rough(few, tree, cloud, m, overlap, ROUGH_STEPS) for _, m in sorted(pairs, key=_first)[:most]]
            for pairs, most in ((ranked, 60), (flips, 30))
        )
        starts += _different([m for _, m in sorted(ranked, key=_first)], TRIED)
        medium = source[:MEDIUM]

        def tried(start: Motion, quick: bool = True) -> Fit:
            # Without a change of size: far from a solution a small object fits anywhere.
            return refine(
                medium,
                target,
                start,
                overlap=overlap,
                similarity=False,
                steps=min(steps, MEDIUM_STEPS),
                quick=quick,
            )

        second = []
        for number, start in enumerate(starts):
            report(0.4 + 0.25 * number / len(starts), "Comparing starts")
            second.append(tried(start))
        flipped_fits = [tried(s) for s in _different([m for _, m in sorted(flips, key=_first)], 6)]
        for fit in sorted(flipped_fits, key=lambda f: f.objective)[:2]:
            mirrored_error = min(mirrored_error, tried(fit.motion, quick=False).objective)
        placed = second[0]
        second.sort(key=lambda f: f.objective)
        limit = max(WORTH * second[0].objective, 1e-6 * target.size)
        # From where it lies first: of poses that are as good, the smallest turn is wanted.
        good = [f.motion for f in (placed, *second) if f.objective <= limit]
        starts = _different(good, REFINED, least=1.0)
    fits = []
    for number, start in enumerate(starts):
        report(0.65 + 0.3 * number / len(starts), "Refining")
        fit = refine(source, target, start, overlap=overlap, similarity=similarity, steps=steps)
        fits.append(polished(source, target, fit, similarity=similarity) if overlap is None else fit)
    fits.sort(key=lambda f: f.objective)
    return fits, mirrored_error


def polished(source: Array, target: Target, fit: Fit, *, similarity: bool) -> Fit:
    """The last steps with every pair that is no outlier: trimming by share leaves good pairs out, and tilts the rest.

    `overlap` then is the share of points within three robust standard deviations.
    """
    motion, free, steps = fit.motion, fit.free, fit.steps
    rms, overlap = fit.rms, fit.overlap
    for _ in range(12):
        moved = motion(source)
        foot, normal = target.closest(moved)
        distance = np.sqrt(((moved - foot) ** 2).sum(axis=1))
        spread = 1.4826 * float(
            np.median(np.sort(distance)[: max(FEWEST, round(fit.overlap * len(distance)))])
        )
        kept = np.flatnonzero(distance <= max(3.0 * spread, 1e-9 * target.size))
        if len(kept) < FEWEST:
            break
        rms, overlap = float(np.sqrt((distance[kept] ** 2).mean())), len(kept) / len(distance)
        change, free = _plane_step(moved[kept], foot[kept], normal[kept], target, similarity)
        steps += 1
        new = _after(change, motion)
        if float(np.abs(new(source[:50]) - motion(source[:50])).max()) < 1e-12 * target.size:
            break
        motion = new
    return Fit(motion, rms, overlap, steps, free)


def _first(pair: tuple[float, Motion]) -> float:
    return pair[0]


def _different(motions: list[Motion], most: int, *, least: float | None = None) -> list[Motion]:
    """The first of each group of like poses."""
    out: list[Motion] = []
    for motion in motions:
        if len(out) >= most:
            break
        if all(_between(motion, other) > (APART if least is None else least) for other in out):
            out.append(motion)
    return out


def refine(
    source: Array,
    target: Target,
    start: Motion,
    *,
    overlap: float | None,
    similarity: bool,
    steps: int,
    quick: bool = False,
) -> Fit:
    """Point to plane from a start, until nothing moves any more; `quick`: with nearly closest points."""
    closest = target.near if quick else target.closest
    motion, free, step = start, 0, 0
    best: tuple[float, float, float, Motion] | None = None
    stale = 0
    for _ in range(steps):
        step += 1
        moved = motion(source)
        foot, normal = closest(moved)
        squared = ((moved - foot) ** 2).sum(axis=1)
        share = _share(squared, overlap)
        kept = np.argsort(squared, kind="stable")[: max(FEWEST, round(share * len(squared)))]
        rms = float(np.sqrt(squared[kept].mean()))
        value = _objective(rms, share) / motion.scale
        if best is None or value < best[0] * (1 - 1e-9):
            stale = 0 if best is None or value < best[0] * 0.999 else stale + 1
            best = (value, rms, share, motion)
        else:
            stale += 1
        if rms < 1e-13 * target.size or stale >= 6:
            break
        change, free = _plane_step(moved[kept], foot[kept], normal[kept], target, similarity)
        motion = _after(change, motion)
    assert best is not None
    # The last step is kept only if it helped; measured with all points.
    return Fit(best[3], best[1], best[2], step, free)


def _objective(rms: float, share: float) -> float:
    """What trimming minimises: few points fit well by accident (Chetverikov et al. 2005, λ = 2)."""
    return float(rms / share**1.5)


def _share(squared: Array, overlap: float | None) -> float:
    """The share of points to keep: as asked, or the one with the smallest objective."""
    if overlap is not None:
        return overlap
    ordered = np.cumsum(np.sort(squared))
    n = len(ordered)
    count = np.arange(max(FEWEST, int(LEAST * n)), n + 1)
    mean = ordered[count - 1] / count
    if mean[-1] <= 1e-24 * max(1.0, float(ordered[-1])):
        return 1.0
    value = mean / (count / n) ** 3
    return float(count[int(np.argmin(value))] / n)


def _rough(
    points: Array, tree: cKDTree, cloud: Array, start: Motion, overlap: float | None, steps: int
) -> tuple[float, Motion]:
    """A few steps from point to point on a thinned cloud."""
    motion, value = start, np.inf
    for _ in range(steps):
        moved = motion(points)
        distance, near = tree.query(moved)
        squared = distance**2
        share = _share(squared, overlap)
        kept = np.argsort(squared, kind="stable")[: max(FEWEST, round(share * len(squared)))]
        new = _objective(float(np.sqrt(squared[kept].mean())), share)
        if new > value * 0.998:
            value = min(value, new)
            break
        value = new
        motion = _after(_point_step(moved[kept], cloud[near[kept]]), motion)
    return value, motion


def _point_step(moved: Array, foot: Array) -> Motion:
    """The best motion from points to points (Umeyama 1991)."""
    a, b = moved.mean(axis=0), foot.mean(axis=0)
    u, _, v = np.linalg.svd((foot - b).T @ (moved - a))
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ v)) or 1.0])
    rotation = u @ sign @ v
    return Motion(rotation, b - rotation @ a)


def _plane_step(
    moved: Array, foot: Array, normal: Array, target: Target, similarity: bool
) -> tuple[Motion, int]:
    """The small motion that brings points onto the planes of their closest points, and what it left undecided."""
    centre, size = foot.mean(axis=0), target.size
    arm = (moved - centre) / size
    rows = [np.cross(arm, normal), normal]
    if similarity:
        rows.append((arm * normal).sum(axis=1, keepdims=True))
    matrix = np.concatenate(rows, axis=1)
    away = ((foot - moved) * normal).sum(axis=1) / size
    gram = matrix.T @ matrix
    values, vectors = np.linalg.eigh(gram)
    decided = values > _CONDITION * max(float(values[-1]), 1e-300)
    inverse = np.where(decided, 1.0 / np.where(decided, values, 1.0), 0.0)
    x = vectors @ (inverse * (vectors.T @ (matrix.T @ away)))
    turn = x[:3]
    length = float(np.linalg.norm(turn))
    if length > 0.5:  # beyond what is linear
        x = x * (0.5 / length)
    rotation = Rotation.from_rotvec(x[:3]).as_matrix()
    scale = float(np.clip(1.0 + x[6], 0.5, 2.0)) if similarity else 1.0
    shift = centre - scale * rotation @ centre + size * x[3:6]
    return Motion(rotation, shift, scale), int((values < _BARELY * float(values[-1])).sum())


def _after(second: Motion, first: Motion) -> Motion:
    """`first`, then `second`."""
    rotation = second.rotation @ first.rotation
    # Rounding must not pile up over many steps.
    u, _, v = np.linalg.svd(rotation)
    return Motion(
        u @ v,
        second.scale * second.rotation @ first.shift + second.shift,
        second.scale * first.scale,
    )


def _between(a: Motion, b: Motion) -> float:
    """Degrees between two poses; 180 for one that mirrors the other."""
    turn = a.rotation @ b.rotation.T
    if np.linalg.det(turn) < 0:
        return 180.0
    return float(np.degrees(np.linalg.norm(Rotation.from_matrix(turn).as_rotvec())))


def _rotations(source: Array, target: Array, rng: np.random.Generator) -> list[Array]:
    """Rotations to begin with: none, those that take main axes to main axes, and some spread over all."""
    out = [np.eye(3)]
    _, a = np.linalg.eigh(source.T @ source)
    _, b = np.linalg.eigh(target.T @ target)
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        flip = np.diag([signs[0], signs[1], 1.0])
        rotation = b @ flip @ a.T
        out.append(rotation if np.linalg.det(rotation) > 0 else b @ flip @ np.diag([1, 1, -1.0]) @ a.T)
    out += list(Rotation.from_quat(rng.normal(size=(STARTS, 4))).as_matrix())
    return out
