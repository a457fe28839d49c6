"""Asking before a user's model runs: the dialog, its three answers, and the list of what is trusted."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from app.window.preferences import PreferencesDialog
from app.window.trust_dialog import TrustDialog
from core.bridge import Reference, inspect
from core.trust import TrustStore


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A module that leaves a mark when any of it runs."""
    folder = tmp_path / "her models"
    folder.mkdir()
    path = folder / "net.py"
    path.write_text(
        f"open({str(tmp_path / 'mark')!r}, 'a').write('x')\n"
        "def outward(x):\n    return x - x.mean(axis=0)\n"
        "def broken(x):\n    raise ValueError('no')\n"
    )
    return path


@pytest.fixture
def marks(tmp_path: Path) -> Callable[[], int]:
    """How often the module was run."""
    return lambda: len((tmp_path / "mark").read_text()) if (tmp_path / "mark").exists() else 0


@pytest.fixture
def start(window: Any, files: dict[str, Path], helper: Any, model: Path) -> Callable[..., None]:
    """Fills the form and presses Run."""
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)

    def run(function: str = "outward") -> None:
        window.commands["analyse.equivariance.predict"].trigger()
        form = window.analysis.form
        edit = form.fields["model"].edit
        edit.setFocus()
        edit.selectAll()
        QTest.keyClicks(edit, f"{model}:{function}")
        QTest.mouseClick(form.run_button, Qt.MouseButton.LeftButton)
        helper.idle(window)

    return run


@pytest.fixture
def click(window: Any, helper: Any) -> Callable[[Any], None]:
    """Presses a button and waits for what it starts."""

    def press(button: Any) -> None:
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        helper.idle(window)

    return press


def dialogs(window: Any) -> list[TrustDialog]:
    return [d for d in window.findChildren(TrustDialog) if d.isVisible()]


def words(dialog: TrustDialog) -> str:
    shown = [w.text().replace("\u200b", "") for w in dialog.findChildren(QLabel) if not w.isHidden()]
    return "\n".join(shown)


def predictions(window: Any) -> list[Any]:
    return [i for i in window.workbench.document if i.name.startswith("Prediction")]


def test_the_question_says_what_from_where_and_with_what(
    window: Any,
    click: Callable[[Any], None],
    start: Callable[..., None],
    model: Path,
    marks: Callable[[], int],
) -> None:
    start()
    (dialog,) = dialogs(window)
    version = inspect(Reference(f"{model}:outward")).version
    text = words(dialog)
    assert "Run net.py:outward?" in text and str(model.parent) in text and "Equiscope's own Python" in text
    assert "can read, change and delete what you can, and use the network" in text
    assert version.hash[:16] in text and version.hash in dialog.hash.toolTip()
    assert dialog.files.isHidden()
    click(dialog.files_button)
    assert not dialog.files.isHidden() and "net.py" in dialog.files.toPlainText()
    assert marks() == 0 and not window.cards.cards
    assert not [t for t in window.workbench.tasks if t.shown and "Run a model" in t.title]


@pytest.mark.parametrize("how", ["return", "escape", "button", "session"])
def test_cancel_is_the_default_and_runs_nothing(
    window: Any, click: Callable[[Any], None], start: Callable[..., None], marks: Callable[[], int], how: str
) -> None:
    start()
    (dialog,) = dialogs(window)
    assert dialog.focusWidget() is dialog.cancel_button and dialog.cancel_button.isDefault()
    if how == "return":
        QTest.keyClick(dialog, Qt.Key.Key_Return)
    elif how == "escape":
        QTest.keyClick(dialog, Qt.Key.Key_Escape)
    elif how == "button":
        click(dialog.cancel_button)
    else:
        window.workbench.new_session()
    assert not dialogs(window) and marks() == 0 and not predictions(window) and TrustStore().all() == []
    if how != "session":
        start()
        assert len(dialogs(window)) == 1


def test_once_is_once(
    window: Any, click: Callable[[Any], None], start: Callable[..., None], marks: Callable[[], int]
) -> None:
    start()
    click(dialogs(window)[0].once_button)
    assert marks() == 1 and len(predictions(window)) == 1
    (layer,) = predictions(window)
    assert layer.display.glyph == "prediction"
    assert TrustStore().all() == []
    window.commands["edit.undo"].trigger()
    assert not predictions(window)
    start()
    assert len(dialogs(window)) == 1 and marks() == 1


