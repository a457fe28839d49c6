"""From a function's signature to the description that forms, command line, validation and records share."""

from __future__ import annotations

import inspect
import json
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from core.analyses._annotations import Advanced, Folder, Help, Label, Range, Unit
from core.errors import UserError

RESERVED = {
    "out",
    "device",
    "seed",
    "threads",
    "json",
    "reader",
    "as",
    "space",
    "option",
    "help",
    "trust",
} | {
    "workers",
    "dask",
    "retry_failed",
    "inputs",
    "same",
    "resume",
}
"""Names of the command line's own options; a parameter of such a name gets "-value" behind it."""

ParameterType = Literal["bool", "int", "float", "str", "choice", "vector", "path"]


class Parameter(msgspec.Struct, frozen=True):
    """One keyword parameter. `default` is plain JSON; `optional` means that None is allowed."""

    name: str
    type: ParameterType
    default: Any = None
    required: bool = False
    optional: bool = False
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    help: str = ""
    label: str = ""
    choices: tuple[str | int | float, ...] = ()
    length: int = 0
    advanced: bool = False
    folder: bool = False


class Input(msgspec.Struct, frozen=True):
    """One data input: its parameter name, the kinds it accepts, whether it may be left out."""

    name: str
    kinds: tuple[str, ...]
    label: str = ""
    help: str = ""
    optional: bool = False


class Description(msgspec.Struct, frozen=True):
    """All that a user needs to know of an analysis (or reader) before running it."""

    id: str
    title: str
    summary: str = ""
    help: str = ""
    reference: str = ""
    menu: str = ""
    inputs: tuple[Input, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    tolerance: float = 1e-6


class ParameterError(UserError):
    """A parameter's value that does not do; `name` is the parameter."""

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"{name} {reason}.")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.name, self.reason)


def describe(
    function: Callable[..., Any],
    *,
    id: str,
    title: str,
    input_kinds: Sequence[Sequence[str]] = (),
    menu: str = "",
    reference: str = "",
    tolerance: float = 1e-6,
) -> Description:
    """The description of `function`; positional parameters are inputs, keyword-only ones parameters.

    Raises
    ------
    TypeError : the signature uses a type that no form can show, or its inputs differ from `input_kinds`.
    """
    hints = typing.get_type_hints(function, include_extras=True)
    inputs: list[Input] = []
    parameters: list[Parameter] = []
    for name, p in inspect.signature(function).parameters.items():
        hint = hints.get(name, p.annotation)
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            if len(inputs) < len(input_kinds):
                notes = _notes(hint)
                kinds = tuple(input_kinds[len(inputs)])
                label = notes.get(Label, Label(name.replace("_", " ").capitalize())).text
                help_text = notes.get(Help, Help("")).text
                inputs.append(Input(name, kinds, label, help_text, p.default is None))
            elif input_kinds:
                raise TypeError(f"{id}: {name!r} has no kinds in the manifest")
        elif p.kind is p.KEYWORD_ONLY and name != "job":
            parameters.append(_parameter(id, name, hint, p.default))
    if len(inputs) != len(input_kinds):
        raise TypeError(f"{id}: the manifest has {len(input_kinds)} inputs, the function {len(inputs)}")
    doc = inspect.cleandoc(function.__doc__ or "")
    return Description(
        id=id,
        title=title,
        summary=doc.partition("\n")[0],
        help=doc,
        reference=reference,
        menu=menu,
        inputs=tuple(inputs),
        parameters=tuple(parameters),
        tolerance=tolerance,
    )


def _notes(hint: Any) -> dict[type, Any]:
    return {type(m): m for m in getattr(hint, "__metadata__", ())}


