"""The centre: start page, viewports, and a view for each kind that has no place in space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.forms.widgets import Card, ColumnWidget, Readings, elided, label, scrolled
from app.theme import Metrics, Theme, current_theme
from app.window.exporting import Exports
from app.window.kinds import KIND_WORDS, centre_of, is_spatial, kind_of_item
from app.window.player import Player
from app.window.preferences_values import wanted_backend
from app.window.tasks import Task
from app.window.workbench import Workbench
from core.data import Volume, info
from core.document import Document, Item
from core.results import Layer

if TYPE_CHECKING:
    from app.viewports import SceneItem, ViewportGrid
    from app.window.transport import TransportBar

PREVIEW = 150
"""Milliseconds between two looks at the layers that running jobs show."""
CACHED = 12
"""Views of single items that are kept while others are looked at."""


class Centre(QWidget):
    """Shows what the selected item needs; made lazily, so that an empty window loads neither VTK nor pyqtgraph."""

    positioned = Signal(str)
    grid_made = Signal()

    def __init__(self, workbench: Workbench, start: QWidget | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.player = Player(workbench, self)
        self.transport: TransportBar | None = None
        self.key_of: Callable[[str], str] = lambda _command: ""
        """The key of a command, for tips; the window knows."""
        self.stack = QStackedWidget()
        # Where the pointer was in another view says nothing about this one.
        self.stack.currentChanged.connect(lambda _index: self.positioned.emit(""))
        self.stack.currentChanged.connect(lambda _index: self._show_transport())
        self.player.timeline_changed.connect(self._show_transport)
        column.addWidget(self.stack, 1)
        self.start = start or QWidget()
        self.stack.addWidget(self.start)
        self.grid: ViewportGrid | None = None
        self._views: dict[str, tuple[Any, QWidget]] = {}
        self.layout_chosen = False
        """The user has chosen a layout: opening files does not change it."""
        self.exports = Exports(workbench, self)
        self._live: tuple[Task, Any] | None = None
        self._previewed = QTimer(self)
        self._previewed.setSingleShot(True)
        self._previewed.timeout.connect(self._feed)
        self.on_grid: list[Callable[[Any], None]] = []
        """Called with the grid once it is made."""
        workbench.changed.connect(self._on_changed)
        workbench.selection_changed.connect(lambda _id: self.refresh())
        workbench.opened.connect(self._on_opened)
        workbench.task_changed.connect(self._on_task)
        workbench.task_over.connect(self._on_task)

    def show_banner(self, text: str) -> None:
        """A line above everything that stays for as long as the window does."""
        banner = QFrame()
        banner.setProperty("role", "header")
        row = QHBoxLayout(banner)
        m = Metrics.of(self.font())
        row.setContentsMargins(m.px(12), 0, m.px(12), 0)
        words = elided(text, "warn")
        words.setAccessibleName(text)
        row.addWidget(words, 1)
        self.layout().insertWidget(0, banner)  # type: ignore[union-attr,attr-defined]
        self.banner = banner

    # -- the viewports ---------------------------------------------------------------------------------------

    def ensure_grid(self) -> ViewportGrid:
        """The viewports, made on first use."""
        if self.grid is None:
            from app.viewports import ViewportGrid

            backend = wanted_backend(self._workbench.settings)
            grid = ViewportGrid(self, backend=backend, theme=current_theme())
            grid.hovered.connect(lambda _xyz, text: self.positioned.emit(text))
            grid.cursorMoved.connect(lambda _xyz, text: self.positioned.emit(text))
            grid.displayChanged.connect(self._on_display)
            grid.family = self._family
            self.grid = grid
            self.stack.addWidget(grid)
            for action in self.on_grid:
                action(grid)
            self.grid_made.emit()
        return self.grid

    def _on_display(self, id: str, display: Any, gesture: str) -> None:
        if id in self._workbench.document:
            self._workbench.document.set_display(id, display, gesture)

    def _family(self, id: str) -> frozenset[str]:
        """An item with all that is in it: what "show this" means for a group."""
        document, out, waiting = self._workbench.document, set(), [id]
        while waiting:
            out.add(waiting[0])
            waiting += [i.id for i in document.children(waiting.pop(0))]
        return frozenset(out)

    def choose_layout(self, name: str) -> None:
        """A layout the user asked for; from now on opening files does not change it."""
        self.layout_chosen = True
        self.ensure_grid().set_layout(name)

    def _on_opened(self, ids: list[str]) -> None:
        """Bring what was opened into view if the crosshair does not lie in it (another space, another unit)."""
        item = next(
            (i for i in map(self._workbench.document.get, ids) if i is not None and is_spatial(i)), None
        )
        box = self.grid.box_of(item.id) if item is not None and self.grid is not None else None
        if item is None or box is None or self.grid is None:
            return
        here = np.asarray(self.grid.cursor_position)
        margin = 0.05 * (box[:, 1] - box[:, 0]).max()
        away = bool(((here < box[:, 0] - margin) | (here > box[:, 1] + margin)).any())
        others = [self.grid.box_of(i.id) for i in self.grid.items if i.id != item.id and i.spatial]
        inside = any(
            o is not None and bool(((o[:, 0] <= box[:, 0]) & (box[:, 1] <= o[:, 1])).all()) for o in others
        )
        if away and inside:
            # The slices go there; the 3-D camera would end inside the large one, where there is nothing to see.
            x, y, z = box.mean(axis=1).tolist()
            self.grid.set_cursor((x, y, z))
        elif away:
            self.grid.fit(item.id)

    def _show_transport(self) -> None:
        """The bar under the views, made on first use."""
        wanted = self.player.timeline is not None and self.shown_grid is not None
        if wanted and self.transport is None:
            from app.window.transport import TransportBar

            self.transport = TransportBar(self.player, lambda command: self.key_of(command), self)
            column = self.layout()
            assert column is not None
            column.addWidget(self.transport)
        if self.transport is not None:
            self.transport.setVisible(wanted)
        if not wanted and self.player.playing:
            self.player.pause()

    def _feed(self) -> None:
        items = (*scene_items(self._workbench.document), *preview_items(self._workbench))
        if self.grid is None and not items:
            return
        grid = self.ensure_grid()
        before = any(i.spatial for i in grid.items)
        if not self.layout_chosen and any(i.spatial for i in items):
            flat = any(isinstance(i.data, Volume) for i in items)
            had = any(isinstance(i.data, Volume) for i in grid.items)
            if not before or (flat and not had):
                # Slices of a lone surface say little; a volume wants all four views.
                grid.set_layout("four" if flat else "3d")
        grid.set_items(items)
        self.player.refresh(grid)

    # -- what runs ---------------------------------------------------------------------------------------------

    def show_live(self, task: Task) -> None:
        """The curves of a job, large; choosing an item, or "Back to the views", ends that."""
        from app.plots.live import LiveView

        self._end_live()
        view = LiveView(task.title, task.curves, self)
        view.closed.connect(self.refresh)
        self.exports.connect_figure(view.figure, task.title)
        view.figure.hovered.connect(self.positioned)
        self._live = (task, view)
        self.stack.addWidget(view)
        self.stack.setCurrentWidget(view)
        self._on_task(task)

    def _end_live(self) -> None:
        if self._live is not None:
            view = self._live[1]
            self._live = None
            self.stack.removeWidget(view)
            view.deleteLater()

    def _on_task(self, task: Task) -> None:
        if self._live is not None and self._live[0] is task:
            view = self._live[1]
            view.touch()
            view.set_state(str(task.state) if task.over else task.progress.text or str(task.state))
        if any(isinstance(p, Layer) for p in task.previews.values()) and not self._previewed.isActive():
            self._previewed.start(PREVIEW)

    @property
    def figure(self) -> Any:
        """The large plot that is shown, if one is."""
        shown: Any = self.stack.currentWidget()
        shown = getattr(shown, "figure", shown)
        return shown if type(shown).__name__ == "FigureView" else None

    @property
    def table(self) -> Any:
        """The large table that is shown, if one is."""
        shown = self.stack.currentWidget()
        return shown if type(shown).__name__ == "TableView" else None

    # -- choosing what to show -------------------------------------------------------------------------------

    def _on_changed(self, change: Any) -> None:
        if change is None:
            self.layout_chosen = False
            if self.grid is not None:
                self.grid.show_everything()
                # What a camera looked at is gone; what comes next may be a thousand times smaller.
                for view in self.grid.views.values():
                    view.set_intent(zoom=1.0, pan=(0.0, 0.0), camera=None)
                self.grid.scene.forget()
                self.grid.set_clip(None)
        # Views of what was closed would keep its data; undo makes them anew.
        for id in list(self._views):
            if change is None or id in change.removed:
                self._drop(id)
        self._feed()
        self.refresh()

    def refresh(self) -> None:
        """Show what the selection asks for."""
        document = self._workbench.document
        if self._live is not None and self._live[1].isVisible():
            QTimer.singleShot(0, self, self._end_live)  # the view may be the one that asks
        if not len(document):
            self.stack.setCurrentWidget(self.start)
            return
        item = self._workbench.current
        name = centre_of(item) if item is not None else ""
        if item is None or name in ("", "viewports"):
            if self.grid is not None and any(is_spatial(i) for i in document):
                if item is not None and isinstance(item.data, Volume):
                    self.grid.set_active(item.id)
                self.stack.setCurrentWidget(self.grid)
                return
            # A group of results without layers, or nothing selected: the first thing that has a view.
            item = next((i for i in self._below(item) if centre_of(i)), None)
            if item is None:
                if self.stack.currentWidget() is self.start and self.grid is not None:
                    self.stack.setCurrentWidget(self.grid)
                return
        self.stack.setCurrentWidget(self.view_of(item))

    def _below(self, item: Item | None) -> list[Item]:
        document = self._workbench.document
        if item is None:
            return list(document)
        return [*document.children(item.id), *document]

    def view_of(self, item: Item) -> QWidget:
        """The view of an item without a place in space, made on first use."""
        known = self._views.get(item.id)
        if known is not None and known[0] is item.data:
            view = known[1]
            if centre_of(item) == "image":
                view.set_image(item.data, item.display)  # type: ignore[attr-defined]
            return view
        if known is not None:
            self._drop(item.id)
        view = self._make(item)
        self._views[item.id] = (item.data, view)
        self.stack.addWidget(view)
        for id in list(self._views)[:-CACHED]:
            self._drop(id)
        return view

    def _drop(self, id: str) -> None:
        _, view = self._views.pop(id)
        self.stack.removeWidget(view)
        view.deleteLater()

    def _make(self, item: Item) -> QWidget:
        name = centre_of(item)
        if name == "image":
            from app.viewports import ImageView

            view = ImageView(self)
            view.hovered.connect(self.positioned)
            view.set_image(item.data, item.display)
            return view
        if name == "signal":
            from app.plots import FigureView, signal_curve

            figure = FigureView(signal_curve(item.data, item.name))
            self.exports.connect_figure(figure, item.name)
            figure.hovered.connect(self.positioned)
            return figure
        if name == "plot":
            figure = self.exports.figure(item, compact=False)
            figure.hovered.connect(self.positioned)
            return figure
        if name == "table":
            table: QWidget = self.exports.table(item, compact=False)
            return table
        if name == "graph":
            from app.plots import GraphView

            return GraphView(item.data)
        if name == "checkpoint":
            from app.plots import CheckpointView

            read = partial(self._read_tensors, item)
            return CheckpointView(item.data, read, on_figure=self.exports.connect_figure)
        return _details(item)

    def _read_tensors(
        self, item: Item, names: list[str], done: Callable[[Any], None], failed: Callable[[str], None]
    ) -> None:
        payload = {"checkpoint": item.data, "names": names}
        title = f"Read {names[0]}" if len(names) == 1 else f"Read {len(names)} tensors"
        # The view may be gone when the values come; it looks whether they are still wanted.
        self._workbench.submit(
            "tensors",
            payload,
            title=title,
            on_done=lambda arrays: done(arrays) if item.id in self._views else None,
            on_failed=lambda error: failed(str(error)) if item.id in self._views else None,
        )

    # -- theme, pictures, end --------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Everything in the centre in other colours."""
        if self.grid is not None:
            self.grid.set_theme(theme)
        views = [view for _, view in self._views.values()]
        for view in [*views, self._live[1]] if self._live is not None else views:
            if hasattr(view, "set_theme"):
                view.set_theme(theme)
            view.update()

    def image(self, size: QSize | None = None, scale: float = 1.0) -> QImage:
        """A picture of what is shown."""
        if self.shown_grid is not None:
            return self.shown_grid.grab_image(size, scale)
        return self.stack.grab().toImage()

    def add_strip(self, strip: QWidget) -> None:
        """A row of controls above the views; it shows and hides itself."""
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.indexOf(self.stack), strip)

    @property
    def shown_grid(self) -> ViewportGrid | None:
        """The viewports, if they are what is shown."""
        return self.grid if self.stack.currentWidget() is self.grid else None

    def shutdown(self) -> None:
        """Before the window goes."""
        self.player.stop()
        self._previewed.stop()
        for id in list(self._views):
            self._drop(id)
        if self.grid is not None:
            self.grid.shutdown()


