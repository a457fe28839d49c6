"""A folder full of files made to hurt, dropped on a window with work in it: cards, and nothing else happens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import Qt as Gui

from app.forms.tips import plain_tip
from app.window.cards import MOST
from tests.app.window.test_open import drop
from tests.files.seeds import every

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and links of POSIX")
MARKUP = "<b>bold<img src=x>&amp;\n\u202e.csv"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first half of every format, traps of the file system, and one sound file with a wicked name."""
    folder = tmp_path_factory.mktemp("study")
    for seed in every():
        content = seed.files.get(seed.main)
        if content is not None and "." in seed.target:
            name = seed.main.rpartition("/")[2]
            (folder / f"{seed.id.replace('/', '-')}-{name}").write_bytes(content[: len(content) // 2])
    (folder / "nested.gltf").write_bytes(b'{"asset":' + b"[" * 100_000)
    (folder / "laughs.graphml").write_text('<!DOCTYPE a [<!ENTITY b "c">]><graphml/>')
    (folder / "huge.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n"
    )
    os.mkfifo(folder / "pipe.nii")
    (folder / "zero.nii").symlink_to("/dev/zero")
    (folder / "circle.nii").symlink_to("circle.nii")
    (folder / "up").symlink_to(folder.parent, target_is_directory=True)
    (folder / MARKUP).write_text("<i>a</i>,b\n<b>1</b>,2\n3,4\n")
    return folder


def test_a_hostile_folder_leaves_the_session_alone(
    worker_window: Any, files: dict[str, Path], helper: Any, broken: Path, qtbot: Any
) -> None:
    window = worker_window
    helper.open(window, files["mesh"])
    (item,) = list(window.workbench.document)
    said: list[Any] = []
    show = window.cards.show_problem
    window.cards.show_problem = lambda problem: (said.append(problem), show(problem))[1]
    beats: set[int] = set()
    timer = QTimer(window)
    timer.timeout.connect(lambda: beats.add(len(said)))
    timer.start(0)
    drop(window, broken)
    helper.idle(window, timeout=240_000)
    timer.stop()
    assert len(beats) > 5  # the window went on living between one refusal and the next
    # What was open is as it was, and can still be worked with.
    kept = next(iter(window.workbench.document))
    assert kept.id == item.id and kept.data is item.data and kept.display == item.display
    # Causes are cards, never more than fit; each is one line of plain text that names its file.
    texts = [p.text for p in said]
    assert len(texts) > 40 and 1 <= len(window.cards.cards) <= MOST
    assert all(t.isprintable() and len(t) < 700 for t in texts)
    assert not any("internal error" in t or "crashed" in t or "killed" in t for t in texts), texts
    for card in window.cards.cards:
        assert card.text.textFormat() is Qt.TextFormat.PlainText
    named = [
        t for t in texts if "pipe.nii" in t or "nested.gltf" in t or "laughs.graphml" in t or "huge.ply" in t
    ]
    assert len(named) >= 3
    # The sound file with the wicked name is there, spelt out and on one line.
    name = next(n for n in helper.names(window) if "bold" in n)
    assert name.isprintable() and name.startswith("<b>bold<img src=x>&amp;\\n")
    row = next(r for r in window.data.tree._rows.values() if r.text(0) == name)
    assert not Gui.mightBeRichText(row.toolTip(0)) or "&lt;b&gt;" in row.toolTip(0)  # type: ignore[attr-defined]
    # Everything that came can be undone, down to the first step, and the window still opens files.
    while window.workbench.document.undo_label:
        window.workbench.document.undo()
    assert list(window.workbench.document) == []
    helper.open(window, files["table"])
    assert helper.names(window) == ["numbers"]


def test_the_same_broken_file_twice_is_one_card(window: Any, helper: Any, tmp_path: Path) -> None:
    path = tmp_path / "a<b>x.ply"
    path.write_bytes(b"ply\nformat ascii 1.0\n")
    for _ in range(2):
        helper.open(window, path)
    (card,) = window.cards.cards
    assert card.count == 2 and "a<b>x.ply" in card.text.text()


def test_tooltips_spell_markup_out(window: Any, helper: Any, tmp_path: Path) -> None:
    assert plain_tip("a < b & c") == "a < b & c"
    assert plain_tip("<b>x</b>") == '<p style="white-space: pre-wrap">&lt;b&gt;x&lt;/b&gt;</p>'
    path = tmp_path / "<b>t.csv"
    path.write_text('"<img src=x>",b\n<b>1</b>,2\n3,4\n')
    helper.open(window, path)
    model = window.centre.stack.currentWidget().model
    tips = [
        model.headerData(0, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole),
        model.data(model.index(0, 0), Qt.ItemDataRole.ToolTipRole),
        next(iter(window.data.tree._rows.values())).toolTip(0),
        *(a.toolTip() for a in window.menus.recent.actions() if "t.csv" in a.text()),
    ]
    assert len(tips) == 4
    assert all("<b>" not in t and "<img" not in t for t in tips)
