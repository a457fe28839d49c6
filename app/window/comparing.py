"""Comparing objects: which stand beside each other, what is linked between them, and the way back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.window.kinds import is_spatial
from core.data import Markup, Volume
from core.document import Edit, Item, SetDisplay, Several

if TYPE_CHECKING:
    from app.viewports import ViewportGrid
    from app.window.compare_strip import CompareStrip
    from app.window.main_window import MainWindow

MOST = 4
ALIKE = 3.0
"""Windows that differ by no more than this factor are worth linking: values of two scanners are often not."""


class Comparing(QObject):
    """Sets the grid of a window up for a comparison, and back."""

    changed = Signal()
    """A comparison has begun, changed or ended."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._workbench = window.workbench
        self._before = "four"
        self._active = False
        self.strip: CompareStrip | None = None
        """The row above the views, once there has been a comparison."""
        window.centre.on_grid.append(self._on_grid)
        window.workbench.changed.connect(self._on_changed)

    def _on_grid(self, grid: ViewportGrid) -> None:
        grid.layoutChanged.connect(lambda _name: self._on_layout())
        grid.onlyChanged.connect(lambda _slot: self.changed.emit())
        grid.linksChanged.connect(self.changed)
        grid.viewChanged.connect(self.changed)

    def _on_layout(self) -> None:
        active, self._active = self._active, self.shown is not None
        if active and not self._active and self._grid is not None:
            self._grid.show_everything()  # another layout was chosen: its views are about everything again
        self.changed.emit()

    @property
    def _grid(self) -> ViewportGrid | None:
        return self._window.centre.grid

    # -- what can be compared ----------------------------------------------------------------------------------

    def candidates(self) -> list[Item]:
        """What can stand beside another: objects with a place in space, and groups of several of them."""
        document = self._workbench.document
        below: Counter[str] = Counter()
        for item in document:  # upwards from each: asked after every edit, so never of all for all
            above = item.parent if self._counts(item) else None
            while above is not None and above in document:
                below[above] += 1
                above = document[above].parent
        return [i for i in document if self._counts(i) or (not is_spatial(i) and below[i.id] > 1)]

    def why_not(self) -> str:
        """Why nothing can be compared, "" if something can."""
        return "" if len(self.candidates()) > 1 else "open two objects with a place in space first"

    def suggested(self) -> list[str]:
        """The ids to begin with: the selected object and the one most like it, of the same kind if possible."""
        found = self.candidates()
        first = next((i for i in found if i.id == self._workbench.selected), found[0] if found else None)
        if first is None:
            return []
        others = [i for i in found if i.id not in {first.id, first.parent} and i.parent != first.id]
        others.sort(key=lambda i: type(i.data) is not type(first.data))
        return [first.id, *(i.id for i in others[:1])]

    @staticmethod
    def _counts(item: Item) -> bool:
        return is_spatial(item) and not isinstance(item.data, Markup)

    def _below(self, id: str) -> list[Item]:
        out: list[Item] = []
        for child in self._workbench.document.children(id):
            out += [child, *self._below(child.id)]
        return out

    # -- the comparison ----------------------------------------------------------------------------------------

    @property
    def shown(self) -> tuple[str, int] | None:
        """What of each object is shown, and of how many; None without a comparison.

        A view that fills the centre for a moment is still one of a comparison's.
        """
        from app.viewports.layouts import comparison_of

        grid = self._grid
        if grid is None:
            return None
        return comparison_of(grid.layout_name) or (
            comparison_of(grid.layout_before) if grid.layout_name in grid.views else None
        )

    def ask(self) -> None:
        """Choose in a dialog what to compare."""
        from app.window.compare_dialog import CompareDialog

        dialog = CompareDialog(self.candidates(), self.suggested(), self._window)
        dialog.chosen.connect(self.start)
        dialog.open()

    def start(self, ids: Sequence[str], what: str = "auto") -> None:
        """Show 2 to 4 items beside each other. `what`: one of `layouts.COMPARED`, or "auto" for what suits them.

        Raises
        ------
        ValueError : too few or too many items.
        """
        from app.viewports.layouts import KINDS, MOST, compare_name, comparison_of, slot_name

        document = self._workbench.document
        items = [document[i] for i in dict.fromkeys(ids) if i in document]
        if not 2 <= len(items) <= MOST:
            raise ValueError(f"two to {MOST} items can be compared, not {len(items)}")
        centre = self._window.centre
        grid = centre.ensure_grid()
        if comparison_of(grid.layout_name) is None:
            self._before = grid.layout_name
        self._show(items)
        families = [grid.family(i.id) for i in items]
        if what == "auto":
            what = "axial" if all(self._is_flat(f) for f in families) else "3d"
        for kind in KINDS:
            for n in range(1, MOST + 1):
                grid.set_only(slot_name(kind, n), families[n - 1] if n <= len(items) else None)
        links = frozenset({"camera", "slice", "zoom", "time", "colour"})
        grid.links.lead = None
        grid.links.set(links if self._alike(items) else links - {"colour"})
        centre.choose_layout(compare_name(what, len(items)))
        centre.stack.setCurrentWidget(grid)
        box = grid.box_of(next((i for i in families[0] if grid.box_of(i) is not None), ""))
        if box is not None:
            here = grid.cursor_position
            if any(not low <= c <= high for c, (low, high) in zip(here, box, strict=True)):
                grid.set_cursor(tuple(box.mean(axis=1)))
        self.changed.emit()

    def set_what(self, what: str) -> None:
        """Show something else of the same objects."""
        from app.viewports.layouts import compare_name

        if self.shown is not None:
            self._window.centre.choose_layout(compare_name(what, self.shown[1]))

    def end(self) -> None:
        """Back to the layout before, every view with everything."""
        grid = self._grid
        if grid is not None and self.shown is not None:
            self._window.centre.choose_layout(self._before)

    def why_not_end(self) -> str:
        """Why there is nothing to end."""
        return "" if self.shown is not None else "nothing is being compared"

    # -- links -------------------------------------------------------------------------------------------------

    def is_linked(self, name: str) -> bool:
        """Whether views share this."""
        return self._grid is None or self._grid.links.linked(name)

    def toggle_link(self, name: str) -> None:
        """Share it, or not any more."""
        if self._grid is not None:
            self._grid.links.set(self._grid.links.on ^ {name})

    # -- inside ------------------------------------------------------------------------------------------------

    def _show(self, items: list[Item]) -> None:
        """What is to be compared must be visible; one edit for all."""
        edits: list[Edit] = []
        for item in items:
            chain: list[Any] = [item, *self._below(item.id)] if not self._counts(item) else [item]
            above = self._workbench.document.get(item.parent) if item.parent else None
            while above is not None:
                chain.append(above)
                above = self._workbench.document.get(above.parent) if above.parent else None
            for one in chain:
                if not one.display.visible and all(e.id != one.id for e in edits):  # type: ignore[attr-defined]
                    edits.append(SetDisplay(one.id, one.display, replace(one.display, visible=True)))
        if edits:
            self._workbench.document.apply(Several(tuple(edits), "Show what is compared"))

    def _is_flat(self, ids: frozenset[str]) -> bool:
        """Whether slices say most about these items."""
        document = self._workbench.document
        found = [document[i] for i in ids if i in document]
        return any(isinstance(i.data, Volume) for i in found)

    def _alike(self, items: list[Item]) -> bool:
        """Whether one window can serve all: those in which the volumes are shown now differ little."""
        grid = self._grid
        assert grid is not None
        widths = []
        for item in items:
            if not isinstance(item.data, Volume):
                continue
            width = getattr(item.display, "window", None)
            for view in grid.views.values():
                if width is None and view.frame is not None and item.id in view.frame.notes.windows:
                    width = view.frame.notes.windows[item.id][0]
            if width is not None and width > 0:
                widths.append(float(width))
        return not widths or max(widths) <= ALIKE * min(widths)

    def _on_changed(self, change: Any) -> None:
        """A comparison of which less than two objects are left is over."""
        grid = self._grid
        if change is None or grid is None or self.shown is None or not change.removed:
            return
        from app.viewports.layouts import KINDS, slot_name

        document = self._workbench.document
        left = 0
        for n in range(1, self.shown[1] + 1):
            sets = [grid.only(slot_name(kind, n)) for kind in KINDS]
            left += any(s is None or any(i in document for i in s) for s in sets)
        if left < 2:
            self.end()
