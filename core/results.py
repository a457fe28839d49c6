"""What an analysis returns: layers, plots, tables, numbers and text, all writable without a screen.

Plots and tables of one result may share rows: a plot names a `ResultTable` of the same result (`table`) and says which
of its rows each sample is (`rows`; left out: sample i is row i, −1: none). What is selected in one is then selected in
all. Points and rows may also name an object each (`targets`, see `core.targets`): a click goes there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from core.data import Table, register
from core.data._arrays import Array, frozen, require

LATER = {"omit": True}
"""Fields that came later: left out of the tree while empty, so that hashes in older records still hold."""


def _rows(rows: Any, n: int) -> Array | None:
    if rows is None:
        return None
    out = frozen(rows, dtype=np.int64)
    require(out.shape == (n,), "rows has one entry a sample")
    return out


def _targets(targets: Any, n: int) -> tuple[str, ...]:
    out = tuple(str(t) for t in targets)
    require(len(out) in (0, n), "targets has one entry a point, or none at all")
    return out


@register
@dataclass(frozen=True, eq=False)
class Layer:
    """A data object to be shown with its input: a plane in a scan, a surface of a volume.

    `display` overrides how it is shown (fields of the matching class in `core.display`). With `instead_of` in it, the
    numbers of inputs, these are hidden when the layer is added: one drawn over the other shows neither.
    """

    name: str
    data: Any
    display: Mapping[str, Any] = field(default_factory=dict)


@register
@dataclass(frozen=True, eq=False)
class Curve:
    """Lines over a shared axis. `x` (n,), `ys` name -> (n,). NaN leaves a gap.

    `ys_error` name -> (n,): half the height of the band about that line, in the line's unit.
    """

    name: str
    x: Array
    ys: Mapping[str, Array]
    x_label: str = ""
    y_label: str = ""
    x_unit: str = ""
    y_unit: str = ""
    log_x: bool = False
    log_y: bool = False
    ys_error: Mapping[str, Array] = field(default_factory=dict, metadata=LATER)
    table: str = field(default="", metadata=LATER)
    rows: Array | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", frozen(self.x))
        ys = {name: frozen(y) for name, y in self.ys.items()}
        for name, y in ys.items():
            require(y.shape == self.x.shape, f"curve {name!r} and its axis differ in length")
        object.__setattr__(self, "ys", MappingProxyType(ys))
        errors = {name: frozen(e) for name, e in self.ys_error.items()}
        for name, error in errors.items():
            require(name in ys and error.shape == self.x.shape, f"the error {name!r} belongs to no line")
        object.__setattr__(self, "ys_error", MappingProxyType(errors))
        object.__setattr__(self, "rows", _rows(self.rows, len(self.x)))


@register
@dataclass(frozen=True, eq=False)
class Scatter:
    """Points in a plot. `x`, `y` (n,), optional `color` (n,) values and one text a point.

    `targets`: the object that each point stands for (`core.targets`), "" for none.
    """

    name: str
    x: Array
    y: Array
    color: Array | None = None
    labels: tuple[str, ...] = ()
    x_label: str = ""
    y_label: str = ""
    x_unit: str = ""
    y_unit: str = ""
    color_label: str = ""
    targets: tuple[str, ...] = field(default=(), metadata=LATER)
    table: str = field(default="", metadata=LATER)
    rows: Array | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        for key in ("x", "y", "color"):
            if getattr(self, key) is not None:
                object.__setattr__(self, key, frozen(getattr(self, key)))
        require(self.x.shape == self.y.shape, "x and y differ in length")
        object.__setattr__(self, "targets", _targets(self.targets, len(self.x)))
        object.__setattr__(self, "rows", _rows(self.rows, len(self.x)))


@register
@dataclass(frozen=True, eq=False)
class Heatmap:
    """A matrix as colours. `values` (rows, columns); row 0 at the top; `diverging` centres the map at 0.

    `rows` (rows,) are those of `table` that the matrix's rows stand for.
    """

    name: str
    values: Array
    row_labels: tuple[str, ...] = ()
    column_labels: tuple[str, ...] = ()
    x_label: str = ""
    y_label: str = ""
    value_label: str = ""
    unit: str = ""
    diverging: bool = False
    table: str = field(default="", metadata=LATER)
    rows: Array | None = field(default=None, metadata=LATER)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", frozen(self.values))
        require(self.values.ndim == 2, "a heat map is a matrix")
        object.__setattr__(self, "rows", _rows(self.rows, len(self.values)))


@register
@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts (n,) between `edges` (n+1,). `column` of `table` holds the values that were counted."""

    name: str
    edges: Array
    counts: Array
    label: str = ""
    unit: str = ""
    table: str = field(default="", metadata=LATER)
    column: str = field(default="", metadata=LATER)

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", frozen(self.edges))
        object.__setattr__(self, "counts", frozen(self.counts))
        require(len(self.edges) == len(self.counts) + 1, "a histogram has one edge more than counts")


@register
@dataclass(frozen=True, eq=False)
class ResultTable:
    """A named `core.data.Table` among the results. `targets`: the object that each row stands for, "" for none."""

    name: str
    table: Table
    targets: tuple[str, ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        n = len(next(iter(self.table.columns.values()), ()))
        object.__setattr__(self, "targets", _targets(self.targets, n))


@register
@dataclass(frozen=True, eq=False)
class Number:
    """One named number with unit and, where known, its error (same unit)."""

    name: str
    value: float
    unit: str = ""
    error: float | None = None


@register
@dataclass(frozen=True, eq=False)
class Text:
    """A sentence or short paragraph for the reader of the result."""

    name: str
    text: str


Output = Layer | Curve | Scatter | Heatmap | Histogram | ResultTable | Number | Text


@register
@dataclass(frozen=True, eq=False)
class Result:
    """All that a run found.

    Attributes
    ----------
    values : what `result.json` holds: every number and geometry by name, nested, plain JSON; RAS mm where
        that applies.
    outputs : what is shown and written as files, in the order of reading.
    warnings : sentences the user should read beside the result.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(plain(self.values)))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        object.__setattr__(self, "warnings", tuple(self.warnings))


def plain(value: Any) -> Any:
    """`value` with NumPy scalars and arrays turned into Python numbers and lists, mappings into dicts."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value
