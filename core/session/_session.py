"""What a session is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from core.data import register
from core.document import Item

FORMAT = 1
"""Of `session.json`. A new one needs a migration from the last (`core.session._migrations`) and a golden session."""
SUFFIX = ".equiscope"


@register
@dataclass(frozen=True, eq=False)
class Session:
    """An opened session: items parents first, the window's layout, and what could not be had, a sentence each."""

    items: tuple[Item, ...]
    layout: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        object.__setattr__(self, "layout", MappingProxyType(dict(self.layout)))
        object.__setattr__(self, "problems", tuple(self.problems))
