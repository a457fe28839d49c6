"""One field a parameter: shows its value, reads it back, says what is wrong with it."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.forms.numbers import number_words
from app.forms.slider import BoundedSlider, slides
from app.forms.tips import plain_tip
from app.forms.widgets import Choice, NumberEdit, button, label
from app.theme import Metrics, restyle
from core.analyses import Parameter, ParameterError, checked

EMPTY = "automatic"


class ParameterField(QWidget):
    """A field of a form. `changed` is emitted whenever the user changes it, also to something wrong."""

    changed = Signal()

    def __init__(self, parameter: Parameter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parameter = parameter
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(Metrics.of(self.font()).px(2))
        self.reason = label("", "bad", wrap=True)
        self.reason.hide()
        self.editors: list[QWidget] = []
        self._build()
        self._column.addWidget(self.reason)
        for editor in self.editors:
            editor.setAccessibleName(parameter.label)
            editor.setToolTip(parameter.help)
            editor.setWhatsThis(what_is(parameter))
        self.setAccessibleName(parameter.label)
        self.setFocusProxy(self.editors[0])
        if not parameter.required:
            self.set_value(parameter.default)

    def _build(self) -> None:
        raise NotImplementedError

    def _read(self) -> Any:
        """The value as typed. Raises `ValueError` with the reason."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a plain value."""
        raise NotImplementedError

    def value(self) -> Any:
        """The checked plain value.

        Raises
        ------
        ParameterError : it does not do; the reason stands below the field already.
        """
        try:
            value = checked(self.parameter, self._read())
        except ParameterError as error:
            self._show(error.reason)
            raise
        except ValueError as error:
            self._show(str(error))
            raise ParameterError(self.parameter.name, str(error)) from None
        self._show("")
        return value

    def reset(self) -> None:
        """Back to the default."""
        self.set_value(self.parameter.default)
        self._show("")

    def _show(self, reason: str) -> None:
        self.reason.setText(f"{self.parameter.label} {reason}" if reason else "")
        self.reason.setVisible(bool(reason))
        for editor in self.editors:
            if isinstance(editor, QLineEdit) and bool(editor.property("invalid")) != bool(reason):
                editor.setProperty("invalid", bool(reason))
                restyle(editor)


class BoolField(ParameterField):
    """A check box; with a third entry where None is allowed it is a choice."""

    def _build(self) -> None:
        self.box = QCheckBox()
        self.box.setTristate(self.parameter.optional)
        self.box.toggled.connect(lambda _on: self.changed.emit())
        self._column.addWidget(self.box)
        self.editors = [self.box]

    def _read(self) -> bool | None:
        from PySide6.QtCore import Qt

        state = self.box.checkState()
        return None if state is Qt.CheckState.PartiallyChecked else state is Qt.CheckState.Checked

    def set_value(self, value: Any) -> None:
        from PySide6.QtCore import Qt

        if value is not None and not isinstance(value, bool):
            raise TypeError("is neither true nor false")
        states = Qt.CheckState
        self.box.setCheckState(
            states.PartiallyChecked if value is None else states.Checked if value else states.Unchecked
        )


class NumberField(ParameterField):
    """A number with its unit, and a slider beside it where both bounds are known and near enough to each other."""

    slider: BoundedSlider | None = None

    def _build(self) -> None:
        p = self.parameter
        self.edit = NumberEdit(
            integer=p.type == "int",
            unit=p.unit,
            optional=p.optional,
            empty=EMPTY,
            minimum=p.minimum,
            maximum=p.maximum,
            step=p.step,
        )
        self.edit.changed.connect(self._on_edit)
        self.editors = [self.edit]
        if not slides(p):
            self._column.addWidget(self.edit)
            return
        assert p.minimum is not None and p.maximum is not None
        self.slider = BoundedSlider(p.minimum, p.maximum, p.step, integer=p.type == "int")
        self.slider.moved.connect(self._on_slider)
        row = QHBoxLayout()
        row.setSpacing(Metrics.of(self.font()).px(8))
        row.addWidget(self.edit, 5)
        row.addWidget(self.slider, 4)
        self._column.addLayout(row)
        self.editors.append(self.slider)

    def _on_edit(self) -> None:
        if self.slider is not None:
            with contextlib.suppress(ValueError):
                self.slider.show_value(self.edit.value())
        self.changed.emit()

    def _on_slider(self, value: float) -> None:
        self.edit.set_value(value)
        self.changed.emit()

    def _read(self) -> Any:
        return self.edit.value()

    def set_value(self, value: Any) -> None:
        if isinstance(value, (bool, str)):
            raise TypeError("is no number")
        self.edit.set_value(value)
        if self.slider is not None:
            self.slider.show_value(value)


