"""Surfaces, point clouds, moving points and graphs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.data._arrays import Array, frozen, require
from core.data._attribute import Attributes, Domain, checked_attributes


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh.

    Attributes
    ----------
    points : (n, 3) float32 or float64, world coordinates.
    faces : (m, 3) int32 indices into `points`, counter-clockwise seen from outside.
    attributes : named values on points, faces or the whole object.
    unit : of the coordinates, "" where the file does not say.
    space : "RAS" where the axes are anatomical, "" otherwise.
    """

    points: Array
    faces: Array
    attributes: Attributes = field(default_factory=dict)
    unit: str = ""
    space: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _coordinates(self.points))
        object.__setattr__(self, "faces", frozen(self.faces, dtype=np.int32))
        require(self.faces.ndim == 2 and self.faces.shape[1] == 3, "faces are an (m, 3) array")
        if self.faces.size:
            require(
                int(self.faces.min()) >= 0 and int(self.faces.max()) < len(self.points),
                "a face refers to a point that does not exist",
            )
        counts = {Domain.POINT: len(self.points), Domain.FACE: len(self.faces)}
        object.__setattr__(self, "attributes", checked_attributes(self.attributes, counts))


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points without faces: `points` (n, 3), attributes on points or the object, unit and space as for `Mesh`."""

    points: Array
    attributes: Attributes = field(default_factory=dict)
    unit: str = ""
    space: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", _coordinates(self.points))
        counts = {Domain.POINT: len(self.points)}
        object.__setattr__(self, "attributes", checked_attributes(self.attributes, counts))


@dataclass(frozen=True, eq=False)
class Trajectory:
    """The same n points at t times.

    Attributes
    ----------
    positions : (t, n, 3).
    times : (t,), in `time_unit`.
    attributes : per point (n, ...), constant in time, or of the object; velocities are derived, or (n, t, 3).
    """

    positions: Array
    times: Array
    attributes: Attributes = field(default_factory=dict)
    unit: str = ""
    time_unit: str = "s"
    space: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "positions", frozen(self.positions))
        object.__setattr__(self, "times", frozen(self.times, dtype=np.float64))
        require(self.positions.ndim == 3 and self.positions.shape[2] == 3, "positions are (t, n, 3)")
        require(self.times.shape == (self.positions.shape[0],), "times and positions differ in length")
        counts = {Domain.POINT: self.positions.shape[1]}
        object.__setattr__(self, "attributes", checked_attributes(self.attributes, counts))


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes and edges.

    Attributes
    ----------
    n_nodes : number of nodes.
    edges : (m, 2) int64 node indices; each undirected edge stands once.
    positions : (n_nodes, 3) if the nodes have a place in space, else None.
    attributes : `Domain.POINT` values belong to nodes, `Domain.EDGE` to edges, `Domain.OBJECT` to the graph.
    node_names : one name a node, or ().
    """

    n_nodes: int
    edges: Array
    directed: bool = False
    positions: Array | None = None
    attributes: Attributes = field(default_factory=dict)
    node_names: tuple[str, ...] = ()
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", frozen(np.asarray(self.edges).reshape(-1, 2), dtype=np.int64))
        if self.edges.size:
            require(
                int(self.edges.min()) >= 0 and int(self.edges.max()) < self.n_nodes,
                "an edge refers to a node that does not exist",
            )
        if self.positions is not None:
            object.__setattr__(self, "positions", _coordinates(self.positions))
            require(len(self.positions) == self.n_nodes, "positions and nodes differ in number")
        require(
            not self.node_names or len(self.node_names) == self.n_nodes, "names and nodes differ in number"
        )
        counts = {Domain.POINT: self.n_nodes, Domain.EDGE: len(self.edges)}
        object.__setattr__(self, "attributes", checked_attributes(self.attributes, counts))
        object.__setattr__(self, "node_names", tuple(self.node_names))


def _coordinates(points: Array) -> Array:
    points = np.asarray(points)
    if points.dtype not in (np.float32, np.float64):
        points = points.astype(np.float64)
    require(points.ndim == 2 and points.shape[1] == 3, "coordinates are an (n, 3) array")
    return frozen(points)
