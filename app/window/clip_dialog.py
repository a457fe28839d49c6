"""The clip plane of a 3-D view in numbers; every change shows at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QDialog, QDialogButtonBox, QHBoxLayout, QVBoxLayout, QWidget

from app.forms.widgets import FieldGrid, NumberEdit, button, label
from app.theme import Metrics

if TYPE_CHECKING:
    from app.window.menus.scene import Scene

_FOLLOWS = {
    "": "Nothing",
    "axial": "The axial slice",
    "coronal": "The coronal slice",
    "sagittal": "The sagittal slice",
}


class ClipDialog(QDialog):
    """Stays open beside the view it is about: the 3-D view that was used last."""

    def __init__(self, scene: Scene, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Clip plane")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._scene = scene
        self._window = parent
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(m.px(16), m.px(16), m.px(16), m.px(16))
        column.setSpacing(m.px(12))
        words = "What lies before the plane is cut away. Drag its disc in the view to move it, its tip to tilt it."
        column.addWidget(label(words, "muted", wrap=True))
        grid = FieldGrid(share=(2, 3))
        self.follow = QComboBox()
        for value, text in _FOLLOWS.items():
            self.follow.addItem(text, value)
        self.follow.activated.connect(lambda _index: self._choose())
        grid.add("Follows", self.follow)
        self.numbers: dict[str, list[NumberEdit]] = {}
        shown = scene.view()
        unit = getattr(shown.resolved(), "unit", "") if shown is not None else ""
        for key, text in (("origin", "Through"), ("normal", "Cuts away towards")):
            row = QWidget()
            line = QHBoxLayout(row)
            line.setContentsMargins(0, 0, 0, 0)
            line.setSpacing(m.px(4))
            self.numbers[key] = []
            for axis in "xyz":
                edit = NumberEdit(step=1.0 if key == "origin" else 0.1)
                edit.setAccessibleName(f"{text} {axis}")
                edit.committed.connect(self._commit)
                line.addWidget(edit)
                self.numbers[key].append(edit)
            grid.add(f"{text} ({unit})" if unit and key == "origin" else text, row)
        column.addWidget(grid)
        self.error = label("", "bad", wrap=True)
        column.addWidget(self.error)
        buttons = QDialogButtonBox()
        self.flip = button("Cut the other side", self._flip)
        self.off = button("Remove the plane", self._remove)
        buttons.addButton(self.flip, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.addButton(self.off, QDialogButtonBox.ButtonRole.DestructiveRole)
        close = button("Close", self.close)
        buttons.addButton(close, QDialogButtonBox.ButtonRole.RejectRole)
        column.addWidget(buttons)
        self.setMinimumWidth(m.px(420))
        view = scene.view()
        if view is not None and view.intent.clip is None:
            scene.toggle_clip()
        grid_view = parent.centre.grid  # type: ignore[attr-defined]
        if grid_view is not None:
            grid_view.viewChanged.connect(self.refresh)
            grid_view.cursorMoved.connect(self._on_cursor)  # a method: it goes with the dialog
        self.refresh()

    @property
    def _plane(self) -> Any:
        view = self._scene.view()
        return None if view is None else view.resolved().clip

    def refresh(self) -> None:
        """Show the plane as it is now."""
        plane = self._plane
        for key, edits in self.numbers.items():
            for k, edit in enumerate(edits):
                edit.setEnabled(plane is not None)
                if plane is not None and not edit.hasFocus():
                    edit.set_value(float(f"{getattr(plane, key)[k]:.5g}"))
        self.follow.setCurrentIndex(max(0, self.follow.findData(plane.follow if plane is not None else "")))
        for widget in (self.flip, self.off):
            widget.setEnabled(plane is not None)

    def _on_cursor(self, _point: Any, _text: str) -> None:
        self.refresh()

    def _choose(self) -> None:
        from app.viewports.clip import ClipPlane

        view, follow, plane = self._scene.view(), self.follow.currentData(), self._plane
        if view is not None:
            plane = plane or ClipPlane()
            view.set_clip(replace(plane, follow=follow, flipped=plane.flipped if follow else False))
            self.refresh()

    def _commit(self) -> None:
        import numpy as np

        from app.viewports.clip import vec

        view, plane = self._scene.view(), self._plane
        if view is None or plane is None:
            return
        try:
            origin, normal = (
                np.array([float(e.value() or 0.0) for e in self.numbers[k]]) for k in ("origin", "normal")
            )
        except ValueError as error:
            self.error.setText(f"A place or a direction {error}.")
            return
        length = float(np.linalg.norm(normal))
        self.error.setText("" if length > 1e-9 else "The direction must not be 0, 0, 0.")
        same = np.allclose(origin, plane.origin, rtol=1e-4, atol=1e-9)
        same = same and length > 0 and np.allclose(normal / length, plane.normal, atol=1e-4)
        if length > 1e-9 and not same:
            view.set_clip(replace(plane, origin=vec(origin), normal=vec(normal / length), follow=""))

    def _flip(self) -> None:
        self._scene.flip()
        self.refresh()

    def _remove(self) -> None:
        view = self._scene.view()
        if view is not None:
            view.set_clip(None)
        self.close()
