"""The fields of the display panel: each shows one property of a display and writes it back as an edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QSlider, QWidget

from app.forms.gestures import drag, steps
from app.forms.widgets import FieldGrid, NumberEdit
from app.window.workbench import Workbench
from core.document import Item

MAPS = ("viridis", "cividis", "magma", "inferno", "plasma", "gray", "bone", "coolwarm")


def map_names() -> tuple[str, ...]:
    """The colour maps that viewports know."""
    try:
        from app.viewports.colors import COLORMAPS
    except ImportError:
        return MAPS
    return tuple(COLORMAPS)


def map_choices() -> dict[str, str]:
    """The same for a choice."""
    return {n: n.capitalize() for n in map_names()}


class DisplayFields:
    """The fields that were made for the current item, by the name of the property that each shows.

    A module of this package adds what a kind of display has with `add_…`, or puts a widget of its own into `grid`
    or `wide` and its filling into `fillers`, which are called with the item after every change.
    """

    def __init__(self, workbench: Workbench) -> None:
        self.workbench = workbench
        self.fields: dict[str, QWidget] = {}
        self.fillers: list[Any] = []
        self.grid = FieldGrid(share=(5, 6))
        self.request: Callable[[str], object] = lambda _analysis: None
        """Opens the form of an analysis by its id; the window says how."""

    def start(self) -> None:
        """Begin anew, for another item."""
        self.fields = {}
        self.fillers = []
        self.grid = FieldGrid(share=(5, 6))

    @property
    def item(self) -> Item | None:
        """The item whose display is shown."""
        return self.workbench.current

    def apply(self, gesture: str = "", **fields: Any) -> None:
        """Change the display of the current item, as one edit; those of one `gesture` merge."""
        item = self.item
        if item is not None:
            self.workbench.document.set_display(item.id, replace(item.display, **fields), gesture)  # type: ignore[arg-type]

    def add_wide(self, widget: QWidget) -> None:
        """A widget over both columns."""
        self.grid.add_wide(widget)

    def add_number(self, name: str, text: str, **options: Any) -> NumberEdit:
        """A number of the display; with `optional` an empty field means None. Options as for `NumberEdit`."""
        edit = NumberEdit(**options)

        def commit() -> None:
            try:
                value = edit.value()
            except ValueError:
                edit.set_invalid(True)
                return
            outside = value is not None and (
                (edit.minimum is not None and value < edit.minimum)
                or (edit.maximum is not None and value > edit.maximum)
            )
            edit.set_invalid(outside)
            item = self.item
            if item is None or outside:
                return
            # What is shown is rounded; writing it back untouched must not change anything.
            before = getattr(item.display, name)
            if value is None and before is None:
                return
            if value is not None and before is not None and f"{float(value):.7g}" == f"{float(before):.7g}":
                return
            self.apply(gesture=f"{name}-field", **{name: None if value is None else float(value)})

        edit.committed.connect(commit)
        self.fields[name] = edit
        self.grid.add(text, edit)
        return edit

    def add_choice(self, name: str, text: str, choices: dict[str, str]) -> QComboBox:
        """One of a few: value -> words."""
        box = QComboBox()
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        box.setMinimumContentsLength(6)
        for value, words in choices.items():
            box.addItem(words, value)
        box.activated.connect(lambda _index: self.apply(**{name: box.currentData()}))
        self.fields[name] = box
        self.grid.add(text, box)
        return box

    def add_check(self, name: str, text: str) -> QCheckBox:
        """A yes or no."""
        box = QCheckBox()
        box.clicked.connect(lambda on: self.apply("", **{name: bool(on)}))
        self.fields[name] = box
        self.grid.add(text, box)
        return box

    def add_opacity(self) -> None:
        """What all spatial things have; a drag is one edit."""
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        self.follow(slider, lambda value, gesture: self.apply(gesture, opacity=value / 100))
        self.fields["opacity"] = slider
        self.grid.add("Opacity", slider)

    @staticmethod
    def follow(slider: QSlider, change: Callable[[int, str], object]) -> None:
        """Call `change(value, gesture)` for every value of a slider: a drag is one gesture, so are quick steps."""
        held = [steps("slider")]
        slider.sliderPressed.connect(lambda: held.__setitem__(0, drag("slider")))
        slider.sliderReleased.connect(lambda: held.__setitem__(0, steps("slider")))
        slider.valueChanged.connect(lambda value: change(value, held[0]))

    def show_row(self, name: str | QWidget, shown: bool) -> None:
        """Show or hide a field and its label: what says nothing about this item is not there."""
        field = self.fields[name] if isinstance(name, str) else name
        field.setVisible(shown)
        for label in self.grid.findChildren(QLabel):
            if label.buddy() is field:
                label.setVisible(shown)

    # -- filling ---------------------------------------------------------------------------------------------

    def fill(self, item: Item) -> None:
        """Show what the display says now."""
        display: Any = item.display
        for name, field in self.fields.items():
            if not hasattr(display, name):
                continue  # a part that fills itself
            field.blockSignals(True)
            if isinstance(field, QSlider):
                value = getattr(display, name)
                field.setValue(round(value * 100) if name == "opacity" else int(value))
            elif isinstance(field, QCheckBox):
                field.setChecked(bool(getattr(display, name)))
            elif isinstance(field, QComboBox):
                field.setCurrentIndex(max(0, field.findData(getattr(display, name))))
            elif isinstance(field, NumberEdit) and not field.hasFocus():
                field.set_value(getattr(display, name))
                field.set_invalid(False)
            field.blockSignals(False)
        for filler in self.fillers:
            filler(item)
