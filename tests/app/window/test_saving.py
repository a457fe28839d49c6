"""Where things are written: endings, questions before something is replaced, originals, whole files or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog, QWidget

from app.plots.figure import FigureView
from app.window import file_actions, saving
from app.window.exporting import free_folder
from app.window.saving import ask_save
from core.data import Table
from core.errors import WriteError
from core.exports import save_table, table_of
from core.results import Curve


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the user types into the next dialogs, and which filter she chooses."""

    def type_(path: Path | str, chosen: str = "") -> None:
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_a, **_k: (str(path), chosen))

    return type_


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Whether something may be replaced: the answer, and what was asked about."""
    made: dict[str, Any] = {"answer": False, "asked": []}

    def ask(name: str, _parent: QWidget) -> bool:
        made["asked"].append(name)
        return bool(made["answer"])

    monkeypatch.setattr(saving, "ask_to_replace", ask)
    monkeypatch.setattr(file_actions, "ask_to_replace", ask)
    return made


FILTERS, ENDINGS = ["Numbers (*.csv)", "Picture (*.png)"], [[".csv"], [".png"]]


def test_a_name_gets_its_ending_and_what_has_the_longer_name_is_asked_about(
    typed: Any, questions: dict[str, Any], tmp_path: Path, qapp: Any
) -> None:
    parent = QWidget()

    def ask() -> Any:
        return ask_save(parent, "Export", tmp_path, FILTERS, endings=ENDINGS)

    typed(tmp_path / "one", FILTERS[1])
    assert ask() == (tmp_path / "one.png", 1)
    typed(tmp_path / "one.CSV", FILTERS[1])
    assert ask() == (tmp_path / "one.CSV", 1)
    typed(tmp_path / ".png", FILTERS[1])
    assert ask() == (tmp_path / ".png.png", 1)
    assert questions["asked"] == []
    (tmp_path / "one.png").write_text("dear")
    typed(tmp_path / "one", FILTERS[1])
    assert ask() is None and questions["asked"] == ["one.png"]
    questions["answer"] = True
    assert ask() == (tmp_path / "one.png", 1)
    # The dialog itself has asked about a name that was typed as it is.
    typed(tmp_path / "one.png")
    assert ask() == (tmp_path / "one.png", 0) and questions["asked"] == ["one.png"] * 2
    typed("")  # cancelled
    assert ask() is None
    parent.deleteLater()


def test_an_original_is_never_written_to(
    window: Any, files: dict[str, Path], helper: Any, typed: Any, tmp_path: Path
) -> None:
    helper.open(window, files["mesh"])
    before = files["mesh"].read_bytes()
    link = tmp_path / "link.ply"
    link.symlink_to(files["mesh"])
    for path in (files["mesh"], link):
        typed(path)
        window.commands["file.export"].trigger()
        helper.idle(window)
        assert files["mesh"].read_bytes() == before
        (card,) = window.cards.cards
        assert "original is never written to" in card.problem.text
        window.cards.clear()
    typed(tmp_path / "copy", "PLY (*.ply)")
    window.commands["file.export"].trigger()
    helper.idle(window)
    assert (tmp_path / "copy.ply").stat().st_size > 50 and not window.cards.cards


def test_another_session_is_not_replaced_unasked(
    window: Any, files: dict[str, Path], helper: Any, typed: Any, questions: dict[str, Any], tmp_path: Path
) -> None:
    helper.open(window, files["mesh"])
    mine, other = tmp_path / "mine.equiscope", tmp_path / "other.equiscope"
    typed(other)
    window.commands["file.save-as"].trigger()
    helper.idle(window)
    kept = (other / "session.json").read_bytes()
    typed(mine)
    window.commands["file.save-as"].trigger()
    helper.idle(window)
    assert questions["asked"] == [] and window.workbench.folder == mine
    helper.open(window, files["table"])
    typed(tmp_path / "other")  # without its ending
    window.commands["file.save-as"].trigger()
    helper.idle(window)
    assert questions["asked"] == ["other.equiscope"] and (other / "session.json").read_bytes() == kept
    typed(mine)  # its own
    window.commands["file.save-as"].trigger()
    helper.idle(window)
    assert questions["asked"] == ["other.equiscope"]
    questions["answer"] = True
    typed(other)
    window.commands["file.save-as"].trigger()
    helper.idle(window)
    assert (other / "session.json").read_bytes() != kept


def test_results_are_exported_beside_earlier_ones(tmp_path: Path) -> None:
    wanted = tmp_path / "Distance_of_a"
    assert free_folder(wanted) == wanted
    wanted.mkdir()
    (tmp_path / "Distance_of_a-2").mkdir()
    assert free_folder(wanted) == tmp_path / "Distance_of_a-3"


def test_a_table_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    save_table(Table({"a": np.array([1.5, 2.0]), "b": np.array(["x", "y"])}), path)
    assert path.read_text().splitlines() == ["a\tb", "1.5\tx", "2.0\ty"]
    with pytest.raises(ValueError, match="shorter"):
        save_table(_Uneven(), path)  # type: ignore[arg-type]
    assert path.read_text().splitlines()[1] == "1.5\tx" and [p.name for p in tmp_path.iterdir()] == ["t.tsv"]
    with pytest.raises(WriteError, match="choose another folder"):
        save_table(Table({"a": np.arange(2)}), tmp_path / "nowhere" / "t.csv")


class _Uneven:
    columns = {"a": np.arange(3), "b": np.arange(2)}
    units: dict[str, str] = {}


def test_the_numbers_of_a_curve_hold_its_errors() -> None:
    x = np.arange(3.0)
    table = table_of(Curve("C", x, {"one": x}, ys_error={"one": x / 10}, y_unit="mm"))
    assert table is not None and list(table.columns) == ["x", "one", "one, error"]
    assert table.columns["one, error"].tolist() == [0.0, 0.1, 0.2] and table.units["one, error"] == "mm"


def test_a_plot_that_cannot_be_written_leaves_what_was_there(tmp_path: Path, qtbot: Any) -> None:
    x = np.arange(3.0)
    view = FigureView(Curve("C", x, {"one": x}))
    qtbot.addWidget(view)
    view.resize(400, 300)
    view.show()
    folder = tmp_path / "closed"
    folder.mkdir()
    for kind, save in (("png", view.save_png), ("svg", view.save_svg)):
        path = folder / f"plot.{kind}"
        assert save(path) and path.stat().st_size > 500
        assert sorted(p.name for p in folder.iterdir() if p.suffix == f".{kind}") == [path.name]
        assert not save(folder / "nowhere" / f"plot.{kind}")
