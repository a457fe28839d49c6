"""The page of an empty window: three ways to begin, samples, recent files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.forms.widgets import RowButton, button, elided, label, scrolled
from app.theme import Metrics, color, current_theme
from app.window.icons import pixmap
from app.window.kinds import KIND_WORDS, bytes_words
from app.window.start_tiles import Flow, Tile, folder_words
from app.window.workbench import SESSION, Workbench
from core.plugins import PluginHost

RESEARCH = "Research use only: not a medical device, not for diagnosis or treatment."
RECENT = 8
ICONS = {"volumes": "volume", "scans": "mesh", "checkpoints": "checkpoint", "particles": "trajectory"}
"""For samples without a picture, by the plugin that brings them."""


@dataclass(frozen=True)
class Actions:
    """What the page can have done."""

    open_files: Callable[[], object]
    open_folder: Callable[[], object]
    open_session: Callable[[], object]
    annotate: Callable[[], object]
    compare: Callable[[], object]
    why_no_annotation: Callable[[], str]
    why_no_comparison: Callable[[], str]


class StartPage(QWidget):
    """Three ways to begin, each live on a sample; then the samples, then what was open."""

    _looked = Signal(object)

    def __init__(self, workbench: Workbench, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        m = Metrics.of(self.font())
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        body = QWidget()
        self.area = scrolled(body)
        whole.addWidget(self.area)
        outer = QVBoxLayout(body)
        outer.setContentsMargins(m.px(24), m.px(24), m.px(24), m.px(16))
        outer.addStretch(2)
        middle = QWidget()
        middle.setMaximumWidth(m.px(880))
        middle.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(m.px(4))
        column.addWidget(label("Equiscope", "title"))
        words = "See, measure and use symmetry in scans, brain MRI, trained models and more."
        column.addWidget(label(words, "muted", wrap=True))
        column.addSpacing(m.px(16))

        self.ways = Flow(200, 3)
        self.open_tile = Tile(
            "Open", "Scans, surfaces, clouds, models, tables", actions.open_files, icon="folder"
        )
        self.annotate_tile = Tile(
            "Annotate",
            "Draw on a brain in four linked views",
            actions.annotate,
            picture="volumes.mni152",
            icon="markup",
            missing=actions.why_no_annotation(),
        )
        self.compare_tile = Tile(
            "Compare a model",
            "Two trained networks, tensor by tensor",
            actions.compare,
            picture="compare",
            icon="checkpoint",
            missing=actions.why_no_comparison(),
        )
        for tile in (self.open_tile, self.annotate_tile, self.compare_tile):
            self.ways.add(tile)
        column.addWidget(self.ways)
        column.addSpacing(m.px(8))
        self.drop = DropArea(actions)
        column.addWidget(self.drop)
        column.addSpacing(m.px(18))

        column.addWidget(label("Samples", "heading"))
        column.addSpacing(m.px(4))
        self.samples = Flow(132, 5)
        for sample in sorted(workbench.host.samples, key=lambda s: not s.featured):
            owner = sample.id.partition(".")[0]
            icon = ICONS.get(owner, "sample")
            self.samples.add(
                Tile(
                    sample.title,
                    "",
                    partial(workbench.open_sample, sample),
                    picture=sample.id,
                    icon=icon,
                    small=True,
                    missing=workbench.host.missing(sample),
                )
            )
        if not workbench.host.samples:
            self.samples.add(label("No plugin brings a sample.", "muted"))
        column.addWidget(self.samples)
        column.addSpacing(m.px(18))

        column.addWidget(label("Recent", "heading"))
        self._recent = QVBoxLayout()
        self._recent.setSpacing(m.px(2))
        self._rows: dict[str, RecentRow] = {}
        column.addLayout(self._recent)
        self._looked.connect(self._on_looked)
        line = QHBoxLayout()
        line.addStretch(1)
        line.addWidget(middle, 20)
        line.addStretch(1)
        outer.addLayout(line)
        outer.addStretch(3)
        outer.addSpacing(m.px(12))
        note = label(RESEARCH, "small", wrap=True)
        note.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        outer.addWidget(note)
        self._flow()
        self.refresh()

    def _flow(self) -> None:
        m = Metrics.of(self.font())
        width = min(self.width() - m.px(64), m.px(880))
        self.ways.flow(width)
        self.samples.flow(width)
        self.drop.parts.flow(width - m.px(28))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._flow()

    def relook(self) -> None:
        """After another theme, or text of another size."""
        self._flow()
        self.refresh()

    # -- recent files ----------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """List the recent files anew."""
        while self._recent.count():
            entry = self._recent.takeAt(0)
            widget = entry.widget() if entry is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self._rows = {}
        paths = self._workbench.settings.recent[:RECENT]
        for path in paths:
            kind = kind_of_path(path, self._workbench.host)
            row = RecentRow(path, kind, partial(self._workbench.open_paths, [path]))
            self._rows[path] = row
            self._recent.addWidget(row)
        if not paths:
            self._recent.addWidget(label("What you open is listed here.", "muted", wrap=True))
        else:
            # A disk that has gone may keep whoever asks it waiting.
            threading.Thread(target=self._look, args=(paths,), name="recent", daemon=True).start()

    def _look(self, paths: list[str]) -> None:
        found = {path: size_of_path(path) for path in paths}
        try:
            self._looked.emit(found)
        except RuntimeError:  # the page has gone meanwhile
            return

    def _on_looked(self, found: dict[str, int | None]) -> None:
        for path, size in found.items():
            if path in self._rows:
                self._rows[path].tell(size)


def kind_of_path(path: str, host: PluginHost) -> str:
    """What a file holds, told by its name: a kind of `core.data`, "session", or "file"."""
    name = Path(path).name
    if name.endswith(SESSION):
        return "session"
    readers = host.readers_for(name)
    return readers[0].kind if readers else "file"


def size_of_path(path: str) -> int | None:
    """Bytes of a file, 0 for a folder, None for what is not there."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return 0 if os.path.isdir(path) else found.st_size


