"""The row above the slices while two volumes are mixed: which, how, how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QSizePolicy, QSlider, QToolButton, QWidget

from app.forms.tips import plain_tip
from app.forms.widgets import NumberEdit, button, label
from app.theme import Metrics
from app.window.compare_strip import Strip
from app.window.kinds import told_apart

if TYPE_CHECKING:
    from app.window.mixing import Mixing

STEPS = 100


class MixStrip(Strip):
    """Made with the first mix."""

    def __init__(self, mixing: Mixing, parent: QWidget | None = None) -> None:
        super().__init__("Mix of two volumes", parent)
        from app.viewports.mixing import MATCHES, MODES

        self._mixing = mixing
        m = Metrics.of(self.font())
        self.mode = QComboBox()
        self.mode.setAccessibleName("How two volumes are mixed")
        for value, words in MODES.items():
            self.mode.addItem(words, value)
        self.mode.activated.connect(lambda _index: mixing.change(mode=self.mode.currentData()))
        self.add(self.mode)
        self.first, self.second = self._volumes("A"), self._volumes("B")
        self.swap: QPushButton = button("Swap", mixing.swap, "quiet", "Exchange A and B")
        self.add(self.swap)
        self.gap(8)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(10)
        self.slider.setMinimumWidth(m.px(130))
        self.slider.valueChanged.connect(lambda value: mixing.change(amount=value / STEPS))
        self.add(self.slider)
        self.percent = label("", "small")
        self.percent.setMinimumWidth(self.percent.fontMetrics().horizontalAdvance("100 % "))
        self.add(self.percent)
        self.upright: QToolButton = self.switch("Upright", "The edge is a vertical line", "Upright edge")
        self.upright.clicked.connect(lambda on: mixing.change(upright=bool(on)))
        self.tile_words = self._words("Squares")
        self.tile = self._number("Edge of a square", minimum=0.1, maximum=1e4)
        self.tile.committed.connect(lambda: self._commit(self.tile, "tile"))
        self.match_words = self._words("Intensities")
        self.match = QComboBox()
        self.match.setAccessibleName("What makes the intensities of B those of A")
        for value, words in MATCHES.items():
            self.match.addItem(words if value != "none" else "As they are", value)
        self.match.activated.connect(lambda _index: mixing.change(match=self.match.currentData()))
        self.add(self.match)
        self.limit_words = self._words("Colours to ±")
        self.limit = self._number(
            "Difference with the strongest colour", minimum=1e-12, optional=True, empty="auto"
        )
        self.limit.committed.connect(lambda: self._commit(self.limit, "limit"))
        self.end: QPushButton = button("End", mixing.end, "quiet", "Show the volumes over each other again")
        self.end_with(self.end)

    def _words(self, text: str) -> QLabel:
        made = label(text, "muted")
        self.add(made)
        return made

    def _number(self, name: str, **options: Any) -> NumberEdit:
        made = NumberEdit(**options)
        made.setAccessibleName(name)
        made.setMinimumWidth(Metrics.of(self.font()).px(64))
        made.setMaximumWidth(Metrics.of(self.font()).px(96))
        self.add(made)
        return made

    def _volumes(self, letter: str) -> QComboBox:
        self.add(label(letter, "muted"))
        box = QComboBox()
        box.setAccessibleName(f"Volume {letter}")
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(7)
        box.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        key = "first" if letter == "A" else "second"
        box.activated.connect(lambda _index: self._mixing.choose(key, box.currentData()))
        self.add(box)
        return box

    def _commit(self, edit: NumberEdit, name: str) -> None:
        try:
            value = edit.value()
        except ValueError:
            edit.set_invalid(True)
            return
        wrong = value is not None and not value > 0
        edit.set_invalid(wrong)
        if not wrong:
            self._mixing.change(**{name: None if value is None else float(value)})

    def refresh(self) -> None:
        """Show how it is."""
        mix = self._mixing.mix
        if mix is None:
            return
        for box, chosen in ((self.first, mix.first), (self.second, mix.second)):
            names = told_apart(self._mixing.volumes())
            if {box.itemData(n): box.itemText(n) for n in range(box.count())} != names:
                box.clear()
                for id, name in names.items():
                    box.addItem(name, id)
            box.setCurrentIndex(max(0, box.findData(chosen)))
            box.setToolTip(plain_tip(box.currentText()))
        self.mode.setCurrentIndex(self.mode.findData(mix.mode))
        blends, curtain = mix.mode == "blend", mix.mode == "curtain"
        self.slider.setVisible(blends or curtain)
        self.percent.setVisible(blends or curtain)
        self.slider.setAccessibleName("Share of B" if blends else "Where the edge is")
        self.slider.setToolTip("How much of B is in it" if blends else "A before the edge, B beyond")
        self.slider.blockSignals(True)
        self.slider.setValue(round(mix.amount * STEPS))
        self.slider.blockSignals(False)
        self.percent.setText(f"{round(100 * mix.amount)} %")
        self.upright.setVisible(curtain)
        self.upright.setChecked(mix.upright)
        for widget in (self.tile, self.tile_words):
            widget.setVisible(mix.mode == "checker")
        parts: tuple[QWidget, ...] = (self.match, self.match_words, self.limit, self.limit_words)
        for part in parts:
            part.setVisible(mix.mode == "difference")
        self.match.setCurrentIndex(self.match.findData(mix.match))
        if self.tile.unit != self._mixing.unit:
            self.tile.unit = self._mixing.unit
        for edit, value in ((self.tile, mix.tile), (self.limit, mix.limit)):
            if not edit.hasFocus():
                edit.set_value(value)
                edit.set_invalid(False)
        self.arrange()
