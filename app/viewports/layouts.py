"""How views share the centre: layouts as trees of splits, and the rectangles that follow from them. No widgets.

A view has a slot: its kind ("axial", "coronal", "sagittal", "3d") for the first of a kind, "axial-2" and so on for
further ones. Views with the same number belong together: they are one column, or row, of a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QRect, QSize

KINDS = ("axial", "coronal", "sagittal", "3d")
MOST = 4
"""Views of one kind, and so objects that can be compared."""
LINE = 1
"""Pixels between two views."""
LEAST = 80
"""Pixels of a view's side that a drag of the line beside it leaves."""

Shares = Mapping[str, tuple[float, ...]]
"""By the path of a split: the parts of its length that its parts get."""


@dataclass(frozen=True)
class Split:
    """Parts side by side (`across`) or one above the other.

    `shares` are the parts' lengths before anybody drags a line, () = equal; `aligned`: the parts are splits too, and
    their lines stay in line.
    """

    across: bool
    parts: tuple[Split | str, ...]
    shares: tuple[float, ...] = ()
    aligned: bool = False


Node = Split | str


@dataclass(frozen=True)
class Line:
    """A line between parts `index` and `index + 1` of the split at `path`, which fills `whole`."""

    path: str
    index: int
    across: bool
    rect: QRect
    whole: QRect


def slot_name(kind: str, number: int) -> str:
    """ "axial" or "axial-2"."""
    return kind if number == 1 else f"{kind}-{number}"


def kind_of(slot: str) -> str:
    """ "axial" of "axial-2". Raises `ValueError` for what is no slot."""
    return _parse(slot)[0]


def number_of(slot: str) -> int:
    """2 of "axial-2", 1 of "axial"."""
    return _parse(slot)[1]


def _row(*slots: str) -> Split:
    return Split(True, slots)


_FIXED: dict[str, Node] = {
    "four": Split(False, (_row("axial", "3d"), _row("coronal", "sagittal")), aligned=True),
    "slices": _row("axial", "coronal", "sagittal"),
    "over": Split(False, ("3d", _row("axial", "coronal", "sagittal")), shares=(0.6, 0.4)),
    **{
        f"big-{big}": Split(
            True, (big, Split(False, tuple(k for k in KINDS if k != big))), shares=(0.68, 0.32)
        )
        for big in KINDS
    },
}
LAYOUTS: tuple[str, ...] = ("four", *KINDS, "slices", "over", *(f"big-{k}" for k in KINDS))
"""Layouts of one set of views. Further names: a slot alone ("axial-2") and `compare_name(kind, number)`."""
COMPARED = ("axial", "coronal", "sagittal", "3d", "slices", "all")
"""What of each object a comparison shows: one view, the three slices, or these and 3-D."""


def compare_name(what: str, number: int) -> str:
    """The layout that shows `number` objects (2 to 4) beside each other; `what` is one of `COMPARED`."""
    return f"compare-{what}-{number}"


def layout(name: str) -> Node:
    """The tree of a layout. Raises `ValueError` for a name that is none."""
    if name in _FIXED:
        return _FIXED[name]
    try:
        _parse(name)
    except ValueError:
        pass
    else:
        return name
    found = comparison_of(name)
    if found is not None:
        return _comparison(*found)
    raise ValueError(
        f"{name!r} is not a layout; choose one of {', '.join(LAYOUTS)} or {compare_name('axial', 2)}"
    )


def _comparison(what: str, number: int) -> Node:
    numbers = range(1, number + 1)
    if what in KINDS:
        slots = [slot_name(what, n) for n in numbers]
        if number < 4:
            return _row(*slots)
        return Split(False, (_row(*slots[:2]), _row(*slots[2:])), aligned=True)
    kinds = KINDS if what == "all" else KINDS[:3]
    # An object a column, so that the same view of each lies beside its like.
    rows = tuple(_row(*(slot_name(kind, n) for n in numbers)) for kind in kinds)
    return Split(False, rows, aligned=True)


def comparison_of(name: str) -> tuple[str, int] | None:
    """What of each object a layout shows beside each other, and of how many; None for other layouts."""
    start, _, rest = name.partition("-")
    what, _, digits = rest.rpartition("-")
    if start == "compare" and what in COMPARED and digits in ("2", "3", "4"):
        return what, int(digits)
    return None


@lru_cache(maxsize=64)
def slots_of(node: Node) -> tuple[str, ...]:
    """All slots, in reading order."""
    if isinstance(node, str):
        return (node,)
    return tuple(slot for part in node.parts for slot in slots_of(part))