def _parameter(owner: str, name: str, hint: Any, default: Any) -> Parameter:
    notes = _notes(hint)
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    optional = False
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(hint) if a is not type(None)]
        optional = len(rest) < len(typing.get_args(hint))
        if len(rest) != 1:
            raise TypeError(f"{owner}: parameter {name!r} may have one type, or one and None")
        hint = rest[0]
        notes = {**_notes(hint), **notes}
        if typing.get_origin(hint) is Annotated:
            hint = typing.get_args(hint)[0]
    choices: tuple[Any, ...] = ()
    length = 0
    kind: ParameterType
    if typing.get_origin(hint) is Literal:
        kind, choices = "choice", typing.get_args(hint)
    elif typing.get_origin(hint) is tuple and set(typing.get_args(hint)) <= {float, int}:
        kind, length = "vector", len(typing.get_args(hint))
    elif hint in (bool, int, float, str):
        kind = hint.__name__
    elif hint is Path:
        kind = "path"
    else:
        raise TypeError(f"{owner}: parameter {name!r} has a type that no form can show: {hint}")
    bounds = notes.get(Range, Range())
    required = default is inspect.Parameter.empty
    plain_default = None if required else (list(default) if isinstance(default, tuple) else default)
    return Parameter(
        name=name,
        type=kind,
        default=str(plain_default) if isinstance(plain_default, Path) else plain_default,
        required=required,
        optional=optional,
        minimum=bounds.minimum,
        maximum=bounds.maximum,
        step=bounds.step,
        unit=notes.get(Unit, Unit("")).name,
        help=notes.get(Help, Help("")).text,
        label=notes.get(Label, Label(name.replace("_", " ").capitalize())).text,
        choices=choices,
        length=length,
        advanced=Advanced in notes,
        folder=Folder in notes,
    )


def validate(description: Description, values: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters with their plain values, defaults filled in.

    Raises
    ------
    ParameterError : unknown name, missing value, wrong type or out of bounds.
    """
    known = {p.name: p for p in description.parameters}
    for name in values:
        if name not in known:
            import difflib

            close = difflib.get_close_matches(name, list(known), n=1)
            hint = f"; did you mean {close[0]}?" if close else f" (it has {', '.join(known) or 'none'})"
            raise ParameterError(name, f"is no parameter of {description.id}{hint}")
    return {name: checked(p, values.get(name, p.default), name in values) for name, p in known.items()}


def checked(parameter: Parameter, value: Any, given: bool = True) -> Any:
    """`value` in the parameter's type, within its bounds. Raises `ParameterError`."""
    p = parameter
    if value is None:
        if p.optional or (not given and not p.required):
            return None
        raise ParameterError(p.name, "needs a value")
    if p.type == "bool":
        if not isinstance(value, bool):
            raise ParameterError(p.name, f"is on or off, not {value!r}")
        return value
    if p.type == "choice":
        if value not in p.choices:
            raise ParameterError(p.name, f"is one of {', '.join(map(str, p.choices))}, not {value!r}")
        return value
    if p.type in ("str", "path"):
        if not isinstance(value, (str, Path)):
            raise ParameterError(p.name, f"is a text, not {value!r}")
        return str(value)
    if p.type == "vector":
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) != p.length:
            raise ParameterError(p.name, f"is {p.length} numbers, not {value!r}")
        return [_number(p, v) for v in value]
    return _number(p, value)


