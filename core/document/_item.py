"""One entry of a document."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from core.data import register
from core.data._arrays import Array, frozen, require
from core.display import Display


@register
@dataclass(frozen=True, eq=False)
class Source:
    """Where an item came from: enough to read it again and to see whether the file has changed.

    `path` is absolute; `index` the position in the reader's list; `options` the reader's non-default options;
    `size` and `mtime` those of the file when it was read, `stamp` all that the disk said of it then (`core.files`);
    `sha256` "" until somebody needed it.
    """

    path: str
    reader: str
    index: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0
    mtime: float = 0.0
    sha256: str = ""
    stamp: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", MappingProxyType(dict(self.options)))


@register
@dataclass(frozen=True, eq=False)
class Missing:
    """Why an item of a session has no data, and all that is known of what it was.

    `reason` is a sentence; `kind` one of `core.data`, "" where the session does not say; `saved` what stands in the
    session of its source (relative path and hashes, plain JSON), and `folder` the session's, where that path starts.
    Saving again writes it back as it was.
    """

    reason: str
    kind: str = ""
    saved: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "saved", MappingProxyType(dict(self.saved)))


@register
@dataclass(frozen=True, eq=False)
class Item:
    """Something that is open: what it is (`data`), where (`transform`), how it is shown (`display`).

    Attributes
    ----------
    data : a data object of `core.data`, an output of `core.results`, or None for a group.
    transform : (4, 4) world -> world, applied on top of the data's own coordinates.
    source : the file it was read from, if any.
    edited : `data` is no longer what `source` holds, so a session has to save it.
    missing : `data` is None because `source` could not be read again; None for everything else.
    record : the record of the run that made it (plain JSON, see `core.records`), if any.
    """

    id: str
    name: str
    data: Any = None
    parent: str | None = None
    transform: Array = field(default_factory=lambda: np.eye(4))
    display: Display = field(default_factory=Display)
    source: Source | None = None
    record: Mapping[str, Any] | None = None
    edited: bool = False
    warnings: tuple[str, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    missing: Missing | None = field(default=None, metadata={"omit": True})

    def __post_init__(self) -> None:
        object.__setattr__(self, "transform", frozen(self.transform, dtype=np.float64))
        require(self.transform.shape == (4, 4), "an item's transform is 4×4")
        object.__setattr__(self, "warnings", tuple(self.warnings))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        if self.record is not None:
            object.__setattr__(self, "record", MappingProxyType(dict(self.record)))


def new_id() -> str:
    """A fresh item id."""
    return uuid.uuid4().hex[:12]


def data_bytes(data: Any) -> int:
    """Bytes of the arrays in `data`, each counted once; what keeping it for undo costs."""
    from core.document._memory import footprint

    return sum(footprint(data).values())