def test_trusted_is_not_asked_about_until_it_changes(
    window: Any,
    click: Callable[[Any], None],
    start: Callable[..., None],
    model: Path,
    marks: Callable[[], int],
) -> None:
    start()
    click(dialogs(window)[0].trust_button)
    start()
    assert not dialogs(window) and marks() == 2
    (model.parent / "util.py").write_text("")
    model.write_text(model.read_text() + "# changed\n")
    start()
    (dialog,) = dialogs(window)
    assert "You trusted another version of it on" in words(dialog)
    assert "net.py changed; util.py added." in words(dialog) and marks() == 2
    dialog.close()


def test_two_runs_that_wait_share_one_answer(
    window: Any, click: Callable[[Any], None], start: Callable[..., None], marks: Callable[[], int]
) -> None:
    start()
    start()
    (dialog,) = dialogs(window)
    click(dialog.once_button)
    assert marks() == 2 and not dialogs(window)


def test_a_model_that_fails_is_a_card(
    window: Any, click: Callable[[Any], None], start: Callable[..., None]
) -> None:
    start("broken")
    click(dialogs(window)[0].once_button)
    (card,) = window.cards.cards
    assert card.problem.text == "The model raised ValueError: no (net.py, line 5)."


def test_what_was_run_on_is_closed_meanwhile(
    window: Any, click: Callable[[Any], None], start: Callable[..., None], marks: Callable[[], int]
) -> None:
    start()
    (dialog,) = dialogs(window)
    window.workbench.document.remove(*[i.id for i in window.workbench.document])
    click(dialog.trust_button)
    assert marks() == 0 and "no longer open" in window.cards.cards[-1].problem.text


def test_the_list_of_trusted_models_forgets(
    window: Any, click: Callable[[Any], None], start: Callable[..., None], model: Path, tmp_path: Path
) -> None:
    window.commands["edit.trusted-models"].trigger()
    (preferences,) = window.findChildren(PreferencesDialog)
    page = preferences.trusted
    assert page.isVisible() and page.tree.isHidden() and page.none.isVisible()
    for function in ("outward", "broken"):
        TrustStore().add(inspect(Reference(f"{model}:{function}")).version)
    preferences.show_page("Trusted models")
    assert page.tree.topLevelItemCount() == 2 and not page.forget_button.isEnabled()
    row = page.tree.topLevelItem(0)
    assert str(model.parent) in row.text(3) and "SHA-256" in row.toolTip(0)
    page.tree.setCurrentItem(row)
    title = row.text(0)
    click(page.forget_button)
    assert [v.title for v in TrustStore().all()] == [
        t for t in ("net.py:outward", "net.py:broken") if t != title
    ]
    click(page.all_button)
    assert TrustStore().all() == [] and page.tree.isHidden()
    preferences.close()
    start()
    assert len(dialogs(window)) == 1


def test_a_list_that_cannot_be_kept_runs_once_and_says_so(
    window: Any,
    click: Callable[[Any], None],
    start: Callable[..., None],
    marks: Callable[[], int],
    tmp_path: Path,
) -> None:
    start()
    folder = TrustStore().folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("no folder")
    click(dialogs(window)[0].trust_button)
    assert marks() == 1 and "runs this once" in window.cards.cards[-1].problem.text


def test_a_dropped_program_is_told_apart_and_may_be_run_from_its_card(
    window: Any, files: dict[str, Path], helper: Any, tmp_path: Path
) -> None:
    path, mark = tmp_path / "script.pt", tmp_path / "ran"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("script/code/__torch__/net.py", f"open({str(mark)!r}, 'w')")
        archive.writestr("script/constants.pkl", f"cposix\nsystem\n(S'touch {mark}'\ntR.")
        archive.writestr("script/data.pkl", f"cposix\nsystem\n(S'touch {mark}'\ntR.")
    helper.open(window, files["mesh"], path)
    window.workbench.load_descriptions()
    helper.idle(window)
    (card,) = window.cards.cards
    assert "holds code (a TorchScript program for __torch__.net), which was not run" in card.problem.text
    (choose,) = [b for b in card.findChildren(QPushButton) if b.text().startswith("Run it")]
    QTest.mouseClick(choose, Qt.MouseButton.LeftButton)
    form = window.analysis.form
    assert form.description.id == "equivariance.predict" and form.fields["model"].value() == str(path)
    assert form.chosen() and form.run_button.isEnabled()
    QTest.mouseClick(form.run_button, Qt.MouseButton.LeftButton)
    helper.idle(window)
    (dialog,) = dialogs(window)
    assert "Run script.pt?" in words(dialog) and not mark.exists()
    dialog.close()
    assert not mark.exists()


def test_a_dropped_module_is_never_run(
    window: Any, helper: Any, model: Path, marks: Callable[[], int]
) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(model))])
    event = QDropEvent(
        QPointF(100, 100),
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    window.dropEvent(event)
    helper.idle(window)
    assert window.cards.cards and marks() == 0 and not dialogs(window)
