"""Mixing two volumes in the slices: which two, how, and the row that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from core.data import Transforms, Volume
from core.document import Item

if TYPE_CHECKING:
    from app.viewports import ViewportGrid
    from app.viewports.mixing import Mix
    from app.window.main_window import MainWindow
    from app.window.mixing_strip import MixStrip

STEP = 0.1


class Mixing(QObject):
    """Asks the grid of a window for mixes, and shows the row while there is one."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._workbench = window.workbench
        self.strip: MixStrip | None = None
        """The row above the views, once there has been a mix."""
        window.centre.on_grid.append(self._on_grid)
        window.centre.stack.currentChanged.connect(lambda _index: self._refresh())
        window.workbench.changed.connect(lambda _change: self._refresh() if self.mix is not None else None)

    def _on_grid(self, grid: ViewportGrid) -> None:
        grid.mixChanged.connect(lambda _mix: self._refresh())

    @property
    def mix(self) -> Mix | None:
        """What is mixed."""
        grid = self._window.centre.grid
        return grid.mix if grid is not None else None

    @property
    def unit(self) -> str:
        """Of lengths in the world of what is mixed."""
        item = self._workbench.document.get(self.mix.first) if self.mix is not None else None
        return getattr(item.data, "unit", "") if item is not None else ""

    def volumes(self) -> list[Item]:
        """What can be mixed."""
        return [i for i in self._workbench.document if isinstance(i.data, Volume)]

    def pair(self) -> tuple[Item, Item] | None:
        """The selected volume and the one that goes with it: values before classes, visible before hidden.

        Classes are mixed only where there are no two volumes of values: an overlay shows them better.
        """
        found = self.volumes()
        if len(found) < 2:
            return None
        values = [i for i in found if i.data.transforms is not Transforms.LABEL]
        found = values if len(values) >= 2 else found
        first = next((i for i in found if i.id == self._workbench.selected), found[0])
        rest = [i for i in found if i is not first]
        rest.sort(key=lambda i: (i.data.transforms is Transforms.LABEL, not i.display.visible))
        # The one that was opened earlier is A, whichever is selected: a difference keeps its sign.
        a, b = sorted((first, rest[0]), key=found.index)
        return a, b

    def why_not(self, mode: str = "blend") -> str:
        """Why nothing can be mixed so, "" if something can."""
        if self.mix is not None and mode == self.mix.mode:
            return ""
        pair = self.pair()
        if pair is None:
            return "open two volumes first"
        from app.viewports.mixing import why_no_mix

        return why_no_mix(pair[0].data, pair[1].data, mode)

    def start(self, mode: str) -> None:
        """Mix so; if it is so already, end it."""
        from app.viewports.mixing import Mix

        mix, pair = self.mix, self.pair()
        if mix is not None and mix.mode == mode:
            self.end()
            return
        if mix is not None and self._there(mix):
            self.change(mode=mode)
            return
        if pair is None or self.why_not(mode):
            return
        centre = self._window.centre
        grid = centre.ensure_grid()
        self._show(pair[0].id, pair[1].id)
        tile = 20.0 if pair[0].data.unit == "mm" else _tenth(pair[0].data)
        grid.set_mix(Mix(pair[0].id, pair[1].id, mode, tile=tile))  # type: ignore[arg-type]
        if not any(not s.startswith("3d") for s in grid.shown_slots):
            centre.choose_layout("four")
        centre.stack.setCurrentWidget(grid)

    def change(self, **changes: Any) -> None:
        """Other settings; what cannot be mixed so stays as it is, and the reason is said."""
        from app.viewports.mixing import why_no_mix

        grid, mix = self._window.centre.grid, self.mix
        if grid is None or mix is None:
            return
        wanted = mix.changed(**changes)
        document = self._workbench.document
        a, b = document.get(wanted.first), document.get(wanted.second)
        if a is not None and b is not None:
            why = why_no_mix(a.data, b.data, wanted.mode)
            if why:
                self._workbench.message.emit(why.capitalize())
                wanted = mix
            else:
                self._show(a.id, b.id)
        grid.set_mix(wanted)
        self._refresh()

    def choose(self, key: str, id: str) -> None:
        """Another volume as "first" or "second"; the other one makes room if it was that."""
        mix = self.mix
        if mix is None or getattr(mix, key) == id:
            return
        other = "second" if key == "first" else "first"
        changes = {key: id}
        if getattr(mix, other) == id:
            changes[other] = getattr(mix, key)
        self.change(**changes)

    def swap(self) -> None:
        """A for B."""
        if self.mix is not None:
            self.change(first=self.mix.second, second=self.mix.first)

    def step(self, by: int) -> None:
        """More (1) or less (-1) of the second volume."""
        if self.mix is not None:
            self.change(amount=round(self.mix.amount + by * STEP, 6))

    def why_no_step(self) -> str:
        """Why there is no amount to change."""
        mix = self.mix
        return "" if mix is not None and mix.mode in ("blend", "curtain") else "blend two volumes first"

    def end(self) -> None:
        """The volumes over each other again."""
        if self._window.centre.grid is not None:
            self._window.centre.grid.set_mix(None)

    def is_on(self, mode: str) -> bool:
        """Whether this is how volumes are mixed now."""
        return self.mix is not None and self.mix.mode == mode

    def _there(self, mix: Mix) -> bool:
        document = self._workbench.document
        return all(i in document for i in (mix.first, mix.second))

    def _show(self, *ids: str) -> None:
        """What is mixed must be visible."""
        from dataclasses import replace

        from core.document import SetDisplay, Several

        document = self._workbench.document
        hidden = [document[i] for i in ids if not document[i].display.visible]
        if hidden:
            edits = tuple(SetDisplay(i.id, i.display, replace(i.display, visible=True)) for i in hidden)
            document.apply(Several(edits, "Show what is mixed"))

    def _refresh(self) -> None:
        mix, centre = self.mix, self._window.centre
        if mix is not None and not self._there(mix):
            self.end()  # calls this again
            return
        shown = mix is not None and centre.shown_grid is not None
        if shown and self.strip is None:
            from app.window.mixing_strip import MixStrip

            self.strip = MixStrip(self, centre)
            centre.add_strip(self.strip)
        if self.strip is not None:
            self.strip.refresh()
            self.strip.setVisible(shown)
        self._window.commands.refresh()


def _tenth(volume: Volume) -> float:
    """About a tenth of a volume's size, a round number."""
    from app.viewports.overlay import nice_length
    from core.data import bounds

    box = bounds(volume)
    return nice_length(float((box[:, 1] - box[:, 0]).max()) / 10) if box is not None else 20.0
