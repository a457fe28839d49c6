"""The console: the session in it, output and faults in it, nothing that ends the window; not in safe mode."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.theme import DARK, LIGHT, color


@pytest.fixture
def console(window: Any) -> Any:
    assert window.console.repl is None, "made when it is first shown"
    window.commands["panel.console"].trigger()
    return window.console


def type_line(console: Any, qtbot: Any, text: str) -> str:
    """Type a line; what has been printed since."""
    before = len(console.repl.output.toPlainText())
    qtbot.keyClicks(console.repl.input, text)
    qtbot.keyClick(console.repl.input, Qt.Key.Key_Return)
    assert console.repl.input.isEnabled()
    return console.repl.output.toPlainText()[before:]


def test_the_session_is_in_it(
    window: Any, console: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    assert "window's thread" in console.repl.output.toPlainText()
    assert type_line(console, qtbot, "len(document)").splitlines()[-1] == "0"
    type_line(console, qtbot, f"open({str(files['mesh'])!r})")
    helper.idle(window)
    assert "mesh" in type_line(console, qtbot, "items()") and "tetra" in console.repl.output.toPlainText()
    assert "tetra" in type_line(console, qtbot, "selected.name")
    assert type_line(console, qtbot, "float(selected.data.points.sum())").splitlines()[-1] == "3.0"
    type_line(console, qtbot, "document.rename(selected.id, 'shape')")
    assert window.workbench.current.name == "shape"
    window.items.undo()
    assert window.workbench.current.name == "tetra", "an edit like any other"
    window.new_session()
    assert type_line(console, qtbot, "len(document)").splitlines()[-1] == "0", "the document of now"
    assert "_" not in sys.modules["builtins"].__dict__


def test_run_goes_to_the_runner_and_names_what_is_wrong(
    window: Any, fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any, qtbot: Any
) -> None:
    window = make_window()
    helper.open(window, files["mesh"])
    window.commands["panel.console"].trigger()
    console = window.console
    assert "being loaded" in type_line(console, qtbot, "run('fake.everything', 'tetra')")
    helper.idle(window)
    type_line(console, qtbot, "r = run('fake.everything', 'tetra', rounds=2, seed=5)")
    helper.idle(window)
    assert window.workbench.current.record["parameters"]["rounds"] == 2
    assert window.workbench.current.record["seed"] == 5
    assert "Everything of tetra: done" in type_line(console, qtbot, "r")
    assert "at most 10" in type_line(console, qtbot, "run('fake.everything', 'tetra', rounds=99)")
    assert "no analysis 'nothing'" in type_line(console, qtbot, "run('nothing')")
    assert "'gone' is not open" in type_line(console, qtbot, "show('gone')")
    type_line(console, qtbot, "show('tetra')")
    assert window.workbench.current.name == "tetra"


def test_what_breaks_is_shown_and_nothing_ends(window: Any, console: Any, qtbot: Any) -> None:
    said = type_line(console, qtbot, "1/0")
    assert "ZeroDivisionError" in said and "repl_widget" not in said
    assert "SyntaxError" in type_line(console, qtbot, "def :")
    assert "the console stays" in type_line(console, qtbot, "exit()")
    assert "the console stays" in type_line(console, qtbot, "raise SystemExit(3)")
    assert "KeyboardInterrupt" in type_line(console, qtbot, "raise KeyboardInterrupt")
    assert "EOFError" in type_line(console, qtbot, "input()")
    assert window.isVisible() and not window.cards.cards
    assert type_line(console, qtbot, "print('still there')").splitlines()[-1] == "still there"


def test_blocks_history_paste_and_escape(window: Any, console: Any, qtbot: Any, make_window: Any) -> None:
    type_line(console, qtbot, "for n in range(2):")
    assert console.repl.input.placeholderText() == "... "
    type_line(console, qtbot, "    print('n is', n)")
    assert "n is 1" in type_line(console, qtbot, "")
    type_line(console, qtbot, "if True:")
    qtbot.keyClick(console.repl.input, Qt.Key.Key_Escape)
    assert console.repl.input.placeholderText() == ">>> " and console.isVisible()
    QGuiApplication.clipboard().setText("a = 5\ndef f(x):\n    return x + a\n\nprint(f(1))\n")
    qtbot.keyClick(console.repl.input, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert console.repl.output.toPlainText().rstrip().splitlines()[-1] == "6"
    type_line(console, qtbot, "b = 7")
    qtbot.keyClick(console.repl.input, Qt.Key.Key_Up)
    assert console.repl.input.text() == "b = 7"
    window.console.stop()
    other = make_window()
    other.commands["panel.console"].trigger()
    assert other.console.repl.input.history[1] == "b = 7"


def test_it_follows_theme_and_text_size(window: Any, console: Any, qtbot: Any) -> None:
    type_line(console, qtbot, "print('words')")
    before = console.repl.output.font().pixelSize()
    window.view.set_theme("light")
    window.view.set_text_scale(2.0)
    window.view.settle()
    assert console.repl.output.font().pixelSize() == 2 * before
    assert console.repl.output.grab().toImage().pixelColor(4, 4) == color(LIGHT.field)
    window.view.set_text_scale(1.0)
    window.view.set_theme("dark")
    window.view.settle()
    assert console.repl.output.grab().toImage().pixelColor(4, 4) == color(DARK.field)


def test_safe_mode_has_no_console_and_says_so(make_window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EQUISCOPE_SAFE", "1")
    window = make_window()
    assert window.console is None and "console" not in window.docks
    assert not window.commands["panel.console"].isEnabled()
    assert window.commands["panel.console"].toolTip() == "Not in safe mode"
    assert "Safe mode" in window.centre.banner.findChildren(object)[-1].text()
    assert window.centre.banner.isVisible()