class DropArea(QWidget):
    """Where files may be dropped (they may anywhere), and the other ways to open."""

    def __init__(self, actions: Actions) -> None:
        super().__init__()
        m = Metrics.of(self.font())
        row = QVBoxLayout(self)
        row.setContentsMargins(m.px(14), m.px(10), m.px(14), m.px(10))
        self.parts = Flow(190, 3)
        self.parts.add(label("…or drop files anywhere", "muted", wrap=True))
        self.parts.add(button("Open a folder…", actions.open_folder, "link"))
        self.parts.add(button("Open a session…", actions.open_session, "link"))
        row.addWidget(self.parts)

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = QPen(color(theme.muted))
        pen.setStyle(Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5), m.px(8), m.px(8))
        painter.end()


class RecentRow(QWidget):
    """A file's icon, name, kind, size and folder; a click opens it."""

    def __init__(self, path: str, kind: str, run: Callable[[], object]) -> None:
        super().__init__()
        m = Metrics.of(self.font())
        self._kind = KIND_WORDS.get(kind, kind)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(m.px(10))
        mark = QLabel()
        mark.setPixmap(pixmap(kind, current_theme().muted, m.px(16), self.devicePixelRatioF()))
        row.addWidget(mark)
        self.button = RowButton(Path(path).name or path, run, path)
        row.addWidget(self.button, 5)
        self.note = elided(self._kind, "small")
        row.addWidget(self.note, 2)
        row.addWidget(elided(folder_words(path), "small", Qt.TextElideMode.ElideMiddle), 4)

    def tell(self, size: int | None) -> None:
        """How large the file is; None: it is not there."""
        words = "not found" if size is None else f"{self._kind}, {bytes_words(size)}" if size else self._kind
        self.note.setText(words)
        self.button.setAccessibleName(f"{self.button.accessibleName()}, {words}")
