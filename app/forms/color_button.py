"""A colour to choose: a swatch that opens the colour dialog."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget

from app.theme import Metrics

Color = tuple[float, float, float]


class ColorButton(QPushButton):
    """Shows a colour; a click opens the dialog, whose every move is told live and taken back by Cancel."""

    chosen = Signal(object, str)
    """(red, green, blue) from 0 to 1, and a key that all moves in one dialog share."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self._color: Color = (0.0, 0.0, 0.0)
        self._opened = 0
        self.dialog: Any = None
        self.setAccessibleName(name)
        self.setToolTip("Choose a colour")
        self.clicked.connect(lambda _checked=False: self.open_dialog())

    @property
    def color(self) -> Color:
        """What is shown."""
        return self._color

    def set_color(self, color: Color) -> None:
        """Show a colour; emits nothing."""
        self._color = (float(color[0]), float(color[1]), float(color[2]))
        shade = self._shade()
        m = Metrics.of(self.font())
        size = QSize(m.px(28), m.px(14))
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(size.width() * ratio), round(size.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setPen(QColor(128, 128, 128))
        painter.setBrush(shade)
        painter.drawRoundedRect(0, 0, size.width() - 1, size.height() - 1, m.px(3), m.px(3))
        painter.end()
        self.setIcon(QIcon(pixmap))
        self.setIconSize(size)
        self.setText(shade.name().upper())
        self.setAccessibleDescription(shade.name())

    def open_dialog(self) -> None:
        """Not modal: the picture behind it can be turned meanwhile."""
        if self.dialog is not None:
            self.dialog.raise_()
            return
        from PySide6.QtWidgets import QColorDialog

        before = self._color
        self._opened += 1
        key = f"color:{id(self)}:{self._opened}"
        dialog = self.dialog = QColorDialog(self._shade(), self)
        dialog.setOption(QColorDialog.ColorDialogOption.DontUseNativeDialog)
        dialog.setWindowTitle(self._name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.currentColorChanged.connect(lambda color: self._tell(color.getRgbF()[:3], key))
        dialog.rejected.connect(lambda: self._tell(before, key))
        dialog.finished.connect(self._closed)
        dialog.show()

    def _closed(self, _result: int) -> None:
        self.dialog = None

    def _tell(self, color: Any, key: str) -> None:
        # Four digits say more than 255 steps and read well in a file.
        rounded = (round(float(color[0]), 4), round(float(color[1]), 4), round(float(color[2]), 4))
        if rounded != self._color:
            self.set_color(rounded)
            self.chosen.emit(rounded, key)

    def _shade(self) -> QColor:
        return QColor.fromRgbF(*(min(max(c, 0.0), 1.0) for c in self._color))
