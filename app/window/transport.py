"""The thin bar under the views with which one moves in time; there only while something visible changes with time."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QSlider, QToolButton, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import label
from app.theme import Metrics, current_theme
from app.window.icons import icon
from app.window.player import MODES, SPEEDS, Player

_MODE_TIPS = {"loop": "Plays round and round", "bounce": "Plays to and fro", "once": "Plays to the end"}


class TransportBar(QFrame):
    """Step back, play, step on, a slider over all moments, the time, speed and mode."""

    def __init__(self, player: Player, key_of: Callable[[str], str], parent: QWidget | None = None) -> None:
        """`key_of` says which key a command has by now, "" for none."""
        super().__init__(parent)
        self.setProperty("role", "bar")
        self._player, self._key_of = player, key_of
        self._short = False
        self.setAccessibleName("Time")
        row = self._row = QHBoxLayout(self)
        row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)  # it gives way itself
        self.back = self._tool("step-back", "One moment back", lambda: player.step(-1))
        self.play = self._tool("play", "Play", player.toggle)
        self.forward = self._tool("step-forward", "One moment on", lambda: player.step(1))
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

    def _tool(self, name: str, title: str, action: Callable[[], object]) -> QToolButton:
        made = QToolButton()
        made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        made.setProperty("icon-name", name)
        made.setAccessibleName(title)
        made.clicked.connect(lambda _checked=False: action())
        return made

    def name_keys(self) -> None:
        """The tips name the keys as they are now."""
        for tool, command in ((self.back, "back"), (self.play, "play"), (self.forward, "on")):
            tool.setToolTip(f"{tool.accessibleName()}  {self._key_of(f'time.{command}')}".rstrip())

    def _fit(self) -> None:
        """Sizes follow the font, colours the theme."""
        m = Metrics.of(self.font())
        self._row.setContentsMargins(m.px(8), m.px(4), m.px(8), m.px(4))
        self._row.setSpacing(m.px(4))
        for tool in self.findChildren(QToolButton):
            tool.setIconSize(QSize(m.px(16), m.px(16)))
            self._draw(tool)
        self.slider.setMinimumSize(m.px(60), m.px(20))
        self.setMinimumWidth(m.px(180))
        self._size_words()

    def _draw(self, tool: QToolButton) -> None:
        """Its icon, as large as the text is."""
        name, size = str(tool.property("icon-name")), Metrics.of(self.font()).px(16)
        tool.setIcon(icon(name, current_theme().text, size))

    def _size_words(self) -> None:
        """As wide as the longest words, so that the slider stands still while time goes by."""
        line = self._player.timeline
        if line is None:
            return
        last, margin = line.count - 1, Metrics.of(self.font()).px(8)
        metrics = self.words.fontMetrics()

        def wide(words: Callable[[int], str]) -> int:
            return max(metrics.horizontalAdvance(words(n)) for n in (0, last // 2, last)) + margin

        # In a narrow window first the speed goes, then the mode, then the count; all are in the menu too.
        steps = 3 * self.back.sizeHint().width() + self.slider.minimumWidth() + 8 * margin
        room = self.width() - steps - wide(line.words)
        extra = self.mode.sizeHint().width() + margin
        self.speed.setVisible(room > extra + self.speed.sizeHint().width() + 2 * margin)
        self.mode.setVisible(room > extra)
        self._short = room < 0 and line.unit is not None
        self.words.setMinimumWidth(wide(line.time_words if self._short else line.words))
        self._say()

    def _say(self) -> None:
        line, number = self._player.timeline, self._player.number
        if line is not None:
            self.words.setText(line.time_words(number) if self._short else line.words(number))
            self.words.setToolTip(plain_tip(line.words(number)) if self._short else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._size_words()

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
        self._say()

    def _on_state(self) -> None:
        player = self._player
        playing = player.playing
        self.play.setProperty("icon-name", "pause" if playing else "play")
        self.play.setAccessibleName("Pause" if playing else "Play")
        self.name_keys()
        self.mode.setProperty("icon-name", player.mode)
        self.mode.setToolTip(_MODE_TIPS[player.mode])
        self.mode.setAccessibleName(MODES[player.mode])
        index = self.speed.findData(player.speed)
        self.speed.setCurrentIndex(index)
        self.speed.setToolTip(player.speed_tip())
        for tool in (self.play, self.mode):
            self._draw(tool)

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
