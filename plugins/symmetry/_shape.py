"""What the search needs to know of an object, whatever its kind; and the score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from plugins.symmetry._algebra import Array, mirror, mirror_many

SCALE = 0.05
"""The score falls to 1/e where the error is this fraction of the object's size."""

CAP = 0.25
"""Single distances count as at most this fraction of the size: an outlier does not decide."""

BLOCK = 5000
"""So many points are measured between two questions whether to stop."""

FORMULA = (
    "score = exp(−(20 · error / size)²): 1 for an exact mirror, 0.99 where the error is 0.5 % of the size. "
    "error: RMS distance between the surface of the object and that of its mirror image. "
    "size: twice the RMS distance of the surface from its centroid, the diameter for a sphere."
)


def score(error: Array | float) -> Array:
    """exp(-(error / (size / 20))²) for an `error` in sizes; 1 is an exact mirror."""
    out: Array = np.exp(-((np.asarray(error, dtype=np.float64) / SCALE) ** 2))
    return out


class Shape(ABC):
    """An object in its own frame: centroid at the origin, lengths in units of its size.

    Attributes
    ----------
    centroid, size : x_world = centroid + size · x_here.
    points : (n, 3) samples of the surface measure in random order, so that the first m are a fair sample too.
    covariance : (3, 3) second moments of that measure.
    noise : spacing of a cloud's points, in sizes: errors vary by chance by up to a third of it; 0 elsewhere.
    grain : error that a mirror may show because the object is voxels; 0 elsewhere.
    warnings : sentences for the reader of the result.
    check : asks whether to stop (`Job.check`).
    """

    check: Callable[[], None] = staticmethod(lambda: None)

    def __init__(
        self, centroid: Array, size: float, points: Array, covariance: Array, noise: float = 0.0
    ) -> None:
        self.centroid = centroid
        self.size = size
        self.points = points
        self.covariance = covariance
        self.noise = noise
        self.grain = 0.0
        self.warnings: list[str] = []

    @abstractmethod
    def squared(self, mirrored: Array) -> Array:
        """(k, m) -> squared errors of mirrored coarse points (k, m, 3), fast and rough (1 % of the size)."""

    @abstractmethod
    def rough(self, mirrored: Array) -> tuple[Array, Array, Array]:
        """The same as `linearise` for k trial mirrors at once, (k, m, 3), fast and rough.

        (k,) objectives, (k, m, q) residuals and (k, m, q, 3) gradients.
        """

    @abstractmethod
    def linearise(self, mirrored: Array) -> tuple[float, Array, Array]:
        """For the first m points, mirrored to `mirrored` (m, 3): (objective, residuals (m, q), gradients (m, q, 3)).

        The objective is the squared residuals' mean over points, plus CAP² for each point whose residual is 0
        because it lies farther off than that.
        """

    @abstractmethod
    def error(self, normal: Array, offset: float, count: int) -> float:
        """The error of one mirror, in sizes, from the first `count` points."""

    def coarse(self, normals: Array, count: int) -> Array:
        """(k,) rough errors, in sizes, of mirrors through the centroid."""
        points = self.points[:count]
        identity = float(self.squared(points[None]).mean())
        mean = self.squared(mirror_many(points, normals, np.zeros(len(normals)))).mean(axis=1)
        out: Array = np.sqrt(np.maximum(mean - identity, 0.0))
        return out

    def reflected(self, normal: Array, offset: float, count: int) -> Array:
        """(count, 3) the first points mirrored."""
        return mirror(self.points[:count], normal, offset)
