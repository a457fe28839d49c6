"""A reader and an analysis of point lists."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np

from core.analyses import Help, Range, Unit
from core.data import Loaded, PointCloud
from core.errors import ReadError
from core.jobs import Job
from core.results import Layer, Number, Result


def sniff(path: Path, head: bytes) -> int:
    """Three numbers on the first line."""
    try:
        return 60 if len([float(t) for t in head.splitlines()[0].split()]) == 3 else 0
    except (ValueError, IndexError):
        return 0


def read(path: Path, *, scale: Annotated[float, Range(0.001, 1000)] = 1.0, job: Job) -> list[Loaded]:
    """Three numbers a line, times `scale`."""
    try:
        points = np.loadtxt(path, ndmin=2)
    except ValueError as error:
        raise ReadError(path, f"is no list of points ({error})", "write three numbers a line") from None
    return [Loaded(path.stem, PointCloud(points[:, :3] * scale))]


def inversion(
    cloud: PointCloud,
    *,
    sample: Annotated[
        int, Range(1, 100_000), Unit("points"), Help("Points compared with their mirror image.")
    ] = 500,
    job: Job,
) -> Result:
    """How far a cloud is from being symmetric about its centroid c: mean over x of min_y |2c - x - y|."""
    points = np.asarray(cloud.points, dtype=float)
    centre = points.mean(axis=0)
    chosen = points[job.rng.permutation(len(points))[:sample]]
    distances = []
    for i, x in enumerate(chosen):
        job.progress(i / len(chosen), "Comparing")
        distances.append(np.linalg.norm(points - (2 * centre - x), axis=1).min())
    error = float(np.mean(distances))
    return Result(
        values={"centre": centre, "error": error},
        outputs=(
            Number("Distance from central symmetry", error, cloud.unit),
            Layer("Mirrored", PointCloud(2 * centre - points, unit=cloud.unit, space=cloud.space)),
        ),
    )
