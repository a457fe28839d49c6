"""Attributes: values on points, faces, edges or a whole object, with how a group acts on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from core.data._arrays import Array, frozen, require


class Transforms(StrEnum):
    """How a group element g with linear part A acts on a value."""

    SCALAR = "scalar"
    """Unchanged."""
    PSEUDOSCALAR = "pseudoscalar"
    """Multiplied by sign(det A)."""
    VECTOR = "vector"
    """v -> A v (last axis has the dimension of space)."""
    AXIAL_VECTOR = "axial_vector"
    """v -> det(A) A v for orthogonal A."""
    TENSOR = "tensor"
    """Rank 2: T -> A T Aᵀ (last two axes)."""
    SPHERICAL_HARMONICS = "spherical_harmonics"
    """Real coefficients of degree l (last axis 2l+1): c -> D^l(A) c."""
    LABEL = "label"
    """A name or class number: unchanged, and never averaged or interpolated."""
    UNKNOWN = "unknown"
    """Never transformed silently: acting on it raises unless the user says what it is."""


class Domain(StrEnum):
    """What an attribute belongs to."""

    POINT = "point"
    FACE = "face"
    EDGE = "edge"
    OBJECT = "object"


@dataclass(frozen=True, eq=False)
class Attribute:
    """Values of one quantity on one domain.

    Attributes
    ----------
    values : (n, ...) array, n the number of points, faces or edges; any shape for `Domain.OBJECT`.
    transforms : how a group acts on each value.
    domain : what the values belong to.
    degree : l, for spherical harmonics only.
    unit : unit of the values, "" where there is none.
    direction : a vector of which only the direction counts (a normal): scalings keep its length.
    """

    values: Array
    transforms: Transforms = Transforms.UNKNOWN
    domain: Domain = Domain.POINT
    degree: int | None = None
    unit: str = ""
    direction: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))
        object.__setattr__(self, "transforms", Transforms(self.transforms))
        object.__setattr__(self, "domain", Domain(self.domain))
        if self.transforms is Transforms.SPHERICAL_HARMONICS:
            require(
                self.degree is not None and self.values.shape[-1] == 2 * self.degree + 1,
                "spherical-harmonic coefficients of degree l need a last axis of 2l+1 values",
            )


Attributes = Mapping[str, Attribute]


def checked_attributes(attributes: Mapping[str, Any], counts: Mapping[Domain, int]) -> Attributes:
    """`attributes` as a read-only mapping whose lengths fit `counts` (domains not in it are refused)."""
    for name, attribute in attributes.items():
        require(isinstance(attribute, Attribute), f"attribute {name!r} is not an Attribute")
        if attribute.domain is Domain.OBJECT:
            continue
        require(attribute.domain in counts, f"attribute {name!r}: no {attribute.domain}s here")
        require(
            attribute.values.ndim >= 1 and attribute.values.shape[0] == counts[attribute.domain],
            f"attribute {name!r} has {attribute.values.shape[0] if attribute.values.ndim else 0} values "
            f"for {counts[attribute.domain]} {attribute.domain}s",
        )
    return MappingProxyType(dict(attributes))
