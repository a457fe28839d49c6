"""What a parameter's `Annotated[...]` may say. Read by the form, the command line, validation and records."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Closed bounds of a number; `None` = open. `step` is a hint for spin boxes."""

    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None


@dataclass(frozen=True)
class Unit:
    """The unit of a parameter, shown after the field: "mm", "°", "%"."""

    name: str


@dataclass(frozen=True)
class Help:
    """One sentence for the tooltip and `--help`."""

    text: str


@dataclass(frozen=True)
class Advanced:
    """A parameter that few people change: a form shows it under "More"."""


@dataclass(frozen=True)
class Folder:
    """A path that names a folder."""


@dataclass(frozen=True)
class Label:
    """The field's label where the parameter's name, with spaces, would not do."""

    text: str
