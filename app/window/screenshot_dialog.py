"""The dialog of File > Screenshot…: which part, how large, with which words; save it or copy it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QWidget

from app.forms.widgets import FieldGrid, button, label
from app.window.dialogs import Dialog
from app.window.pictures import VIEW, VIEWS, WINDOW, Wish
from app.window.saving import ask_save

if TYPE_CHECKING:
    from app.viewports.photographer import Look
    from app.window.main_window import MainWindow

SCALES = (1.0, 2.0, 4.0)


class LookFields:
    """The fields that say how a picture is made; for screenshots and movies."""

    def __init__(self, window: MainWindow, scales: tuple[float, ...], scale: float) -> None:
        from app.viewports.overlay import PARTS
        from app.viewports.photographer import BACKGROUNDS

        self._settings = window.workbench.settings
        self.grid = FieldGrid(share=(2, 5))
        self.what = QComboBox()
        self.scale = QComboBox()
        for s in scales:
            self.scale.addItem(f"{s:g}×", s)
        self.scale.setCurrentIndex(max(0, self.scale.findData(self._settings.get("picture-scale", scale))))
        self.background = QComboBox()
        for key, words in BACKGROUNDS.items():
            self.background.addItem(words, key)
        self.background.setCurrentIndex(
            max(0, self.background.findData(self._settings.get("picture-background", "theme")))
        )
        hidden = self._settings.get("picture-without", [])
        self.parts: dict[str, QCheckBox] = {}
        for key, words in PARTS.items():
            self.parts[key] = QCheckBox(words)
            self.parts[key].setChecked(key not in (hidden if isinstance(hidden, list) else []))

    def fill_views(self, window: MainWindow, *, whole: bool) -> None:
        """The choice of what is in the picture; the view that had the keyboard last comes first."""
        grid = window.centre.shown_grid
        if grid is None:
            self.what.addItem("What is shown", (VIEWS, ""))
        else:
            current, shown = grid.current_view.slot, grid.shown_slots
            for slot in (current, *(s for s in shown if s != current)):
                title = grid.views[slot].resolved().title.partition(" · ")[0]
                number = slot.partition("-")[2]
                words = f"{title} {number}" if number else title
                self.what.addItem(f"This view: {words}" if slot == current else words, (VIEW, slot))
            if len(shown) > 1:
                self.what.addItem("All views", (VIEWS, ""))
                self.what.setCurrentIndex(self.what.count() - 1)
        if whole:
            self.what.addItem("The whole window", (WINDOW, ""))

    def look(self) -> Look:
        """What is chosen."""
        from app.viewports.photographer import Look as Made

        parts = frozenset(k for k, box in self.parts.items() if box.isChecked())
        return Made(self.scale.currentData(), parts, self.background.currentData())

    def remember(self) -> None:
        """For the next time."""
        self._settings.set("picture-scale", self.scale.currentData())
        self._settings.set("picture-background", self.background.currentData())
        self._settings.set("picture-without", [k for k, box in self.parts.items() if not box.isChecked()])

    def add_parts(self) -> None:
        """The words over a picture, one below the other beside their name."""
        for number, box in enumerate(self.parts.values()):
            self.grid.add("With" if not number else "", box)


class ScreenshotDialog(Dialog):
    """See the module."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__("Screenshot", window, 420)
        self._window = window
        self.fields = fields = LookFields(window, SCALES, 2.0)
        fields.fill_views(window, whole=True)
        fields.grid.add("Picture of", fields.what)
        fields.grid.add("Scale", fields.scale)
        if window.centre.shown_grid is not None:
            fields.grid.add("3-D background", fields.background)
            fields.add_parts()
        self.column.addWidget(fields.grid)
        self.note = label("", "small", wrap=True)
        self.column.addWidget(self.note)
        for box in (fields.what, fields.scale, fields.background):
            box.currentIndexChanged.connect(lambda _index: self._refresh())
        row = QHBoxLayout()
        row.addWidget(button("Copy", self.copy))
        row.addStretch(1)
        row.addWidget(button("Cancel", self.close))
        self.save_button = button("Save…", self.save, "primary")
        self.save_button.setDefault(True)
        row.addWidget(self.save_button)
        self.column.addLayout(row)
        self.ensurePolished()
        for child in self.findChildren(QWidget):
            child.ensurePolished()
        self._refresh()
        self.column.activate()
        self.resize(self._width, self.column.totalHeightForWidth(self._width))

    def wish(self) -> Wish:
        """What is chosen."""
        what, slot = self.fields.what.currentData()
        return Wish(what, self.fields.look(), slot)

    def copy(self) -> None:
        """To the clipboard."""

        def done(picture: QImage) -> None:
            QGuiApplication.clipboard().setImage(picture)
            self._window.workbench.message.emit("Screenshot copied")

        self._take(done)

    def save(self) -> None:
        """Ask for a path and write a PNG."""
        settings = self._window.workbench.settings
        start = settings.folder("picture-folder", "export-folder") / "equiscope.png"
        chosen = ask_save(self, "Save screenshot", start, ["Picture (*.png)"], endings=[[".png"]])
        if chosen is None or self._window.centre.exports.refuses(chosen[0]):
            return
        target = chosen[0]
        settings.set("picture-folder", str(target.parent))
        pictures = self._window.pictures
        self._take(lambda picture: pictures.save(picture, target))

    def _take(self, done: Callable[[QImage], None]) -> None:
        wish = self.wish()
        self.fields.remember()
        pictures = self._window.pictures
        self.close()
        pictures.take(wish, done)

    def _refresh(self) -> None:
        from app.viewports.photographer import LARGEST

        size: QSize = self._window.pictures.size(self.wish())
        large = max(size.width(), size.height()) > LARGEST
        self.note.setText(
            f"{size.width()} × {size.height()} pixels"
            + (": too large; choose a smaller scale" if large else "")
        )
        self.save_button.setEnabled(not large)
