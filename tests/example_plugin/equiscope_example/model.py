"""A model so small that its equivariance is plain: the centroid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Config:
    """Nothing to configure but a power of the distance that weighs the points."""

    power: float = 0.0


def build(config: Config) -> Callable[[Any], dict[str, Any]]:
    """A function from (n, 3) points to their weighted centroid; O(3)-equivariant for any power."""

    def centroid(points: Any) -> dict[str, Any]:
        middle = points.mean(axis=0)
        weights = (np.linalg.norm(points - middle, axis=1) + 1e-12) ** config.power
        return {"centroid": (weights[:, None] * points).sum(axis=0) / weights.sum()}

    return centroid