def _number(p: Parameter, value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ParameterError(p.name, f"is a number, not {value!r}")
    if isinstance(value, int) and abs(value) > 2**63 - 1:
        raise ParameterError(p.name, "is too large a number")
    if not math.isfinite(value):
        raise ParameterError(p.name, "is a finite number")
    if p.type == "int" and value != int(value):
        raise ParameterError(p.name, f"is a whole number, not {value!r}")
    number = int(value) if p.type == "int" else float(value)
    unit = f" {p.unit}" if p.unit else ""
    if p.minimum is not None and number < p.minimum:
        raise ParameterError(p.name, f"is at least {p.minimum:g}{unit}, not {number:g}")
    if p.maximum is not None and number > p.maximum:
        raise ParameterError(p.name, f"is at most {p.maximum:g}{unit}, not {number:g}")
    return number


def parse(parameter: Parameter, text: str) -> Any:
    """A parameter's value from the command line: "none", "on", "3", "1,0,0". Raises `ParameterError`."""
    p = parameter
    if p.optional and text.lower() in ("none", "") and text not in map(str, p.choices):
        return None
    if p.type == "bool":
        words = {
            "true": True,
            "on": True,
            "yes": True,
            "1": True,
            "false": False,
            "off": False,
            "no": False,
            "0": False,
        }
        if text.lower() not in words:
            raise ParameterError(p.name, f"is on or off, not {text!r}")
        return words[text.lower()]
    if p.type == "choice":
        found = [c for c in p.choices if str(c) == text]
        return checked(p, found[0] if found else text)
    if p.type in ("str", "path"):
        return text
    try:
        if p.type == "vector":
            return checked(p, [float(t) for t in text.replace(" ", "").split(",")])
        return checked(
            p, float(text) if p.type == "float" or "." in text or "e" in text.lower() else int(text)
        )
    except ValueError:
        raise ParameterError(p.name, f"is a number, not {text!r}") from None


def call_arguments(description: Description, values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain validated values as the function wants them: vectors as tuples, paths as `Path`."""
    out: dict[str, Any] = {}
    for p in description.parameters:
        value = values[p.name]
        if value is not None and p.type == "vector":
            value = tuple(value)
        elif value is not None and p.type == "path":
            value = Path(
                value
            ).expanduser()  # records and sessions name what lies in the home folder from "~"
        out[p.name] = value
    return out


def flag(parameter: Parameter) -> str:
    """The command line's option for a parameter."""
    name = parameter.name.replace("_", "-")
    return f"--{name}-value" if parameter.name in RESERVED else f"--{name}"


def non_default(description: Description, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that differ from their defaults; what "copy as command" has to write."""
    return {
        p.name: values[p.name]
        for p in description.parameters
        if p.name in values and values[p.name] != p.default
    }


def as_command(
    description: Description,
    paths: Sequence[str],
    values: Mapping[str, Any],
    *,
    seed: int = 0,
    device: str = "cpu",
    reader: str = "",
    options: Mapping[str, Any] | None = None,
    out: str = "out",
) -> str:
    """The shell command that repeats a run on files; `paths` are addresses (`core.opening.address`)."""
    import shlex

    words = ["equiscope", "run", description.id, *paths]
    changed = non_default(description, values)
    for p in description.parameters:
        if p.name in changed:
            value = changed[p.name]
            text = ",".join(map(_shortest, value)) if isinstance(value, (list, tuple)) else str(value)
            words += [f"{flag(p)}={text}"] if text.startswith("-") else [flag(p), text]
    if seed:
        words += ["--seed", str(seed)]
    if device != "cpu":
        words += ["--device", device]
    if reader:
        words += ["--reader", reader]
    for name, value in (options or {}).items():
        words += ["--option", f"{name}={value if isinstance(value, str) else json.dumps(value)}"]
    return shlex.join([*words, "--out", out])


def _shortest(number: float) -> str:
    """`number` without a needless ".0", but to its last digit."""
    return f"{number:g}" if float(f"{number:g}") == number else repr(number)


def as_python(
    description: Description,
    paths: Sequence[str],
    values: Mapping[str, Any],
    *,
    seed: int = 0,
    device: str = "cpu",
    reader: str = "",
    options: Mapping[str, Any] | None = None,
) -> str:
    """Python lines that repeat a run with `core.running`; arguments as for `as_command`."""
    given: dict[str, Any] = {"seed": seed}
    if device != "cpu":
        given["device"] = device
    if reader:
        given["reader"] = reader
    if options:
        given["options"] = dict(options)
    given |= non_default(description, values)
    arguments = "".join(f"    {n}={v!r},\n" for n, v in given.items())
    return (
        "from core.running import run\n\n"
        f"result, record = run(\n    {description.id!r},\n    {list(paths)!r},\n{arguments})\n"
        "print(dict(result.values))\n"
    )
