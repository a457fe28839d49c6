"""What a user's model maps to what: how its input is handed over, and how a group acts on what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.bridge._bridge import ModelError
from core.data import Attribute, Domain, Mesh, PointCloud, Transforms, Volume
from core.errors import UserError

Array = NDArray[Any]
Input = PointCloud | Mesh | Volume
Predicted = Attribute | PointCloud | Mesh | Volume
Layout = Literal["plain", "batch", "channels_first"]
_VECTORS = (Transforms.VECTOR, Transforms.AXIAL_VECTOR)


@dataclass(frozen=True)
class Contract:
    """The types of a model.

    Attributes
    ----------
    predicts : how a group acts on one predicted value; "point": positions, which move with the object.
    name : of the predicted attribute, and the key to take where the model returns several arrays by name.
    domain : what the values belong to (point, face, object); None = seen from their shape.
    degree : of spherical harmonics.
    layout : "plain": points (n, 3), attributes (n, …), volumes (i, j, k); "batch": one axis of length 1 before;
        "channels_first": (1, 3, n), (1, k, n) and (1, 1, i, j, k), as networks of convolutions want them. What is
        returned may have the same extra axes.
    faces : hand over the triangles of a mesh, (m, 3) int64, after the points.
    attributes : names of attributes handed over after that, in this order.
    precision : of the floating-point numbers that are handed over.
    """

    predicts: Transforms | Literal["point"] = Transforms.VECTOR
    name: str = "prediction"
    domain: Domain | None = None
    degree: int | None = None
    layout: Layout = "plain"
    faces: bool = False
    attributes: tuple[str, ...] = ()
    precision: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if self.predicts is not Transforms.SPHERICAL_HARMONICS:
            object.__setattr__(self, "degree", None)
        elif self.degree is None:
            raise UserError("Spherical harmonics need their degree.")

    @property
    def value_shape(self) -> tuple[int, ...]:
        """The shape of one predicted value."""
        if self.predicts in (*_VECTORS, "point"):
            return (3,)
        if self.predicts is Transforms.TENSOR:
            return (3, 3)
        return (2 * self.degree + 1,) if self.degree is not None else ()

    @property
    def words(self) -> str:
        """What is predicted, for sentences."""
        if self.predicts is Transforms.UNKNOWN:
            return "values"
        return f"{str(self.predicts).replace('_', ' ').removesuffix('s')}s"


def arrays_of(data: Input, contract: Contract) -> list[Array]:
    """The arrays that a model is called with.

    Raises
    ------
    UserError : an attribute is not there, or the volume has a fourth axis.
    """
    kind = np.dtype(contract.precision)
    if isinstance(data, Volume):
        if data.array.ndim != 3:
            raise UserError("Models take volumes of three axes; choose one moment or channel first.")
        array = np.asarray(data.array, kind)
        plain = contract.layout == "plain"
        return [array if plain else array[None] if contract.layout == "batch" else array[None, None]]
    out = [_laid_out(np.asarray(data.points, kind), contract.layout)]
    if contract.faces:
        if not isinstance(data, Mesh):
            raise UserError("A point cloud has no triangles to hand over; leave “faces” off.")
        faces = data.faces.astype(np.int64)
        out.append(faces if contract.layout == "plain" else faces[None])
    for name in contract.attributes:
        found = data.attributes.get(name)
        if found is None:
            has = ", ".join(data.attributes) or "none"
            raise UserError(f"There is no attribute {name!r} to hand over; it has {has}.")
        values = np.asarray(found.values)
        if values.dtype.kind not in "biuf":
            raise UserError(f"The attribute {name!r} consists of texts, which a model cannot take.")
        values = values.astype(kind) if values.dtype.kind == "f" else values
        out.append(values if found.domain is Domain.OBJECT else _laid_out(values, contract.layout))
    return out


def _laid_out(values: Array, layout: Layout) -> Array:
    if layout == "plain":
        return values
    if layout == "batch":
        return values[None]
    flat = values.reshape(len(values), -1)
    return np.ascontiguousarray(flat.T)[None]


def predicted(outputs: Mapping[str, Array], data: Input, contract: Contract, notes: list[str]) -> Predicted:
    """What a model returned, as data: an `Attribute`, a volume of values, or the object at predicted positions.

    `notes` receives sentences that the user should read.

    Raises
    ------
    ModelError : it is not what the contract says; names the shapes.
    """
    values = _chosen(outputs, contract)
    shape = values.shape
    if isinstance(data, Volume):
        return _of_volume(values, shape, data, contract, notes)
    values = _plain_points(values, data, contract)
    leads: dict[Domain, tuple[int, ...]] = {Domain.POINT: (len(data.points),), Domain.OBJECT: ()}
    if isinstance(data, Mesh):
        leads[Domain.FACE] = (len(data.faces),)
    if contract.domain is not None and contract.domain not in leads:
        raise UserError(f"A point cloud has no {contract.domain}s that a value could belong to.")
    if contract.domain is not None:
        leads = {contract.domain: leads[contract.domain]}
    for domain, lead in leads.items():
        fitted = _fitted(values, lead, contract, notes)
        if fitted is None:
            continue
        fitted = _checked(fitted, contract, notes)
        if contract.predicts != "point":
            return Attribute(fitted, contract.predicts, domain, contract.degree)
        if domain is Domain.POINT:
            return replace(data, points=fitted, attributes={})
        return PointCloud(fitted.reshape(-1, 3), unit=data.unit, space=data.space)
    needed = " or ".join(_shape((*lead, *contract.value_shape)) for lead in leads.values())
    raise ModelError(
        f"The model returned an array of shape {_shape(shape)}; {contract.words} of {len(data.points)} points "
        f"would be {needed}."
    )


def _chosen(outputs: Mapping[str, Array], contract: Contract) -> Array:
    if len(outputs) == 1:
        return next(iter(outputs.values()))
    if contract.name in outputs:
        return outputs[contract.name]
    names = ", ".join(repr(k) for k in list(outputs)[:8]) or "none"
    raise ModelError(
        f"The model returned {len(outputs)} arrays ({names}); give the name of the one to show, not {contract.name!r}."
    )


def _plain_points(values: Array, data: PointCloud | Mesh, contract: Contract) -> Array:
    """Without the extra axes of the layout."""
    if contract.layout == "plain" or not values.ndim or values.shape[0] != 1:
        return values
    values = values[0]
    if contract.layout == "channels_first" and values.ndim >= 2 and values.shape[-1] == len(data.points):
        values = np.moveaxis(values, -1, 0)
        if contract.predicts is Transforms.TENSOR and values.shape[1:] == (9,):
            values = values.reshape(-1, 3, 3)
    return values


def _fitted(values: Array, lead: tuple[int, ...], contract: Contract, notes: list[str]) -> Array | None:
    """The values with the shape `lead` + that of one value, or None if they do not fit."""
    wanted = (*lead, *contract.value_shape)
    if contract.predicts is Transforms.UNKNOWN and values.shape[: len(lead)] == lead:
        return values
    if values.shape == wanted:
        return values
    if contract.value_shape == () and values.shape == (*wanted, 1):
        return values.reshape(wanted)
    scores = values.ndim == len(wanted) + 1 and values.shape[:-1] == wanted and values.dtype.kind == "f"
    if contract.predicts is Transforms.LABEL and scores:
        note = f"The model returned {values.shape[-1]} scores each; the label is the largest of them."
        if note not in notes:
            notes.append(note)
        labels: Array = values.argmax(axis=-1)
        return labels
    return None


def _checked(values: Array, contract: Contract, notes: list[str]) -> Array:
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    if contract.predicts is Transforms.LABEL:
        whole = values.astype(np.int32) if np.isfinite(values).all() else None
        if whole is None or (whole != values).any():
            raise ModelError("The model returned numbers that are not whole where labels were promised.")
        return whole
    if contract.predicts != Transforms.UNKNOWN and values.dtype.kind in "biu":
        values = values.astype(np.float64)
    if values.dtype.kind == "f":
        bad = int((~np.isfinite(values)).sum())
        if bad:
            note = f"{bad:,} of {values.size:,} predicted numbers are not finite."
            if note not in notes:
                notes.append(note)
    return np.asarray(values, order="C")


def _of_volume(
    values: Array, shape: tuple[int, ...], data: Volume, contract: Contract, notes: list[str]
) -> Predicted:
    grid = data.array.shape
    if contract.layout != "plain" and values.ndim and values.shape[0] == 1:
        values = values[0]
        if contract.layout == "channels_first" and values.shape[1:] == grid:
            values = values[0] if values.shape[0] == 1 else np.moveaxis(values, 0, -1)
    if contract.domain is not Domain.OBJECT and contract.predicts != "point":
        fitted = _fitted(values, grid, contract, notes)
        if fitted is not None and fitted.ndim in (3, 4):
            fitted = _checked(fitted, contract, notes)
            axis: Literal["", "channel"] = "channel" if fitted.ndim == 4 else ""
            how = contract.predicts
            assert isinstance(how, Transforms)
            return replace(
                data, array=fitted, last_axis=axis, transforms=how, value_unit="", step=0.0, rgb=False
            )
    if contract.domain in (None, Domain.OBJECT):
        fitted = _fitted(values, (), contract, notes)
        if fitted is not None:
            fitted = _checked(fitted, contract, notes)
            if contract.predicts == "point":
                return PointCloud(fitted[None], unit=data.unit, space=data.space)
            assert isinstance(contract.predicts, Transforms)
            return Attribute(fitted, contract.predicts, Domain.OBJECT, contract.degree)
    raise ModelError(
        f"The model returned an array of shape {_shape(shape)}; {contract.words} of this volume would be "
        f"{_shape((*grid, *contract.value_shape))} or, of the whole, {_shape(contract.value_shape)}."
    )


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
