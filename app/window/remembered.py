"""What a session remembers of the window beside what is open: docks, views, forms of analyses, what is selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

if TYPE_CHECKING:
    from app.window.main_window import MainWindow


class Remembered:
    """Says how the window is, as plain JSON, and brings it back. Whatever is damaged or older keeps what is there."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._views: dict[str, Any] = {}
        """Of a session nothing of which can be drawn yet: its files are missing. The views are not lost by that."""
        self._active = ""
        """The volume that slices followed, while its file is missing."""
        window.centre.on_grid.append(self._on_grid)
        window.workbench.changed.connect(self._on_changed)

    def state(self) -> dict[str, Any]:
        """What `restore` takes back."""
        window = self._window
        return {
            "docks": window.layouts.state(),
            "panels": window.plugin_panels,
            "viewports": self._views or self._shown_views(),
            "layout_chosen": window.centre.layout_chosen,
            "selected": window.workbench.selected or "",
            "folded": window.data.tree.folded,
            "result": window.results.group or "",
            "forms": window.analysis.state(),
            "player": window.centre.player.state(),
        }

    def _shown_views(self) -> dict[str, Any]:
        grid = self._window.centre.grid
        if grid is None:
            return {}
        views = grid.view_state()
        return {**views, "active": views.get("active") or self._active or None}

    def restore(self, layout: Mapping[str, Any]) -> None:
        """Bring back what `state` said."""
        window = self._window
        document = window.workbench.document
        panels = layout.get("panels")
        for id in panels if isinstance(panels, list) else ():
            window.reopen_plugin_panel(id)
        folded = layout.get("folded")
        if isinstance(folded, list):
            window.data.tree.fold({id for id in folded if isinstance(id, str)})
        result, selected = layout.get("result"), layout.get("selected")
        if isinstance(result, str) and result in document:
            window.results.show_group(result)
        if isinstance(selected, str) and selected in document:
            window.workbench.select(selected)
        window.layouts.restore(layout.get("docks"))
        window.analysis.restore(layout.get("forms"), window.menus.analyses)
        window.centre.player.restore(layout.get("player"))
        views = layout.get("viewports")
        if not isinstance(views, dict) or not views:
            return
        window.centre.layout_chosen = layout.get("layout_chosen") is not False
        active = document.get(str(views.get("active")))
        self._active = active.id if active is not None and active.missing is not None else ""
        if window.centre.grid is None:
            self._views = dict(views)
        else:
            window.centre.grid.set_view_state(views)

    def _on_grid(self, grid: Any) -> None:
        if not self._views:
            return
        grid.set_view_state(self._views)
        # Once more when it has its items: the first ones take the crosshair to their middle.
        QTimer.singleShot(0, grid, self._show_views)

    def _show_views(self) -> None:
        views, self._views = self._views, {}
        grid = self._window.centre.grid
        if views and grid is not None:
            grid.set_view_state(views)

    def _on_changed(self, change: Any) -> None:
        if change is None:  # another session
            self._views, self._active = {}, ""
        elif self._active in change.updated and self._window.centre.grid is not None:
            if self._window.centre.grid.view_state().get("active") is None:
                self._window.centre.grid.set_active(self._active)  # its file was found
