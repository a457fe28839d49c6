"""Edits, undo and redo: a document after undo is the document before, whatever was done."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import PointCloud, content_hash, decode, encode
from core.display import PointsDisplay
from core.document import AddItems, Change, Document, Item, RenameItem, SetDisplay, Several


def cloud(name: str, parent: str | None = None) -> Item:
    return Item(name, name, PointCloud(np.ones((2, 3))), parent, display=PointsDisplay())


def state(document: Document) -> list[str]:
    return [content_hash(item) for item in document]


def test_add_remove_with_children_and_undo() -> None:
    document = Document()
    changes: list[Change] = []
    document.changed.connect(changes.append)
    document.add(cloud("a"), cloud("b"), cloud("c", "a"), cloud("d", "c"), cloud("e"))
    before = state(document)
    document.remove("a")
    assert [i.id for i in document] == ["b", "e"]
    assert changes[-1].removed == {"a", "c", "d"}
    assert document.undo_label == "Close 3 items"
    document.undo()
    assert (
        state(document) == before and changes[-1].added == {"a", "c", "d"} and changes[-1].direction == "undo"
    )
    document.redo()
    assert [i.id for i in document] == ["b", "e"]
    document.undo()
    document.undo()
    assert len(document) == 0 and document.redo_label == "Add a"


def test_a_failed_edit_leaves_the_document_alone() -> None:
    document = Document()
    document.add(cloud("a"))
    before = state(document)
    with pytest.raises(ValueError, match="open already"):
        document.add(cloud("b"), cloud("a"))
    with pytest.raises(ValueError, match="parent"):
        document.add(cloud("b", "nobody"))
    assert state(document) == before and document.undo_label == "Add a"


def test_display_edits_of_one_gesture_merge() -> None:
    document = Document()
    document.add(cloud("a"))
    for n in range(5):
        document.set_display("a", PointsDisplay(size=3.0 + n), gesture="drag-1")
    document.set_display("a", PointsDisplay(size=9.0), gesture="drag-2")
    document.undo()
    assert document["a"].display == PointsDisplay(size=7.0)
    document.undo()
    assert document["a"].display == PointsDisplay()
    document.redo()
    assert document["a"].display == PointsDisplay(size=7.0)


def test_a_pause_in_one_drag_is_no_end_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.document import _document

    now = [100.0]
    monkeypatch.setattr(_document.time, "monotonic", lambda: now[0])
    document = Document()
    document.add(cloud("a"))
    for n in range(3):
        document.set_display("a", PointsDisplay(size=3.0 + n), gesture="window#1")
        now[0] += 7.0
    document.set_display("a", PointsDisplay(size=8.0), gesture="window#2")
    document.set_display("a", PointsDisplay(size=9.0), gesture="field")
    now[0] += 7.0
    document.set_display("a", PointsDisplay(size=10.0), gesture="field")  # no drag: a pause begins anew
    sizes = []
    while document.undo_label != "Add a":
        document.undo()
        sizes.append(document["a"].display.size)
    assert sizes == [9.0, 8.0, 5.0, PointsDisplay().size]


def test_an_edit_of_data_may_have_a_name_of_its_own() -> None:
    document = Document()
    document.add(cloud("a"))
    document.set_data("a", PointCloud(np.zeros((1, 3))), title="Move point")
    assert document.undo_label == "Move point"
    edit = document._done[-1]
    assert decode(*encode(edit)).label == "Move point"


def test_no_merge_across_a_save() -> None:
    document = Document()
    document.add(cloud("a"))
    document.set_display("a", PointsDisplay(size=3.0), gesture="drag")
    document.mark_clean()
    document.set_display("a", PointsDisplay(size=4.0), gesture="drag")
    assert not document.is_clean
    document.undo()
    assert document.is_clean and document["a"].display == PointsDisplay(size=3.0)


def test_clean_state_follows_undo() -> None:
    document = Document()
    assert document.is_clean
    document.add(cloud("a"))
    assert not document.is_clean
    document.undo()
    assert document.is_clean
    document.redo()
    document.mark_clean()
    document.rename("a", "b")
    assert not document.is_clean and document.undo_label == "Rename"
    document.undo()
    assert document.is_clean
    document.rename("a", "a")
    assert document.is_clean, "an edit that changes nothing is none"


def test_set_data_remembers_that_the_source_is_no_longer_the_truth() -> None:
    document = Document()
    document.add(cloud("a"))
    document.set_data("a", PointCloud(np.zeros((1, 3))))
    assert document["a"].edited and len(document["a"].data.points) == 1
    document.undo()
    assert not document["a"].edited and len(document["a"].data.points) == 2


def test_an_item_cannot_hang_below_itself() -> None:
    document = Document()
    document.add(cloud("a"), cloud("b", "a"))
    with pytest.raises(ValueError, match="below itself"):
        document.move("a", "b", 0)


def test_edits_can_be_journalled() -> None:
    edit = SetDisplay("a", PointsDisplay(), PointsDisplay(size=5.0), "g")
    again = decode(*encode(edit))
    assert again.after == edit.after and again.merge_key == edit.merge_key
    add = decode(*encode(AddItems((cloud("a"), cloud("b")), "Open")))
    assert [i.id for i in add.added] == ["a", "b"] and add.label == "Open" and add.bytes > 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ARNMDTUX"), st.integers(0, 9), st.integers(0, 9)), max_size=25))
def test_any_sequence_of_edits_can_be_undone_and_redone(steps: list[tuple[str, int, int]]) -> None:
    document = Document()
    history = [state(document)]
    for n, (what, i, j) in enumerate(steps):
        items = list(document)
        before = document.undo_label, len(document._done)
        if what == "A":
            parent = items[i % len(items)].id if items and i % 2 else None
            document.add(cloud(f"n{n}", parent))
        elif not items:
            continue
        elif what == "R":
            document.remove(items[i % len(items)].id)
        elif what == "N":
            document.rename(items[i % len(items)].id, f"name {j}")
        elif what == "D":
            document.set_display(items[i % len(items)].id, PointsDisplay(size=float(j)))
        elif what == "T":
            document.set_transform(items[i % len(items)].id, np.diag([1.0, 1.0, 1.0 + j, 1.0]))
        elif what == "M":
            chosen = items[i % len(items)].id
            try:
                document.move(chosen, None, j % len(items))
            except ValueError:
                continue
        elif what == "U":
            continue
        else:
            document.set_data(items[i % len(items)].id, PointCloud(np.full((j + 1, 3), 2.0)))
        if (document.undo_label, len(document._done)) != before or state(document) != history[-1]:
            history.append(state(document))
    for expected in reversed(history[:-1]):
        document.undo()
        assert state(document) == expected
    for expected in history[1:]:
        document.redo()
        assert state(document) == expected


def test_forgotten_edits_are_not_taken_for_saved_ones() -> None:
    document = Document(undo_limit=3)
    for n in range(5):
        document.add(Item(f"i{n}", "x"))
    while document.undo_label:
        document.undo()
    assert len(document) == 2 and not document.is_clean, "two items that were never saved are open"
    document.mark_clean()
    assert document.is_clean


def test_a_listener_that_fails_does_not_cost_the_undo() -> None:
    document = Document()

    def fail(_change: object) -> None:
        raise RuntimeError("a listener broke")

    document.changed.connect(fail)
    with pytest.raises(Exception, match="broke"):
        document.add(Item("a", "x"))
    document.changed.disconnect(fail)
    document.undo()
    assert len(document) == 0


def test_several_edits_are_one_to_the_user() -> None:
    document = Document([cloud("a"), cloud("b")])
    assert document.is_clean and document.undo_label == "" and len(document) == 2
    before = state(document)
    hide = [SetDisplay(i.id, i.display, PointsDisplay(visible=False)) for i in document]
    document.apply(Several((*hide, RenameItem("a", "a", "c")), "Show only this"))
    assert document.undo_label == "Show only this" and not document["b"].display.visible
    document.undo()
    assert state(document) == before
    with pytest.raises(KeyError):
        document.apply(Several((RenameItem("b", "b", "x"), RenameItem("gone", "", "")), "half"))
    assert state(document) == before, "all of it or nothing"


def test_the_undo_label_of_a_display_edit_names_what_changed() -> None:
    document = Document([cloud("a")])
    for display, words in (
        (PointsDisplay(size=4.0), "Size"),
        (PointsDisplay(size=4.0, visible=False), "Hide"),
        (PointsDisplay(size=4.0, colormap="gray"), "Visible and colour map"),
        (PointsDisplay(size=4.0, colormap="gray", color_by="@z"), "Colour"),
    ):
        document.set_display("a", display)
        assert document.undo_label == words
