"""What undo may hold: the oldest edits go beyond the budget, the newest never, and clean stays what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.data import Attribute, Mesh, PointCloud, Transforms
from core.display import PointsDisplay
from core.document import Document, Item, ReplaceItem

MB = 1_000_000


def cloud(megabytes: float, value: float = 0.0) -> PointCloud:
    return PointCloud(np.full((int(megabytes * MB / 24), 3), value))


def labels(document: Document) -> list[str]:
    out = []
    while document.undo_label:
        out.append(document.undo_label)
        document.undo()
    return out


def test_the_oldest_edits_go_beyond_the_budget_and_the_newest_never() -> None:
    document = Document([Item("a", "a", cloud(1))], undo_memory=2_500_000)
    for n in range(5):
        document.set_data("a", cloud(1, n + 1.0), title=f"Edit {n}")
    # Of the clouds before each edit two fit beside the one that is open.
    assert document.undo_bytes <= 2_500_000
    assert labels(document) == ["Edit 4", "Edit 3"]
    document = Document([Item("a", "a", cloud(5))], undo_memory=MB)
    document.rename("a", "b")
    document.set_data("a", cloud(5, 1.0), title="Big")
    assert labels(document) == ["Big", "Rename"], "small edits before a big one cost nothing, and stay"


def test_what_is_open_costs_nothing_and_what_is_shared_counts_once() -> None:
    shared = cloud(1)
    document = Document(undo_memory=MB // 2)
    document.add(Item("a", "a", shared), Item("b", "b", cloud(3)))
    for n in range(4):
        document.set_display("a", PointsDisplay(size=2.0 + n))
    assert document.undo_bytes == 0 and len(labels(document)) == 5
    document = Document([Item("m", "m", shared)], undo_memory=4 * MB)
    for n in range(6):  # new attributes on the same points
        values = Attribute(np.full(len(shared.points), float(n)), Transforms.SCALAR)
        document.set_data("m", replace(shared, attributes={"v": values}), title=str(n))
    assert document.undo_bytes == 5 * values.values.nbytes
    document.remove("m")
    held = document.undo_bytes
    assert held == shared.points.nbytes + 6 * values.values.nbytes, (
        "closed now, but its points are there once"
    )


def test_closing_is_taken_back_however_large() -> None:
    document = Document([Item("a", "a", cloud(4)), Item("b", "b", cloud(4, 1.0))], undo_memory=MB)
    document.remove("a")
    document.remove("b")
    assert document.undo_label == "Close b"
    document.undo()
    assert "b" in document and not document.undo_label, "closing a went beyond the budget"


def test_a_smaller_budget_takes_effect_at_once() -> None:
    document = Document([Item("a", "a", cloud(1))], undo_memory=100 * MB)
    for n in range(5):
        document.set_data("a", cloud(1, n + 1.0), title=f"Edit {n}")
    document.undo_memory = 1_500_000
    assert labels(document) == ["Edit 4"]


@pytest.mark.parametrize(
    ("saved_after", "reachable"), [(0, False), (1, False), (3, True), (4, True), (5, True)]
)
def test_clean_is_what_was_saved_and_nothing_else(saved_after: int, reachable: bool) -> None:
    document = Document([Item("a", "a", cloud(1))], undo_memory=2_500_000)
    for n in range(6):
        if n == saved_after:
            document.mark_clean()
            saved = document["a"].data
        if n < 5:
            document.set_data("a", cloud(1, n + 1.0), title=f"Edit {n}")
    found = [document["a"].data] if document.is_clean else []
    while document.undo_label:
        document.undo()
        found += [document["a"].data] if document.is_clean else []
    assert found == ([saved] if reachable else [])


def test_redo_counts_and_is_never_cut() -> None:
    document = Document([Item("a", "a", cloud(1))], undo_memory=2_500_000)
    for n in range(3):
        document.set_data("a", cloud(1, n + 1.0), title=f"Edit {n}")
    document.undo()
    document.undo()
    assert document.redo_label
    document.redo()
    document.redo()
    assert float(document["a"].data.points[0, 0]) == 3.0


def test_replacing_an_item_is_an_edit_like_others() -> None:
    mesh = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    document = Document([Item("a", "a"), Item("k", "child", None, "a")])
    document.apply(ReplaceItem(document["a"], replace(document["a"], data=mesh), "Locate a"))
    assert document["a"].data is mesh and [i.id for i in document] == ["a", "k"]
    assert document.undo_label == "Locate a" and not document.is_clean
    document.undo()
    assert document["a"].data is None and document.is_clean
    with pytest.raises(KeyError):
        document.apply(ReplaceItem(Item("x", "x"), Item("x", "x")))
