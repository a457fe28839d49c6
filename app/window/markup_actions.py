"""The menu Markups: tools in the views, and the edits that they ask for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QInputDialog

from core.data import Markup
from core.display import MarkupDisplay
from core.document import Item, new_id

if TYPE_CHECKING:
    from app.viewports import ViewportGrid
    from app.viewports.markup_tools import EditTool, PlaceTool, Snapping
    from app.viewports.state import SceneItem
    from app.viewports.viewport import Viewport
    from app.window.main_window import MainWindow

SNAPS = ("voxels", "objects")


class MarkupActions(QObject):
    """Puts the tools into the views and makes edits of what they ask for (a `MarkupHost`).

    The tools are imported with the viewports, not before: an empty window needs none.
    """

    changed = Signal()
    """Another tool is active, or a switch was set."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._workbench = window.workbench
        self._snapping: Snapping | None = None
        self.edit: EditTool | None = None
        self.tool: PlaceTool | None = None
        self.name = ""
        """Of the tool that is active, "" for none."""
        window.centre.on_grid.append(self._on_grid)
        self._workbench.changed.connect(self._on_changed)
        self._workbench.selection_changed.connect(lambda _id: self._repaint())
        self._workbench.point_wanted.connect(self._on_point_wanted)

    # -- tools ------------------------------------------------------------------------------------------------

    def _on_grid(self, grid: ViewportGrid) -> None:
        from app.viewports.markup_tools import EditTool

        self.edit = EditTool(self)
        grid.add_tool(self.edit)

    def start(self, name: str) -> None:
        """Make a tool of `PLACINGS` active; the same again leaves it."""
        again = name == self.name
        self.stop()
        grid = self._grid
        if again or grid is None:
            return
        from app.viewports.markup_tools import PLACINGS, PlaceTool

        self.name = name
        self.tool = PlaceTool(self, PLACINGS[name], many=self.many, smooth=self.smooth)
        if self.edit is not None:
            self.edit.hovered = None
        grid.add_tool(self.tool, first=True)
        self._window.centre.stack.setCurrentWidget(grid)
        grid.current_view.setFocus(Qt.FocusReason.OtherFocusReason)
        self.say(self.tool.placing.hint)
        self._tell()

    def stop(self) -> None:
        """Leave the tool, as Escape does."""
        if self.tool is not None:
            self.tool.many = False
            self.tool.finish()

    @property
    def many(self) -> bool:
        """Whether a tool stays active when what it placed is complete; remembered."""
        return self._workbench.settings.flag("markups-many", False)

    def toggle_many(self) -> None:
        """Place one, or several in a row."""
        self._workbench.settings.set("markups-many", not self.many)
        if self.tool is not None:
            self.tool.many = self.many
        self._tell()

    @property
    def smooth(self) -> bool:
        """Whether new curves are splines; remembered."""
        return self._workbench.settings.flag("markups-smooth", True)

    def toggle_smooth(self) -> None:
        """New curves as splines, or as straight lines from point to point."""
        self._workbench.settings.set("markups-smooth", not self.smooth)
        if self.tool is not None:
            self.tool.smooth = self.smooth
        self._tell()

    def why_no_tool(self) -> str:
        """Why nothing can be placed, "" if it can."""
        return self._window.menus.nothing_spatial()

    # -- what the tools need (MarkupHost) ---------------------------------------------------------------------

    @property
    def snapping(self) -> Snapping:
        """Shared by all tools; remembered."""
        if self._snapping is None:
            from app.viewports.markup_tools import Snapping

            values = [self._workbench.settings.flag(f"snap-{w}", w == "objects") for w in SNAPS]
            self._snapping = Snapping(*values)
        return self._snapping

    def snaps(self, what: str) -> bool:
        """Whether points are drawn to "voxels" or "objects"; imports nothing."""
        if self._snapping is not None:
            return bool(getattr(self._snapping, what))
        return self._workbench.settings.flag(f"snap-{what}", what == "objects")

    def toggle_snapping(self, what: str) -> None:
        """ "voxels" or "objects" on or off."""
        on = not self.snaps(what)
        setattr(self.snapping, what, on)
        self._workbench.settings.set(f"snap-{what}", on)
        self._tell()

    @property
    def selected(self) -> str | None:
        """Id of the current item."""
        return self._workbench.selected

    def item(self, id: str) -> SceneItem | None:
        """A markup as the document has it."""
        from app.viewports.state import SceneItem

        found = self._workbench.document.get(id)
        if found is None or not isinstance(found.data, Markup):
            return None
        return SceneItem(found.id, found.name, found.data, found.transform, found.display)

    def select(self, id: str) -> None:
        """Make an item the current one."""
        self._workbench.select(id)

    def preview(self, id: str, markup: Markup | None, view: Viewport | None = None) -> None:
        """Show it in another way for now."""
        if self._grid is not None:
            self._grid.set_preview(id, markup, view)

    def commit(self, id: str, before: Markup, markup: Markup, title: str, gesture: str = "") -> bool:
        """One edit of the document, unless the markup has become another one meanwhile."""
        item = self._workbench.document.get(id)
        if item is None or item.data is not before:
            return False
        self._workbench.document.set_data(id, markup, gesture, title)
        return True

    def add(self, markup: Markup, name: str) -> str:
        """A new item beside what is selected, and selected."""
        document = self._workbench.document
        taken = {i.name for i in document}
        number = next(n for n in range(1, len(taken) + 2) if f"{name} {n}" not in taken)
        current = self._workbench.current
        # Beside a file's item; a group of results holds what its analysis found and nothing else.
        parent = None if current is None or current.parent is None else current.parent
        if parent is not None and document[parent].record is not None:
            parent = None
        item = Item(new_id(), f"{name} {number}", markup, parent, display=MarkupDisplay())
        document.add(item, title=f"Place {name.lower()}")
        self._workbench.select(item.id)
        return item.id

    def remove(self, id: str) -> None:
        """Close an item."""
        if id in self._workbench.document:
            self._workbench.document.remove(id)

    def finished(self) -> None:
        """What was to be placed is placed, or nothing more is to be."""
        tool, self.tool, self.name = self.tool, None, ""
        if tool is not None and self._grid is not None:
            self._grid.remove_tool(tool)
        self._tell()

    def say(self, text: str) -> None:
        """In the status line."""
        self._workbench.message.emit(text)

    # -- commands ---------------------------------------------------------------------------------------------

    def current(self) -> Item | None:
        """The selected markup."""
        item = self._workbench.current
        return item if item is not None and isinstance(item.data, Markup) else None

    def why_no_markup(self) -> str:
        """Why a command on the selected markup cannot be used, "" if it can."""
        return "" if self.current() is not None else "select a markup first"

    def why_no_point(self) -> str:
        """The same for one that needs a control point that can be moved."""
        item = self.current()
        if item is None:
            return "select a markup first"
        if self.locked():
            return "the markup is locked"
        here = self.edit.active if self.edit is not None else None
        return "" if here is not None and here[0] == item.id else "click on a point of the markup first"

    def toggle_lock(self) -> None:
        """Handles on or off."""
        item = self.current()
        if item is not None and isinstance(item.display, MarkupDisplay):
            changed = replace(item.display, locked=not item.display.locked)
            self._workbench.document.set_display(item.id, changed)

    def locked(self) -> bool:
        """Whether the selected markup is locked."""
        item = self.current()
        return item is not None and bool(getattr(item.display, "locked", False))

    def go(self, index: int | None = None) -> None:
        """The crosshair to a control point of the selected markup; None: to the next one."""
        from core.markups import world_points

        item, grid = self.current(), self._grid
        if item is None or grid is None or not isinstance(item.data, Markup) or not len(item.data.points):
            return
        points = world_points(item.data, item.transform)
        here = self.edit.active if self.edit is not None else None
        if index is None:
            index = (here[1] + 1) % len(points) if here is not None and here[0] == item.id else 0
        if index >= len(points):
            return
        if self.edit is not None:
            self.edit.active = (item.id, index)
        x, y, z = points[index].tolist()
        grid.set_cursor((x, y, z))
        self._repaint()

    def _on_point_wanted(self, id: str, index: int) -> None:
        if id == self.selected:
            self.go(index)

    def delete_point(self) -> None:
        """Remove the control point that was clicked last."""
        if self.edit is not None and self.edit.active is not None:
            self.edit.delete_point(*self.edit.active)
            self._tell()

    def rename_point(self, id: str, index: int) -> QInputDialog | None:
        """Ask for the name of a control point, in a window that holds up nothing."""
        found = self.item(id)
        if found is None or index >= len(found.data.points):
            return None
        labels = found.data.labels
        dialog = QInputDialog(self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setWindowTitle("Rename point")
        dialog.setLabelText(f"Name of point {index + 1} of {found.name}:")
        dialog.setTextValue(labels[index] if labels else "")
        dialog.textValueSelected.connect(lambda text: self._rename(id, index, text.strip()))
        dialog.open()
        return dialog

    def _rename(self, id: str, index: int, text: str) -> None:
        from core.markups import with_label

        found = self.item(id)
        if found is not None and index < len(found.data.points):
            self.commit(id, found.data, with_label(found.data, index, text), "Rename point")

    # -- inside -----------------------------------------------------------------------------------------------

    @property
    def _grid(self) -> ViewportGrid | None:
        return self._window.centre.grid

    def _tell(self) -> None:
        self._window.commands.refresh()
        self.changed.emit()

    def _repaint(self) -> None:
        if self._grid is not None:
            for view in self._grid.views.values():
                view.update_cover()
        self.changed.emit()

    def _on_changed(self, change: Any) -> None:
        if change is None and self.tool is not None:
            self.tool.item, self.tool.pending = None, []  # of the session before
            self.stop()
        if self.edit is not None and self.edit.active is not None:
            item = self._workbench.document.get(self.edit.active[0])
            if item is None or self.edit.active[1] >= len(getattr(item.data, "points", ())):
                self.edit.active = None
        self._repaint()
