"""Which rows of a table a filter leaves: words, or comparisons like `score > 0.9 and error <= 2`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from app.forms.numbers import parse_number

Array = np.ndarray[Any, Any]
CHUNK = 1 << 13
"""Rows looked at between two questions whether the answer is still wanted."""
_SIGNS: dict[str, Callable[[Any, Any], Any]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "≥": operator.ge,
    "≤": operator.le,
    "!=": operator.ne,
    "≠": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_SPLIT = re.compile(r"(>=|<=|!=|==|≥|≤|≠|=|>|<)")


class FilterError(ValueError):
    """A comparison that makes no sense; `str(error)` says why."""


def mask(
    text: str, columns: Mapping[str, Array], stopped: Callable[[], bool] = lambda: False
) -> Array | None:
    """Which rows (n,) the filter `text` leaves; None if `stopped` says that nobody waits any more.

    Comparisons are joined by "and" and "or" ("and" binds closer); a name with spaces needs no quotes. Anything that
    compares no column is looked for in the cells, without regard to case; all of its words must be in the row.

    Raises
    ------
    FilterError : a number is compared with a text, or the like.
    """
    n = len(next(iter(columns.values()), ()))
    if not _SPLIT.search(text) or not any(_column(part, columns) for part in _parts(text)):
        return _words(text, columns, n, stopped)
    out = np.zeros(n, dtype=bool)
    for either in re.split(r"\s+or\s+", text.strip(), flags=re.IGNORECASE):
        each = np.ones(n, dtype=bool)
        for clause in re.split(r"\s+and\s+", either.strip(), flags=re.IGNORECASE):
            found = _clause(clause, columns, n, stopped)
            if found is None:
                return None
            each &= found
        out |= each
    return out


def _parts(text: str) -> list[str]:
    clauses = re.split(r"\s+(?:and|or)\s+", text, flags=re.IGNORECASE)
    return [_SPLIT.split(clause, maxsplit=1)[0] for clause in clauses]


def _column(text: str, columns: Mapping[str, Array]) -> str:
    wanted = text.strip().strip("\"'“”").lower()
    return next((name for name in columns if name.lower() == wanted), "")


def _clause(clause: str, columns: Mapping[str, Array], n: int, stopped: Callable[[], bool]) -> Array | None:
    pieces = _SPLIT.split(clause, maxsplit=1)
    if len(pieces) != 3:
        return _words(clause, columns, n, stopped)
    left, sign, right = pieces
    name = _column(left, columns)
    if not name:
        raise FilterError(f"no column is called {left.strip()!r}")
    values, wanted = columns[name], right.strip().strip("\"'“”")
    if not wanted:
        raise FilterError(f"{name} {sign} what?")
    compare = _SIGNS[sign]
    if values.dtype.kind == "b":
        words = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
        if wanted.lower() not in words:
            raise FilterError(f"{name} is yes or no")
        out: Array = compare(values, words[wanted.lower()])
        return out
    if values.dtype.kind in "iufc":
        try:
            number = parse_number(wanted)
        except ValueError:
            if wanted.lower() != "nan":
                raise FilterError(f"{name} holds numbers, {wanted!r} is none") from None
            if compare not in (operator.eq, operator.ne):
                raise FilterError("nothing is more or less than NaN; ask for = or !=") from None
            out = np.isnan(values) if compare is operator.eq else ~np.isnan(values)
            return out
        with np.errstate(invalid="ignore"):
            return np.asarray(compare(np.abs(values) if values.dtype.kind == "c" else values, number))
    texts = _texts(values, stopped)
    return None if texts is None else np.asarray(compare(texts, wanted.lower()))


def _texts(values: Array, stopped: Callable[[], bool]) -> Array | None:
    """Values as lower-case text, a chunk at a time: one call over a million rows would hold everything up."""
    out = []
    for at in range(0, max(len(values), 1), CHUNK):
        if stopped():
            return None
        out.append(np.char.lower(np.asarray(values[at : at + CHUNK]).astype(str)))
    return np.concatenate(out)


def _words(text: str, columns: Mapping[str, Array], n: int, stopped: Callable[[], bool]) -> Array | None:
    parts = text.lower().split()
    out = np.zeros(n, dtype=bool)
    for at in range(0, n, CHUNK):
        if stopped():
            return None
        cells = [np.char.lower(np.asarray(v[at : at + CHUNK]).astype(str)) for v in columns.values()]
        here = np.ones(min(CHUNK, n - at), dtype=bool)
        for part in parts:
            here &= np.logical_or.reduce([np.char.find(c, part) >= 0 for c in cells])
        out[at : at + CHUNK] = here
    return out
