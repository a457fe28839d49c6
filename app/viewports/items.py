"""One object of the document as the views see it. No Qt, no VTK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.data import Graph, Markup, Mesh, PointCloud, Trajectory, Volume

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class SceneItem:
    """One object of the document as the viewports see it. `transform` (4, 4) maps its coordinates to the world."""

    id: str
    name: str
    data: Any
    transform: Array
    display: Any
    """The `core.display` class that fits the data."""

    def __eq__(self, other: object) -> bool:
        """Data by identity (it is immutable and may be huge), the rest by value."""
        return isinstance(other, SceneItem) and (
            (self.id, self.name, self.display) == (other.id, other.name, other.display)
            and self.data is other.data
            and bool(np.array_equal(self.transform, other.transform))
        )

    def __hash__(self) -> int:
        return hash((self.id, id(self.data)))

    @property
    def affine(self) -> Array:
        """(4, 4) voxel index -> world; volumes only."""
        affine: Array = np.asarray(self.transform) @ self.data.affine
        return affine

    @property
    def spatial(self) -> bool:
        """Whether it has a place in space that a view can show."""
        data = self.data
        if isinstance(data, Graph):
            return data.positions is not None and len(data.positions) > 0
        if isinstance(data, (Mesh, PointCloud, Markup)):
            return len(data.points) > 0
        return isinstance(data, Volume) or (isinstance(data, Trajectory) and data.positions.size > 0)
