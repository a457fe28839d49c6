"""The menus as a whole: keys that collide, letters, lengths, tips; and what an edit makes them ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from app.window import workbench as workbench_module
from app.window.keys import key_rows, taken_by_views
from app.window.kinds import kind_of_item
from core.data import Markup, Mesh
from core.display import default_display
from core.document import Document, Item, new_id


def menus_of(window: Any) -> Iterator[tuple[str, QMenu]]:
    waiting = list(window.menus.menus.items())
    while waiting:
        name, menu = waiting.pop(0)
        yield name, menu
        waiting += [(f"{name} > {a.text()}", a.menu()) for a in menu.actions() if a.menu() is not None]


def test_no_key_runs_two_commands_and_none_takes_a_key_of_the_views_or_of_the_menu_bar(window: Any) -> None:
    owners: dict[str, list[str]] = {}
    for action in window.commands:
        for key in action.shortcuts():
            owners.setdefault(key.toString(), []).append(action.objectName())
    assert len(owners) > 40
    assert not {k: ids for k, ids in owners.items() if len(ids) > 1}
    assert not {k: (ids, taken_by_views(k)) for k, ids in owners.items() if taken_by_views(k) is not None}
    for action in window.menuBar().actions():
        letter = QKeySequence.mnemonic(action.text()).toString()
        assert letter.startswith("Alt+") and letter not in owners, action.text()


def test_keys_of_views_are_told_in_one_place(window: Any) -> None:
    assert {"Slice views", "3-D views", "Markups in views"} <= {r.where for r in key_rows()}
    counted = Counter((r.where, r.press) for r in key_rows())
    assert max(counted.values()) == 1, counted.most_common(3)
    # Qt knows every key that is named: one that it does not would protect nothing.
    for row in key_rows():
        for key in row.keys:
            assert QKeySequence.fromString(key).toString() == key, row


def test_a_menu_has_each_letter_once_no_lines_in_a_row_and_no_more_entries_than_one_reads(
    window: Any,
) -> None:
    seen = 0
    for name, menu in menus_of(window):
        actions = menu.actions()
        letters = Counter(
            letter for a in actions if (letter := QKeySequence.mnemonic(a.text()).toString()) != ""
        )
        assert all(n == 1 for n in letters.values()), (name, letters)
        lines = [a.isSeparator() for a in actions]
        assert not any(a and b for a, b in pairwise(lines)), name
        if "Open as" not in name:
            assert len(actions) - sum(lines) <= 16, name
        seen += 1
    assert seen > 20


def test_a_command_that_can_be_used_again_says_what_it_does(window: Any) -> None:
    turn = window.commands["view.turn-left"]
    window.commands.refresh()
    assert not turn.isEnabled() and "place in space" in turn.toolTip()
    window.commands.set_reason("view.turn-left", "")
    assert "with Shift by 10°" in turn.toolTip() and turn.statusTip() == turn.toolTip()


def marks(number: int) -> list[Item]:
    out = []
    for n in range(number):
        data = Markup("points", [[float(n), 0, 0]])
        out.append(Item(new_id(), f"Mark {n}", data, display=default_display(data)))
    return out


def test_an_edit_asks_about_what_it_changed_and_not_about_all_that_is_open(
    window: Any, monkeypatch: Any
) -> None:
    document = window.workbench.document
    items = marks(40)
    document.add(*items, title="Marks")
    window.menus.refresh_analyses()
    asked: list[str] = []
    monkeypatch.setattr(
        workbench_module.Workbench, "_kind", staticmethod(lambda i: asked.append(i.id) or kind_of_item(i))
    )
    item = items[3]
    document.set_display(item.id, replace(item.display, opacity=0.5))
    assert set(asked) == {item.id}
    # What comes and goes is known at once.
    analysis = next(a for a in window.workbench.host.analyses if a.id == "symmetry.reflections")
    assert window.workbench.why_not(analysis)
    mesh = Mesh([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    made = Item(new_id(), "Mesh", mesh, display=default_display(mesh))
    document.add(made, title="Mesh")
    assert not window.workbench.why_not(analysis)
    document.undo()
    assert window.workbench.why_not(analysis)


def test_the_tree_is_built_without_a_search_for_every_row(window: Any, monkeypatch: Any) -> None:
    looked: list[Any] = []
    before = Document.children
    monkeypatch.setattr(
        Document, "children", lambda self, parent: looked.append(parent) or before(self, parent)
    )
    window.data._rebuild()
    window.workbench.document.add(*marks(30), title="Marks")
    window.data._rebuild()
    own = len(looked)
    looked.clear()
    window.data._rebuild()
    assert window.data.tree.topLevelItemCount() == 30
    assert not looked, own
