"""A session opened in a fresh window shows the same window: views, layout, forms, results, displays, what is folded."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt

from tests.core.golden_sessions.make import add_markups, described, look


def spoken(window: Any) -> list[str]:
    """What the tree says of every row."""
    tree = window.data.tree
    return [row.data(0, Qt.ItemDataRole.AccessibleTextRole) for row in tree._rows.values()]


def state(window: Any) -> dict[str, Any]:
    """The window, plain; docks of two windows differ in bytes that mean nothing, so they are told by name."""
    out = {k: v for k, v in window.layout_state().items() if k != "docks"}
    areas = {n: str(window.dockWidgetArea(d)) for n, d in window.docks.items()}
    out["docks"] = {n: (d.isHidden(), d.isFloating(), areas[n]) for n, d in window.docks.items()}
    out["rows"] = spoken(window)
    out["results"] = [w.text() for w in window.results._body.findChildren(_label()) if w.text()]
    out["figures"] = len(window.results._figures)
    plain = json.loads(json.dumps(out), parse_float=lambda text: round(float(text), 9))
    return plain  # type: ignore[no-any-return]


def _label() -> type:
    from PySide6.QtWidgets import QLabel

    return QLabel


@pytest.fixture
def saved(
    fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> tuple[Any, Path]:
    """A window in which much was done, and its session."""
    window = make_window()
    helper.open(window, files["volume"], files["mesh"], files["table"])
    document = window.workbench.document
    by = {i.name: i for i in document}
    add_markups(document, by["head"].id)
    document.set_display(by["head"].id, replace(by["head"].display, window=33.0, level=44.0, colormap="hot"))
    document.set_display(by["tetra"].id, replace(by["tetra"].display, opacity=0.25))
    window.workbench.load_descriptions()
    helper.idle(window)
    descriptions = window.workbench.descriptions
    window.workbench.run(descriptions["fake.everything"], [by["tetra"].id], {"rounds": 4})
    helper.idle(window)
    look(window)
    grid = window.centre.grid
    grid.set_parallel(True, grid.views["3d"])
    grid.links.on = frozenset({"slice", "zoom"})
    grid.set_only("sagittal", frozenset({by["head"].id}))
    for id, level in (("fake.everything", 7.5), ("fake.slow", None)):
        window.choose_analysis(window.menus.analyses[id])
        if level is not None:
            window.analysis.form.fields["level"].set_value(level)
            window.analysis.form.fields["method"].set_value("exact")
            window.analysis.form.seed.set_value(9)
        else:
            window.analysis.form.fields["seconds"].set_value(3.0)
    window.open_plugin_panel(next(p for p in window.workbench.host.panels if p.id == "fake.panel"))
    window.data.tree.row_of(by["head"].id).setExpanded(False)
    window.centre.player.set_speed(2.0)
    window.docks["console"].show()
    window.workbench.select(by["tetra"].id)
    helper.idle(window)
    window.workbench.save_session(tmp_path / "work", window.layout_state())
    helper.idle(window)
    return window, tmp_path / "work.equiscope"


def test_a_fresh_window_shows_the_same(saved: tuple[Any, Path], make_window: Any, helper: Any) -> None:
    window, folder = saved
    before = state(window)
    other = make_window()
    helper.open(other, folder)
    helper.idle(other)
    after = state(other)
    for key in before:
        assert after[key] == before[key], key
    assert described(other.workbench.document) == described(window.workbench.document)
    assert not other.cards.cards and other.workbench.document.is_clean
    assert before["figures"] == 5 and "All is well." in before["results"]
    assert before["viewports"]["slices"]["axial"]["slab"] == {"mode": "max", "thickness": 6.0}
    assert before["viewports"]["only"] == {"sagittal": [before["viewports"]["active"]]}


def test_forms_hold_what_was_typed_last(saved: tuple[Any, Path], make_window: Any, helper: Any) -> None:
    _, folder = saved
    other = make_window()
    helper.open(other, folder)
    helper.idle(other)
    form = other.analysis.form
    assert other.analysis.chosen == "fake.slow" and form.values()["seconds"] == 3.0
    assert form.chosen() == [other.workbench.selected]
    other.choose_analysis(other.menus.analyses["fake.everything"])
    form = other.analysis.form
    assert form.values()["level"] == 7.5 and form.values()["method"] == "exact"
    assert form.seed_value() == 9


def test_a_session_of_another_program_or_hand_breaks_no_window(
    saved: tuple[Any, Path], make_window: Any, helper: Any
) -> None:
    _, folder = saved
    tree = json.loads((folder / "session.json").read_text())
    odd: Any = [1, "x", None, {"a": [1]}, True, -3.5]
    keys = [k for k in tree["layout"] if k != "selected"]
    for n, key in enumerate(keys):
        tree["layout"][key] = odd[n % len(odd)]
    tree["layout"]["forms"] = {
        "typed": {"fake.slow": 3, "x": {"values": 1}},
        "chosen": "fake.slow",
        "inputs": [1],
    }
    tree["layout"]["panels"] = ["no.such", 5, {"a": 1}]
    (folder / "session.json").write_text(json.dumps(tree))
    other = make_window()
    helper.open(other, folder)
    helper.idle(other)
    assert helper.names(other)[:1] == ["head"] and other.analysis.chosen == "fake.slow"
    assert not other.cards.cards
    other.workbench.save_session(folder, other.layout_state())
    helper.idle(other)
