"""Where items lie: turned and shifted by hand, aligned by a result, put back. Always by edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject

from app.window.kinds import is_spatial
from core.data import Transform
from core.document import Edit, Item, SetDisplay, SetTransform, Several

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

Array = Any


def parts_of(matrix: Array, centre: Array) -> tuple[Array, Array, Array]:
    """(shift, angles, rest) of an item's transform about its centre.

    The item is stretched or mirrored by `rest` (3, 3), turned about x, then y, then z (of the world, degrees) and its
    centre shifted. A rigid motion has the identity as its rest.
    """
    matrix, centre = np.asarray(matrix, dtype=float), np.asarray(centre, dtype=float)
    u, values, v = np.linalg.svd(matrix[:3, :3])
    mirrored = np.sign(np.linalg.det(u @ v))
    rotation = mirrored * (u @ v)
    rest = mirrored * (v.T @ np.diag(values) @ v)
    shift = matrix[:3, :3] @ centre + matrix[:3, 3] - centre
    return shift, _angles(rotation), rest


def matrix_from(shift: Array, angles: Array, rest: Array, centre: Array) -> Array:
    """(4, 4): the inverse of `parts_of`."""
    out = np.eye(4)
    out[:3, :3] = _rotation(angles) @ np.asarray(rest)
    out[:3, 3] = np.asarray(centre) + shift - out[:3, :3] @ np.asarray(centre)
    return out


def _rotation(angles: Array) -> Array:
    a, b, c = np.radians(np.asarray(angles, dtype=float))
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


def _angles(r: Array) -> Array:
    sine = float(np.clip(-r[2, 0], -1.0, 1.0))
    if abs(sine) > 1 - 1e-12:  # x and z turn about the same axis: all of it is said to be z's
        return np.degrees([0.0, np.arcsin(sine), np.arctan2(-r[0, 1], r[1, 1])])
    return np.degrees([np.arctan2(r[2, 1], r[2, 2]), np.arcsin(sine), np.arctan2(r[1, 0], r[0, 0])])


class Placing(QObject):
    """The commands; the dialog that nudges is made when it is first wanted."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._workbench = window.workbench

    def why_not(self) -> str:
        """Why the selected item cannot be moved, "" if it can."""
        item = self._workbench.current
        if item is None:
            return "select an item first"
        return "" if is_spatial(item) else "it has no place in space"

    def why_no_reset(self) -> str:
        """Why there is nothing to put back."""
        item = self._workbench.current
        if item is not None and is_spatial(item) and np.array_equal(item.transform, np.eye(4)):
            return "it lies where its file says"
        return self.why_not()

    def ask(self) -> None:
        """Move the selected item by hand."""
        from app.window.placement_dialog import PlacementDialog

        item = self._workbench.current
        if item is None or not is_spatial(item):
            return
        # One for each item: two would show the same numbers.
        found = [
            d for d in self._window.findChildren(PlacementDialog) if d.item_id == item.id and d.isVisible()
        ]
        dialog = found[0] if found else PlacementDialog(self._workbench, item, self._window)
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def reset(self) -> None:
        """Put the selected item back to where its file says."""
        item = self._workbench.current
        if item is not None and not self.why_no_reset():
            self._workbench.document.set_transform(item.id, np.eye(4))

    # -- the result of an alignment ----------------------------------------------------------------------------

    def _alignment(self) -> tuple[Item, Item, Transform, Item] | None:
        """(the item that stays, the one that moves, how, the result's group) of the selected result."""
        document, item = self._workbench.document, self._workbench.current
        group = item
        while group is not None and (group.data is not None or group.record is None):
            group = document.get(group.parent) if group.parent else None
        if item is None or group is None:
            return None
        own = item.data if isinstance(item.data, Transform) else None
        found = own or next(
            (c.data for c in document.children(group.id) if isinstance(c.data, Transform)), None
        )
        inputs = [document.get(i) for i in group.metadata.get("inputs", []) if isinstance(i, str)]
        if found is None or len(inputs) != 2 or inputs[0] is None or inputs[1] is None:
            return None
        return inputs[0], inputs[1], found, group

    def why_no_alignment(self) -> str:
        """Why there is no alignment to apply."""
        return "" if self._alignment() is not None else "select the result of an alignment first"

    def apply_alignment(self) -> None:
        """Move the item that was aligned; its moved copy among the results is hidden. One edit."""
        found = self._alignment()
        if found is None:
            return
        fixed, moving, transform, group = found
        document = self._workbench.document
        # What was found maps the moving item, as the fixed one saw it during the run, onto the fixed one.
        places = [np.asarray(p, dtype=float) for p in group.metadata.get("places", ())]
        then = places if len(places) == 2 and all(p.shape == (4, 4) for p in places) else [np.eye(4)] * 2
        seen = np.linalg.solve(then[0], then[1])
        matrix = np.asarray(fixed.transform) @ np.asarray(transform.matrix) @ seen
        edits: list[Edit] = [SetTransform(moving.id, moving.transform, matrix)]
        edits += [
            SetDisplay(c.id, c.display, replace(c.display, visible=False))
            for c in document.children(group.id)
            if type(c.data) is type(moving.data) and c.display.visible
        ]
        if not moving.display.visible:  # hidden in favour of the copy that is hidden now
            edits.append(SetDisplay(moving.id, moving.display, replace(moving.display, visible=True)))
        document.apply(Several(tuple(edits), f"Align {moving.name}"))
        self._workbench.message.emit(f"{moving.name} lies on {fixed.name} now; undo takes it back.")
