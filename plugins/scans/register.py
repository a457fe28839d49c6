"""The analysis `scans.register`: one surface or point cloud moved onto another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np

from core.analyses import Help, Label, Range
from core.data import Mesh, PointCloud, Transform
from core.errors import Refused
from core.jobs import Job
from core.results import Layer, Number, Output, Result, Text
from core.symmetry import act_known

if TYPE_CHECKING:
    from plugins.scans._icp import Fit

ALIKE = 1.05
"""Fits whose errors differ by no more than this factor are as good as each other."""
SAME = 3.0
"""Degrees between poses that are one and the same."""


def register(
    fixed: Mesh | PointCloud,
    moving: Mesh | PointCloud,
    *,
    scaling: Annotated[bool, Help("The size may change too (a similarity).")] = False,
    mirror: Annotated[
        bool, Label("Allow mirroring"), Help("A mirrored copy may be turned into its mirror image.")
    ] = False,
    overlap: Annotated[
        float | None,
        Range(0.1, 1.0, 0.05),
        Help("Share of the moving object that has a counterpart; empty: found from the distances."),
    ] = None,
    start: Annotated[
        Literal["search", "as placed"],
        Help("search: whatever the two poses; as placed: only small corrections of where they lie."),
    ] = "search",
    samples: Annotated[
        int, Range(200, 100_000), Label("Sample points"), Help("Points of the moving object that are fitted.")
    ] = 3000,
    steps: Annotated[int, Range(1, 1000), Label("Most steps"), Help("Iterations from each start.")] = 100,
    job: Job,
) -> Result:
    """Move one surface or point cloud onto another: a rotation and a shift, if wanted a size.

    The first object stays, the second one moves. Points of the moving object are paired with the closest points of
    the fixed one, exactly on its triangles, and moved towards the planes there (point to plane); pairs that are far
    apart are left out (trimmed), as many as the distances or “overlap” say. The iteration finds the nearest
    solution only, so it is begun from many rotations about the centres, in a first search with few points, and from
    where the object lies; at most eight of the best starts are refined. Of several equally good poses of a symmetric object the
    one with the smallest turn is taken, and it is told how many others were met.

    The transform maps the moving object's coordinates to the fixed one's. “Apply to the item” in the window moves
    the item itself by an edit.

    Reference: Besl and McKay, A method for registration of 3-D shapes, 1992; Chen and Medioni, Object modelling by
    registration of multiple range images, 1992; Chetverikov, Stepanov and Krsek, Robust Euclidean alignment of 3D
    point sets: the trimmed iterative closest point algorithm, 2005.
    """
    from plugins.scans._icp import align
    from plugins.scans._places import Target, sampled

    units = {getattr(d, "unit", "") for d in (fixed, moving)} - {""}
    warnings = []
    if len(units) > 1:
        warnings.append(
            f"The units differ ({' and '.join(sorted(units))}); the numbers were taken as they are."
        )
    job.progress(0.01, "Preparing the objects")
    target = Target(fixed, job.check)
    source = sampled(moving, samples, job.rng)
    if not np.ptp(source, axis=0).max() > 0:
        raise Refused("All points of the moving object lie in one place.")
    fits, mirrored = align(
        source,
        target,
        overlap=overlap,
        similarity=scaling,
        mirror=mirror,
        search=start == "search",
        steps=steps,
        rng=job.rng,
        report=job.progress,
    )
    best, others = _chosen(fits, target.size)
    warnings += _doubts(best, others, mirrored, target.size)
    job.progress(0.97, "Writing down what was found")
    return _report(fixed, moving, best, len(others), tuple(warnings))


def _chosen(fits: list[Fit], size: float) -> tuple[Fit, list[Fit]]:
    """The best fit with the smallest turn, and the other poses that are as good."""
    from plugins.scans._icp import _between

    least = fits[0]
    floor = max(least.rms, 1e-9 * float(np.abs(least.motion.shift).max(initial=1.0)))
    # Where the shape slides, poses differ by how its triangles meet, which means nothing.
    most = max(ALIKE * floor, 1e-3 * size) if least.free else ALIKE * floor
    good = [f for f in fits if f.rms <= most and f.overlap >= 0.9 * least.overlap]
    good.sort(key=lambda f: (round(f.motion.angle, 3), f.rms))
    best = good[0]
    others: list[Fit] = []
    for fit in good[1:]:
        if all(_between(fit.motion, f.motion) > SAME for f in (best, *others)):
            others.append(fit)
    # Of the same pose, the most exact one.
    same = [f for f in good if _between(f.motion, best.motion) <= SAME]
    return min(same, key=lambda f: f.rms), others


def _doubts(best: Fit, others: list[Fit], mirrored: float, size: float) -> list[str]:
    out = []
    if best.free:
        out.append(
            "The fixed shape slides along itself (a sphere, a cylinder, a plane or the like): "
            f"{best.free} of the directions of motion are not decided by it."
        )
    elif others:
        number = len(others) + 1  # of those that were refined: a cube has 24
        out.append(
            f"At least {number} poses fit equally well, so the object is symmetric or nearly so; the smallest turn was taken."
        )
    if mirrored < 0.5 * best.objective and best.objective > 1e-6 * size:
        out.append(
            "The mirror image of the moving object fits much better "
            "(left for right?); allow mirroring if that is meant."
        )
    if best.overlap < 0.7:
        out.append(f"Only {best.overlap:.0%} of the points have a counterpart.".replace("%", " %"))
    return out


def _report(
    fixed: Mesh | PointCloud, moving: Mesh | PointCloud, fit: Fit, others: int, warnings: tuple[str, ...]
) -> Result:
    motion = fit.motion
    unit = getattr(fixed, "unit", "")
    layer, left = act_known(motion.matrix, moving)
    if left:
        warnings += (f"Left out, since nobody says how they move: {', '.join(left)}.",)
    space = getattr(fixed, "space", "")
    matrix = motion.matrix
    centre = np.asarray(moving.points, dtype=np.float64)
    centre = centre[np.isfinite(centre).all(axis=1)].mean(axis=0)
    shift = float(np.linalg.norm(motion(centre[None])[0] - centre))
    mirrored = bool(np.linalg.det(motion.rotation) < 0)
    outputs: list[Output] = [
        Layer("Moved", layer, {"instead_of": (1,)}),
        Layer("Transform", Transform(matrix, source_space=space, target_space=space, unit=unit)),
        Number("RMS distance", fit.rms, unit),
        Number("Overlap", 100 * fit.overlap, "%"),
        Number("Rotation", motion.angle, "°"),
        Number("Way of the centre", shift, unit),
    ]
    if abs(motion.scale - 1.0) > 0:
        outputs.append(Number("Scale", motion.scale))
    outputs.append(Number("Steps", fit.steps))
    if mirrored:
        outputs.append(Text("Mirrored", "The moving object was mirrored."))
    values = {
        "matrix": matrix,
        "rotation": motion.rotation,
        "translation": motion.shift,
        "scale": motion.scale,
        "mirrored": mirrored,
        "angle": motion.angle,
        "rms": fit.rms,
        "overlap": fit.overlap,
        "steps": fit.steps,
        "undecided": fit.free,
        "other_poses": others,
        "unit": unit,
    }
    return Result(values, tuple(outputs), warnings)
