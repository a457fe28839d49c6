"""What a reader returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, eq=False)
class Loaded:
    """One object read from a file.

    Attributes
    ----------
    name : what the data tree shows; the file's stem unless the file names its parts.
    data : a data object of `core.data`.
    warnings : sentences the user should read (an assumed unit, a gap in a series).
    metadata : what else the file says, plain JSON values, never a person's identity.
    parent : index in the reader's list of the object this one belongs to, or None.
    source : the file it really comes from where that is not the path that was asked for ("" otherwise).
    display : hints of how to show it, see `core.display` (e.g. {"color_by": "thickness"}).
    """

    name: str
    data: Any
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    parent: int | None = None
    source: str = ""
    display: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        object.__setattr__(self, "display", MappingProxyType(dict(self.display)))
