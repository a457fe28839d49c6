"""The thin bar under the views with which one moves in time; there only while something visible changes with time."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QSlider, QToolButton, QWidget

from app.forms.widgets import label
from app.theme import Metrics, current_theme
from app.window.icons import icon
from app.window.player import MODES, SPEEDS, Player

_MODE_TIPS = {"loop": "Plays round and round", "bounce": "Plays to and fro", "once": "Plays to the end"}


class TransportBar(QFrame):
    """Step back, play, step on, a slider over all moments, the time, speed and mode."""

    def __init__(self, player: Player, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._player = player
        self.setAccessibleName("Time")
        row = self._row = QHBoxLayout(self)
        self.back = self._tool("step-back", "One moment back  ,", lambda: player.step(-1))
        self.play = self._tool("play", "Play  K", player.toggle)
        self.forward = self._tool("step-forward", "One moment on  .", lambda: player.step(1))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Moment")
        self.slider.valueChanged.connect(self._on_value)
        self.slider.sliderPressed.connect(self._on_pressed)
        self.slider.sliderReleased.connect(self._on_released)
        self.words = label("")
        self.words.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        for speed in SPEEDS:
            self.speed.addItem(f"{speed:g}×", speed)
        self.speed.activated.connect(lambda _index: player.set_speed(self.speed.currentData()))
        self.mode = self._tool("loop", "", self._next_mode)
        for widget in (self.back, self.play, self.forward):
            row.addWidget(widget)
        row.addWidget(self.slider, 1)
        row.addWidget(self.words)
        row.addSpacing(Metrics.of(self.font()).px(8))
        row.addWidget(self.speed)
        row.addWidget(self.mode)
        player.timeline_changed.connect(self._on_timeline)
        player.moved.connect(self._on_moved)
        player.state_changed.connect(self._on_state)
        self._fit()
        self._on_timeline()

    def _tool(self, name: str, tip: str, action: object) -> QToolButton:
        made = QToolButton()
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setProperty("icon-name", name)
        made.setToolTip(tip)
        made.setAccessibleName(tip.partition("  ")[0])
        made.clicked.connect(lambda _checked=False: action())  # type: ignore[operator]
        return made

    def _fit(self) -> None:
        """Sizes follow the font, colours the theme."""
        m = Metrics.of(self.font())
        self._row.setContentsMargins(m.px(8), m.px(4), m.px(8), m.px(4))
        self._row.setSpacing(m.px(4))
        for tool in self.findChildren(QToolButton):
            tool.setIconSize(QSize(m.px(16), m.px(16)))
            tool.setIcon(icon(str(tool.property("icon-name")), current_theme().text))
        self._size_words()

    def _size_words(self) -> None:
        """As wide as the longest words, so that the slider stands still while time goes by."""
        line = self._player.timeline
        if line is not None:
            last = line.count - 1
            metrics = self.words.fontMetrics()
            wide = max(metrics.horizontalAdvance(line.words(n)) for n in (0, last // 2, last))
            self.words.setMinimumWidth(wide + Metrics.of(self.font()).px(8))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange) and hasattr(self, "mode"):
            self._fit()

    # -- from the player -------------------------------------------------------------------------------------

    def _on_timeline(self) -> None:
        line = self._player.timeline
        if line is None:
            return
        self.slider.blockSignals(True)
        self.slider.setRange(0, line.count - 1)
        self.slider.setPageStep(max(1, line.count // 10))
        self.slider.blockSignals(False)
        self._size_words()
        self._on_moved(self._player.number)
        self._on_state()

    def _on_moved(self, number: int) -> None:
        if not self.slider.isSliderDown():
            self.slider.blockSignals(True)
            self.slider.setValue(number)
            self.slider.blockSignals(False)
        self.words.setText(self._player.words)

    def _on_state(self) -> None:
        player = self._player
        playing = player.playing
        self.play.setProperty("icon-name", "pause" if playing else "play")
        self.play.setToolTip("Pause  K" if playing else "Play  K")
        self.play.setAccessibleName("Pause" if playing else "Play")
        self.mode.setProperty("icon-name", player.mode)
        self.mode.setToolTip(_MODE_TIPS[player.mode])
        self.mode.setAccessibleName(MODES[player.mode])
        index = self.speed.findData(player.speed)
        self.speed.setCurrentIndex(index)
        self.speed.setToolTip(player.speed_tip())
        for tool in (self.play, self.mode):
            tool.setIcon(icon(str(tool.property("icon-name")), current_theme().text))

    # -- from the hand ---------------------------------------------------------------------------------------

    def _on_pressed(self) -> None:
        self._player.pause_quietly()

    def _on_value(self, number: int) -> None:
        self._player.seek(number)
        if self.slider.isSliderDown():
            self._player.hold()

    def _on_released(self) -> None:
        self._player.settle()

    def _next_mode(self) -> None:
        names = list(MODES)
        self._player.set_mode(names[(names.index(self._player.mode) + 1) % len(names)])
