"""The tiles of the start page: a picture or an icon, a title, a line about it; each is one button."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from pathlib import Path

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPixmap
from PySide6.QtWidgets import QGridLayout, QPushButton, QSizePolicy, QWidget

from app.theme import Metrics, color, current_theme
from app.window.icons import pixmap


@lru_cache(maxsize=64)
def thumbnail(id: str) -> QPixmap | None:
    """The small picture of a sample, None where it has none."""
    try:
        data = (resources.files("resources") / "thumbnails" / f"{id}.png").read_bytes()
    except OSError:
        return None
    picture = QPixmap()
    return picture if picture.loadFromData(data) else None


class Tile(QPushButton):
    """A button with a picture above its words, drawn in the theme's colours.

    Parameters
    ----------
    picture : a name of `thumbnail`; where there is none, `icon` stands in a plain field.
    note : what cannot be used says why here (`missing`), and is grey.
    """

    def __init__(
        self,
        title: str,
        note: str,
        clicked: Callable[[], object],
        *,
        picture: str = "",
        icon: str = "file",
        small: bool = False,
        missing: str = "",
    ) -> None:
        super().__init__()
        self._title, self._note = title, missing or note
        self._picture, self._icon, self._small = picture, icon, small
        self._measured: dict[tuple[int, str], tuple[QRect, QRect]] = {}
        self.setAccessibleName(title)
        self.setAccessibleDescription(self._note)
        self.setToolTip(missing)
        self.setEnabled(not missing)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.clicked.connect(lambda _checked=False: clicked())

    # -- sizes -----------------------------------------------------------------------------------------------

    def _bold(self) -> QFont:
        font = QFont(self.font())
        if not self._small:
            font.setWeight(QFont.Weight.DemiBold)
        return font

    def _fine(self) -> QFont:
        font = QFont(self.font())
        font.setPixelSize(Metrics.of(self.font()).small)
        return font

    def _picture_height(self, width: int) -> int:
        m = Metrics.of(self.font())
        return min(round(width * 0.5), m.px(84 if self._small else 112))

    def _words(self, width: int) -> tuple[QRect, QRect]:
        """Where title and note go below the picture."""
        # A layout asks ten times in a row, and again for each change of style, also on a hidden page.
        key = (width, self.font().key())
        if key not in self._measured:
            if len(self._measured) > 16:
                self._measured.clear()
            self._measured[key] = self._measure(width)
        return self._measured[key]

    def _measure(self, width: int) -> tuple[QRect, QRect]:
        m = Metrics.of(self.font())
        inner, top = width - 2 * m.px(12), self._picture_height(width) + m.px(10)
        wrap = int(Qt.TextFlag.TextWordWrap)
        title = QFontMetrics(self._bold()).boundingRect(QRect(0, 0, inner, 10_000), wrap, self._title)
        first = QRect(m.px(12), top, inner, title.height())
        height = 0
        if self._note:
            note = QFontMetrics(self._fine()).boundingRect(QRect(0, 0, inner, 10_000), wrap, self._note)
            height = note.height()
        return first, QRect(m.px(12), first.bottom() + 1 + (m.px(3) if height else 0), inner, height)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._words(width)[1].bottom() + 1 + Metrics.of(self.font()).px(11)

    def sizeHint(self) -> QSize:
        width = Metrics.of(self.font()).px(150 if self._small else 220)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(Metrics.of(self.font()).px(110), Metrics.of(self.font()).px(80))

    # -- drawing ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        usable = self.isEnabled()
        frame = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(frame, m.px(8), m.px(8))
        pressed = self.isDown()
        under = usable and (self.underMouse() or pressed)
        painter.fillPath(outline, color(theme.hover if under else theme.field))
        picture = QRect(0, 0, self.width(), self._picture_height(self.width()))
        painter.save()
        painter.setClipPath(outline)
        self._paint_picture(painter, picture, usable)
        painter.restore()
        painter.setPen(color(theme.line))
        painter.drawLine(picture.bottomLeft(), picture.bottomRight())
        title, note = self._words(self.width())
        wrap = int(Qt.TextFlag.TextWordWrap)
        painter.setFont(self._bold())
        painter.setPen(color(theme.text if usable else theme.muted))
        painter.drawText(title, wrap, self._title)
        painter.setFont(self._fine())
        painter.setPen(color(theme.muted))
        painter.drawText(note, wrap, self._note)
        if self.hasFocus():
            painter.setPen(color(theme.accent))
            painter.drawPath(outline)
            inner = QPainterPath()
            inner.addRoundedRect(frame.adjusted(1, 1, -1, -1), m.px(7), m.px(7))
            painter.drawPath(inner)
        else:
            painter.setPen(color(theme.muted if under else theme.line))
            painter.drawPath(outline)
        painter.end()

    def _paint_picture(self, painter: QPainter, area: QRect, usable: bool) -> None:
        theme, m = current_theme(), Metrics.of(self.font())
        shown = thumbnail(self._picture) if self._picture else None
        if shown is None:
            painter.fillRect(area, color(theme.panel))
            side = min(m.px(36), area.height() // 2)
            mark = pixmap(self._icon, theme.accent if usable else theme.muted, side, self.devicePixelRatioF())
            painter.drawPixmap(area.center().x() - side // 2, area.center().y() - side // 2, mark)
            return
        painter.setOpacity(1.0 if usable else 0.4)
        # The whole width; what is too high is cut above and below alike.
        scale = max(area.width() / shown.width(), area.height() / shown.height())
        width, height = area.width() / scale, area.height() / scale
        source = QRectF((shown.width() - width) / 2, (shown.height() - height) / 2, width, height)
        painter.drawPixmap(QRectF(area), shown, source)


class Flow(QWidget):
    """Widgets in rows, as many beside each other as have `least` design pixels (never more than `most`)."""

    def __init__(self, least: int, most: int, spacing: int = 12) -> None:
        super().__init__()
        self._least, self._most, self._spacing = least, most, spacing
        self.columns = 0
        self.widgets: list[QWidget] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(Metrics.of(self.font()).px(spacing))

    def add(self, widget: QWidget) -> None:
        """Append a widget."""
        self.widgets.append(widget)
        self.columns = 0

    def flow(self, width: int) -> None:
        """Place the widgets for a width."""
        gap = Metrics.of(self.font()).px(self._spacing)
        least = Metrics.of(self.font()).px(self._least)
        columns = max(1, min(self._most, (width + gap) // (least + gap)))
        if columns == self.columns:
            return
        for place in range(self._grid.columnCount()):
            self._grid.setColumnStretch(place, 0)
        self.columns = columns
        for n, widget in enumerate(self.widgets):
            self._grid.addWidget(widget, n // columns, n % columns, Qt.AlignmentFlag.AlignTop)
        for place in range(columns):
            self._grid.setColumnStretch(place, 1)


def folder_words(path: str) -> str:
    """The folder of a file, with "~" for one's own."""
    folder, home = str(Path(path).parent), str(Path.home())
    if folder == home:
        return "~"
    return "~" + folder[len(home) :] if folder.startswith(home + "/") else folder
