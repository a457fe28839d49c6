"""Files of tensors, and functions over space given by their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from core.data._arrays import Array, frozen, require


@dataclass(frozen=True)
class TensorInfo:
    """One entry of a checkpoint's index: its dotted name, shape, dtype (NumPy or torch spelling) and bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    file: str = ""
    """The shard that holds it, relative to the checkpoint's folder; "" for a single file."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The index of the named tensors of a file. `core.checkpoints.read_tensors` reads values on demand.

    `metadata` holds what the file says of itself beside tensors (plain JSON values only).
    """

    path: str
    format: str
    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tensors", tuple(self.tensors))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))


@dataclass(frozen=True, eq=False)
class NeuralField:
    """Parameters of a function over a box and what its value means.

    `architecture` names the model contribution that evaluates it, `config` its plain-JSON configuration,
    `parameters` its tensors by name, `bounds` (3, 2) the box in world coordinates.
    """

    architecture: str
    config: Mapping[str, Any]
    parameters: Mapping[str, Array]
    bounds: Array
    meaning: Literal["occupancy", "sdf", "udf", "radiance"]
    unit: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))
        parameters = {name: frozen(values) for name, values in self.parameters.items()}
        object.__setattr__(self, "parameters", MappingProxyType(parameters))
        object.__setattr__(self, "bounds", frozen(self.bounds, dtype="float64"))
        require(self.bounds.shape == (3, 2), "a field's bounds are (3, 2)")