def places(node: Node, size: QSize, shares: Shares) -> tuple[dict[str, QRect], list[Line]]:
    """The rectangle of every slot and the lines between them, for a centre of `size`."""
    rects: dict[str, QRect] = {}
    lines: list[Line] = []
    _place(node, QRect(0, 0, size.width(), size.height()), "", shares, rects, lines)
    return rects, lines


def _place(
    node: Node, rect: QRect, path: str, shares: Shares, rects: dict[str, QRect], lines: list[Line]
) -> None:
    if isinstance(node, str):
        rects[node] = rect
        return
    start = rect.left() if node.across else rect.top()
    room = (rect.width() if node.across else rect.height()) - LINE * (len(node.parts) - 1)
    ends = _ends(node, path, shares)
    before = 0
    for k, part in enumerate(node.parts):
        after = room if k == len(node.parts) - 1 else math.floor(room * ends[k] + 1e-3)
        at = start + before + k * LINE
        length = max(0, after - before)
        if node.across:
            inner = QRect(at, rect.top(), length, rect.height())
            line = QRect(at + length, rect.top(), LINE, rect.height())
        else:
            inner = QRect(rect.left(), at, rect.width(), length)
            line = QRect(rect.left(), at + length, rect.width(), LINE)
        _place(part, inner, f"{path}*" if node.aligned else f"{path}{k}", shares, rects, lines)
        if k < len(node.parts) - 1:
            lines.append(Line(path, k, node.across, line, rect))
        before = after


def _ends(node: Split, path: str, shares: Shares) -> list[float]:
    """Where each part ends, as a part of the whole."""
    number = len(node.parts)
    wanted = shares.get(path, ())
    if len(wanted) != number:
        wanted = node.shares or (1.0,) * number
    total = sum(wanted)
    return [sum(wanted[: k + 1]) / total for k in range(number)]


def dragged(node: Node, line: Line, position: float, shares: Shares) -> dict[str, tuple[float, ...]]:
    """The shares after `line` was dragged to `position` (pixels in the whole centre)."""
    split = _at(node, line.path)
    if split is None:
        return dict(shares)
    ends = _ends(split, line.path, shares)
    whole = line.whole
    lines = LINE * (len(split.parts) - 1)
    length = max(1, (whole.width() if line.across else whole.height()) - lines)
    start = (whole.left() if line.across else whole.top()) + line.index * LINE
    low = ends[line.index - 1] if line.index else 0.0
    high = ends[line.index + 1]
    margin = min(LEAST / length, (high - low) / 2)
    ends[line.index] = min(max((position - start) / length, low + margin), high - margin)
    widths = tuple(round(b - a, 6) for a, b in zip([0.0, *ends], ends, strict=False))
    return {**shares, line.path: widths}


def _at(node: Node, path: str) -> Split | None:
    for step in path:
        if not isinstance(node, Split):
            return None
        node = node.parts[0 if step == "*" else int(step)]
    return node if isinstance(node, Split) else None


def least_size(node: Node, view: QSize) -> QSize:
    """The smallest centre in which no view is smaller than `view`."""
    if isinstance(node, str):
        return view
    sizes = [least_size(part, view) for part in node.parts]
    lines = LINE * (len(sizes) - 1)
    if node.across:
        return QSize(sum(s.width() for s in sizes) + lines, max(s.height() for s in sizes))
    return QSize(max(s.width() for s in sizes), sum(s.height() for s in sizes) + lines)


def shares_from_plain(value: Any) -> dict[str, dict[str, tuple[float, ...]]]:
    """From a session: layout -> path -> shares. What is damaged is left out."""
    out: dict[str, dict[str, tuple[float, ...]]] = {}
    if not isinstance(value, Mapping):
        return out
    for name, paths in value.items():
        try:
            node = layout(name)
        except (ValueError, AttributeError, TypeError):
            continue
        for path, numbers in _pairs(paths):
            try:
                split = _at(node, path)
                widths = tuple(float(n) for n in numbers)
            except (TypeError, ValueError, IndexError, OverflowError):
                continue
            fits = split is not None and len(widths) == len(split.parts)
            if fits and all(math.isfinite(w) and w > 0.01 for w in widths):
                out.setdefault(name, {})[path] = widths
    return out


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((k, v) for k, v in value.items() if isinstance(k, str))


def _parse(slot: str) -> tuple[str, int]:
    kind, dash, digits = slot.partition("-")
    if kind in KINDS and (not dash or digits in ("2", "3", "4")):
        return kind, int(digits or 1)
    raise ValueError(f"{slot!r} is no view")
