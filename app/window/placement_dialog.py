"""Moving an item by hand: numbers to type or to step, each change an edit."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtWidgets import QWidget

from app.forms.widgets import FieldGrid, NumberEdit, label
from app.window.dialogs import Dialog
from app.window.placing import matrix_from, parts_of
from app.window.workbench import Workbench
from core.document import Item

AXES = {"RAS": ("R", "A", "S"), "": ("x", "y", "z")}


class PlacementDialog(Dialog):
    """Stays open beside the views; follows undo and closes with its item."""

    def __init__(self, workbench: Workbench, item: Item, parent: QWidget) -> None:
        super().__init__(f"Move {item.name}", parent, 380)
        from app.viewports.state import SceneItem, box_of

        self._workbench, self.item_id = workbench, item.id
        box = box_of(SceneItem(item.id, item.name, item.data, np.eye(4), item.display))
        self._centre = box.mean(axis=1)
        unit = getattr(item.data, "unit", "")
        names = AXES["RAS" if getattr(item.data, "space", "") == "RAS" else ""]
        size = float((box[:, 1] - box[:, 0]).max()) or 1.0
        step = 1.0 if unit == "mm" else 10.0 ** np.floor(np.log10(size / 50))
        fields = FieldGrid()
        self.shifts = [NumberEdit(unit=unit, step=step) for _ in range(3)]
        self.turns = [NumberEdit(unit="°", step=1.0) for _ in range(3)]
        for name, edit in zip(names, self.shifts, strict=True):
            fields.add(f"Shift along {name}", edit)
        for name, edit in zip(names, self.turns, strict=True):
            fields.add(f"Turn about {name}", edit)
        for edit in (*self.shifts, *self.turns):
            edit.committed.connect(self._commit)
        self.column.addWidget(fields)
        self.note = label("", "small", wrap=True)
        self.column.addWidget(self.note)
        words = "About the object's middle; Up and Down step. The file is not changed."
        self.column.addWidget(label(words, "muted", wrap=True))
        self.finish(("Reset", self._reset))
        workbench.changed.connect(self._fill)
        self._fill()
        self.shifts[0].setFocus()

    def _fill(self, _change: Any = None) -> None:
        item = self._workbench.document.get(self.item_id)
        if item is None:
            self.close()
            return
        shift, angles, rest = parts_of(item.transform, self._centre)
        for edit, value in zip((*self.shifts, *self.turns), (*shift, *angles), strict=True):
            edit.set_value(float(f"{value:.10g}") + 0.0 if abs(value) > 1e-9 else 0.0)
            edit.set_invalid(False)
        rigid = np.abs(rest - np.eye(3)).max() < 1e-9
        self.note.setVisible(not rigid)
        if not rigid:
            self.note.setText("It is also stretched or mirrored; that stays as it is.")

    def _commit(self) -> None:
        item = self._workbench.document.get(self.item_id)
        if item is None:
            return
        values = []
        for edit in (*self.shifts, *self.turns):
            try:
                value = edit.value()
            except ValueError:
                edit.set_invalid(True)
                return
            if value is None or not np.isfinite(value):
                edit.set_invalid(True)
                return
            edit.set_invalid(False)
            values.append(float(value))
        shift, angles, rest = parts_of(item.transform, self._centre)
        # Shown are ten digits; writing back what nobody touched must not change anything.
        before = np.array([*shift, *angles])
        wanted = np.where(np.abs(np.array(values) - before) < 1e-6, before, values)
        if np.array_equal(wanted, before):
            return
        matrix = matrix_from(wanted[:3], wanted[3:], rest, self._centre)
        self._workbench.document.set_transform(self.item_id, matrix, "placement")

    def _reset(self) -> None:
        item = self._workbench.document.get(self.item_id)
        if item is not None and not np.array_equal(item.transform, np.eye(4)):
            self._workbench.document.set_transform(self.item_id, np.eye(4))
