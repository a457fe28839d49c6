"""Models as contributions: their configuration, how they are built, what they predict, and their weights.

A model is declared in a plugin's manifest: `config` names a frozen dataclass of plain values, `build` a function
that takes it and returns a callable. Called with the arrays that its data consist of (points of a cloud, say) it
returns a mapping from the name of each predicted attribute to its values; `predicts` says how those transform.
Trained weights are safetensors whose metadata hold model id, configuration, training record and measured figures,
so that an opened checkpoint says what it is.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from core.analyses import Description, call_arguments, describe, validate
from core.data import Attribute, Checkpoint, Domain, Transforms
from core.errors import ReadError, UserError
from core.plugins import Model, PluginHost

KEY = "equiscope"
"""The metadata entry of a safetensors file that holds what `save_weights` wrote."""


_RANKS = {
    Transforms.VECTOR: 1,
    Transforms.AXIAL_VECTOR: 1,
    Transforms.SPHERICAL_HARMONICS: 1,
    Transforms.TENSOR: 2,
}


@dataclass(frozen=True, eq=False)
class BuiltModel:
    """A model ready to run.

    `function` is what `build` returned; `config` the plain values it was built with; `predicts` attribute name ->
    how it transforms; `group` what the model claims to be equivariant under ("" = nothing).
    """

    id: str
    title: str
    function: Callable[..., Mapping[str, Any]]
    config: Mapping[str, Any]
    predicts: Mapping[str, Transforms]
    group: str = ""

    def __call__(self, *arrays: Any) -> dict[str, Attribute]:
        """The predicted attributes, with how they transform.

        Raises
        ------
        UserError : the model returned other attributes than it declares.
        """
        out = dict(self.function(*arrays))
        if out.keys() != self.predicts.keys():
            raise UserError(
                f"{self.title} predicted {', '.join(sorted(out)) or 'nothing'} where its manifest says "
                f"{', '.join(sorted(self.predicts))}."
            )
        n = len(arrays[0]) if arrays and hasattr(arrays[0], "shape") else -1
        made = {}
        for name, values in out.items():
            array = values.detach().cpu().numpy() if hasattr(values, "detach") else values
            # One value takes the last axis (vectors, coefficients) or two (tensors); what is left counts points.
            per_point = np.ndim(array) > _RANKS.get(self.predicts[name], 0) and len(array) == n
            domain = Domain.POINT if per_point else Domain.OBJECT
            made[name] = Attribute(array, self.predicts[name], domain)
        return made


@dataclass(frozen=True)
class Weights:
    """What a file of trained weights says of itself; plain JSON throughout.

    `training` is the record of the run that made it, `figures` what was measured with it.
    """

    model: str
    config: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("config", "training", "figures"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))


def describe_model(host: PluginHost, id: str) -> Description:
    """The configuration of a declared model as parameters, so that a form or the command line can ask for it."""
    declared = host.get(id, Model)
    config = host.resolve(declared.config)

    def signature() -> None:
        """Stands for the constructor, whose parameters may be positional."""

    parameters = [
        p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in inspect.signature(config).parameters.values()
    ]
    signature.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    import typing

    signature.__annotations__ = typing.get_type_hints(config, include_extras=True)
    signature.__doc__ = config.__doc__
    return describe(signature, id=declared.id, title=declared.title)


def build(host: PluginHost, id: str, config: Mapping[str, Any] | None = None) -> BuiltModel:
    """Build a declared model with plain configuration values.

    Raises
    ------
    UserError : unknown model, missing dependency, wrong configuration.
    """
    declared = host.get(id, Model)
    lacking = host.missing(declared)
    if lacking:
        raise UserError(f"{declared.title} {lacking}.")
    description = describe_model(host, id)
    values = validate(description, dict(config or {}))
    made = host.resolve(declared.config)(**call_arguments(description, values))
    function = host.resolve(declared.build)(made)
    predicts = {name: Transforms(how) for name, how in declared.predicts.items()}
    return BuiltModel(declared.id, declared.title, function, values, predicts, declared.group)


def save_weights(path: Path, tensors: Mapping[str, Any], weights: Weights) -> None:
    """Write trained tensors with all that `Weights` says. Raises `core.errors.WriteError`."""
    from core.checkpoints import write_safetensors

    said = {name: dict(v) if isinstance(v, Mapping) else v for name, v in _fields(weights).items()}
    write_safetensors(path, tensors, {KEY: said})


def weights_of(checkpoint: Checkpoint) -> Weights | None:
    """What an opened checkpoint says of itself; None if it is not one of ours.

    Raises
    ------
    ReadError : it claims to be one of ours but its description is damaged.
    """
    import json

    said = checkpoint.metadata.get(KEY)
    if said is None:
        return None
    try:
        values = json.loads(said) if isinstance(said, str) else dict(said)
        return Weights(**values)
    except (TypeError, ValueError) as error:
        raise ReadError(
            checkpoint.path, f"has a damaged description of its model ({error})", "write it again"
        ) from None


def _fields(weights: Weights) -> dict[str, Any]:
    return {name: getattr(weights, name) for name in ("model", "config", "training", "figures")}


__all__ = ["KEY", "BuiltModel", "Weights", "build", "describe_model", "save_weights", "weights_of"]
