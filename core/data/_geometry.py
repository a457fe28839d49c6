"""Markups and transforms: what users draw, and how one space maps to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from core.data._arrays import Array, frozen, require


class MarkupKind(StrEnum):
    """The shapes a markup can have."""

    POINTS = "points"
    LINE = "line"
    ANGLE = "angle"
    """Three points; measured at the second."""
    CURVE = "curve"
    CLOSED_CURVE = "closed_curve"
    PLANE = "plane"
    BOX = "box"


@dataclass(frozen=True, eq=False)
class Markup:
    """Points, a line, a curve, a plane or a box in world coordinates (RAS mm for medical data).

    Attributes
    ----------
    kind : the shape.
    points : (n, 3) control points. Plane and box: (1, 3), the centre.
    axes : (3, 3) columns = unit axes of a plane (third = normal) or a box; identity otherwise.
    size : (3,) full extent along `axes`; a plane's third entry is 0; zeros otherwise.
    labels : one text a control point, or ().
    smooth : a curve runs through its points as a spline (`core.markups.path`) instead of straight from one to the next.
    measurements : named numbers that belong to it (plain JSON), e.g. score and error of a mirror plane.
    """

    kind: MarkupKind
    points: Array
    axes: Array = field(default_factory=lambda: np.eye(3))
    size: Array = field(default_factory=lambda: np.zeros(3))
    labels: tuple[str, ...] = ()
    unit: str = "mm"
    space: str = "RAS"
    measurements: Mapping[str, float] = field(default_factory=dict)
    smooth: bool = field(default=False, metadata={"omit": True})  # so that hashes in older records still hold

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", MarkupKind(self.kind))
        object.__setattr__(self, "points", frozen(np.asarray(self.points, dtype=np.float64).reshape(-1, 3)))
        object.__setattr__(self, "axes", frozen(self.axes, dtype=np.float64))
        object.__setattr__(self, "size", frozen(self.size, dtype=np.float64))
        object.__setattr__(self, "labels", tuple(self.labels))
        object.__setattr__(self, "measurements", MappingProxyType(dict(self.measurements)))
        require(self.axes.shape == (3, 3) and self.size.shape == (3,), "axes are (3, 3), size is (3,)")
        require(not self.labels or len(self.labels) == len(self.points), "labels and points differ in number")
        if self.kind in (MarkupKind.PLANE, MarkupKind.BOX):
            require(len(self.points) == 1, "a plane or box has one point: its centre")
            require(
                bool(np.allclose(self.axes.T @ self.axes, np.eye(3), atol=1e-6)), "axes are not orthonormal"
            )


@dataclass(frozen=True, eq=False)
class Transform:
    """An affine map of world coordinates: x -> matrix @ (x, 1). `matrix` is (4, 4) float64."""

    matrix: Array
    source_space: str = ""
    target_space: str = ""
    unit: str = "mm"

    def __post_init__(self) -> None:
        object.__setattr__(self, "matrix", frozen(self.matrix, dtype=np.float64))
        require(self.matrix.shape == (4, 4), "a transform's matrix is 4×4")
        require(bool(np.allclose(self.matrix[3], (0, 0, 0, 1))), "a transform's last row is 0 0 0 1")