def scene_items(document: Document) -> tuple[SceneItem, ...]:
    """What the viewports are to draw: the spatial items, hidden where a group above them is hidden."""
    from app.viewports.state import SceneItem as Scene

    out = []
    for item in document:
        if not is_spatial(item):
            continue
        display, above = item.display, item.parent
        while above is not None and display.visible:
            parent = document.get(above)
            if parent is None:
                break
            if parent.data is None and not parent.display.visible:
                display = replace(display, visible=False)
            above = parent.parent
        out.append(Scene(item.id, item.name, item.data, item.transform, display))
    return tuple(out)


def preview_items(workbench: Workbench) -> tuple[SceneItem, ...]:
    """Layers that running jobs have shown so far: drawn, but not in the document, and gone when the job is over."""
    from app.viewports.state import SceneItem as Scene
    from core.display import default_display

    out = []
    for task in workbench.tasks:
        if task.over or task.session != workbench.session or task.handle is None:
            continue
        for name, layer in task.previews.items():
            if isinstance(layer, Layer) and is_spatial(Item("", name, layer.data)):
                place = np.eye(4) if task.transform is None else task.transform
                display = default_display(layer.data, layer.display)
                out.append(Scene(f"preview:{task.handle.id}:{name}", name, layer.data, place, display))
    return tuple(out)


def _details(item: Item) -> QWidget:
    """What can be said in words of something that no view draws."""
    body = ColumnWidget(margin=16)
    card = Card()
    card.column.addWidget(label(item.name, "heading"))
    kind = kind_of_item(item)
    rows = Readings({"Kind": KIND_WORDS.get(kind, kind)})
    for key, value in info(item.data).items():
        if value not in (None, [], "") and key not in ("kind", "name", "warnings"):
            words = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
            rows.add(key.replace("_", " ").capitalize(), words)
    card.column.addWidget(rows)
    body.column.addWidget(card)
    body.column.addStretch(1)
    return scrolled(body)