class VectorField(ParameterField):
    """A few numbers side by side."""

    def _build(self) -> None:
        p = self.parameter
        row = QHBoxLayout()
        row.setSpacing(Metrics.of(self.font()).px(4))
        self.edits = [
            NumberEdit(optional=p.optional, empty="", minimum=p.minimum, maximum=p.maximum, step=p.step)
            for _ in range(p.length)
        ]
        for edit in self.edits:
            edit.changed.connect(self.changed)
            row.addWidget(edit)
        self._column.addLayout(row)
        self.editors = list(self.edits)

    def _read(self) -> Any:
        values = [edit.value() for edit in self.edits]
        if all(v is None for v in values):
            return None
        if any(v is None for v in values):
            raise ValueError(f"needs {len(values)} numbers, or none")
        return [float(v) for v in values if v is not None]

    def set_value(self, value: Any) -> None:
        for edit, entry in zip(self.edits, value or [None] * len(self.edits), strict=True):
            edit.set_value(entry)


class ChoiceField(ParameterField):
    """One of a few; "automatic" stands for None."""

    def _build(self) -> None:
        self.box = Choice()
        self._values: list[Any] = (
            [None, *self.parameter.choices] if self.parameter.optional else [*self.parameter.choices]
        )
        for value in self._values:
            self.box.addItem(EMPTY if value is None else str(value).replace("_", " "))
        self.box.currentIndexChanged.connect(lambda _index: self.changed.emit())
        self._column.addWidget(self.box)
        self.editors = [self.box]

    def _read(self) -> Any:
        return self._values[self.box.currentIndex()]

    def set_value(self, value: Any) -> None:
        if value in self._values:
            self.box.setCurrentIndex(self._values.index(value))
        elif value is not None:
            raise ValueError("is not among the choices")


class TextField(ParameterField):
    """A line of text."""

    def _build(self) -> None:
        self.edit = QLineEdit()
        if self.parameter.optional:
            self.edit.setPlaceholderText(EMPTY)
        self.edit.textEdited.connect(lambda _text: self.changed.emit())
        self._column.addWidget(self.edit)
        self.editors = [self.edit]

    def _read(self) -> Any:
        text = self.edit.text()
        if not text and self.parameter.optional:
            return None
        if not text and self.parameter.required:
            raise ValueError("needs a path" if self.parameter.type == "path" else "needs a text")
        return text

    def set_value(self, value: Any) -> None:
        self.edit.setText("" if value is None else str(value))


class PathField(TextField):
    """The path of a file or a folder, typed or chosen; the whole of it is the tooltip."""

    def _build(self) -> None:
        super()._build()
        self._column.removeWidget(self.edit)
        row = QHBoxLayout()
        row.setSpacing(Metrics.of(self.font()).px(4))
        row.addWidget(self.edit)
        what = "folder" if self.parameter.folder else "file"
        browse = button("…", self._browse, "square", f"Choose a {what}")
        browse.setAccessibleName(f"Choose a {what} for {self.parameter.label}")
        self.edit.textChanged.connect(
            lambda text: self.edit.setToolTip(plain_tip(text or self.parameter.help))
        )
        row.addWidget(browse)
        self._column.insertLayout(0, row)

    def _browse(self) -> None:
        title, start = self.parameter.label, str(Path(self.edit.text()).parent)
        if self.parameter.folder:
            path = QFileDialog.getExistingDirectory(self, title, self.edit.text() or start)
        else:
            path, _ = QFileDialog.getOpenFileName(self, title, start)
        if path:
            self.edit.setText(path)
            self.changed.emit()


def what_is(p: Parameter) -> str:
    """A parameter in words, for What's This: its help, bounds, unit and default."""
    parts = [p.label, p.help]
    unit = f" {p.unit}" if p.unit else ""
    if p.minimum is not None and p.maximum is not None:
        parts.append(f"From {number_words(p.minimum)} to {number_words(p.maximum)}{unit}.")
    elif p.minimum is not None:
        parts.append(f"At least {number_words(p.minimum)}{unit}.")
    elif p.maximum is not None:
        parts.append(f"At most {number_words(p.maximum)}{unit}.")
    if not p.required:
        known = p.default is not None
        default = number_words(p.default) if isinstance(p.default, (int, float)) else str(p.default)
        parts.append(f"Default: {default + unit if known else EMPTY}.")
    return "\n".join(part for part in parts if part)


_FIELDS: dict[str, type[ParameterField]] = {
    "bool": BoolField,
    "int": NumberField,
    "float": NumberField,
    "str": TextField,
    "choice": ChoiceField,
    "vector": VectorField,
    "path": PathField,
}


def make_field(parameter: Parameter, parent: QWidget | None = None) -> ParameterField:
    """The field for a parameter's type."""
    return _FIELDS[parameter.type](parameter, parent)
