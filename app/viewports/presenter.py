"""One object in a 3-D scene: rebuilt when its structure changes, restyled when only its look does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vtkmodules.vtkRenderingCore import vtkRenderer

from app.viewports.background import Latest
from app.viewports.device import Device
from app.viewports.notes import Notes
from app.viewports.state import Resolved3D, SceneItem

SMALL = 200_000
"""Values that are dealt with in place: quicker than a second picture."""


class Presenter:
    """Subclasses say what `structure` is, `build` their props and `restyle` them.

    What takes long is done by `prepare` in the background where the picture is on the screen (`state.progressive`);
    until it is done the last structure stays, and the scene is asked again while anything is `pending`.

    `prop` is the main VTK prop; `extra` further ones (an outline). `translucent` ones are drawn in the layer that
    lies over ray-cast volumes, which know nothing of translucent surfaces in front of them.
    """

    prop: Any

    def __init__(self, device: Device) -> None:
        self.device = device
        self.extra: list[Any] = []
        self._structure: tuple[Any, ...] | None = None
        self._style: tuple[Any, ...] | None = None
        self._renderers: list[tuple[vtkRenderer, Any]] = []
        self._notes = Notes()
        self._preparing = Latest()
        self._clip: Any = None

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """What decides whether the props must be built anew."""
        raise NotImplementedError

    def prepare(self, item: SceneItem) -> Callable[[], Any] | None:
        """Work without VTK props that makes `build` quick; None where there is nothing to do."""
        return None

    @property
    def pending(self) -> bool:
        """Whether something is still being worked on in the background."""
        return self._preparing.pending

    @property
    def ready(self) -> bool:
        """Whether something of that has been finished since the last picture."""
        return self._preparing.ready

    def advance(self) -> bool:
        """Take over what has been finished; whether there was anything."""
        return False

    def mappers(self) -> list[Any]:
        """All mappers, for the clip plane."""
        found = [prop.GetMapper() for prop in (self.prop, *self.extra) if hasattr(prop, "GetMapper")]
        return [m for m in found if m is not None]

    def cut(self, plane: Any) -> None:
        """Clip by a vtkPlane of the scene; None = whole."""
        for mapper in self.mappers():
            known = mapper.GetClippingPlanes()
            count = known.GetNumberOfItems() if known is not None else 0
            if plane is None and count:
                mapper.RemoveAllClippingPlanes()
            elif plane is not None and not count:
                mapper.AddClippingPlane(plane)

    def build(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Create `prop` and `extra`."""
        raise NotImplementedError

    def restyle(self, item: SceneItem, state: Resolved3D, notes: Notes) -> None:
        """Bring colours, sizes and placement up to date."""
        raise NotImplementedError

    def drag(self, interactive: bool) -> None:
        """Called before every picture."""

    def over(self, item: SceneItem) -> bool:
        """Whether it belongs in the layer over ray-cast volumes."""
        return item.display.opacity < 1

    def update(
        self, item: SceneItem, state: Resolved3D, notes: Notes, below: vtkRenderer, above: vtkRenderer
    ) -> None:
        """Apply the difference to the last state. `below`, `above`: the two layers."""
        structure = self.structure(item)
        if structure != self._structure:
            work = self.prepare(item) if state.progressive else None
            if work is not None:
                self._preparing.want(structure, work)
                self._preparing.take()
                if self._preparing.pending:
                    notes.unfinished = True
                    self._tell(notes)
                    return
            self._preparing.forget()
            self._leave()
            self.extra = []
            self._notes = Notes()
            self.build(item, state, self._notes)
            self._structure, self._style = structure, None
        style = (item.display, item.transform.tobytes(), state.origin, state.dpr)
        if style != self._style:
            self._notes.legends.clear()
            self.restyle(item, state, self._notes)
            self._style = style
        self.advance()
        self._tell(notes)
        target = above if self.over(item) else below
        if [r for r, _ in self._renderers] != [target] * (1 + len(self.extra)):
            self._leave()
            for prop in (self.prop, *self.extra):
                target.AddViewProp(prop)
                self._renderers.append((target, prop))

    def _tell(self, notes: Notes) -> None:
        notes.legends.extend(self._notes.legends)
        notes.infos.extend(self._notes.infos)

    @property
    def built(self) -> bool:
        """Whether there are props."""
        return "prop" in self.__dict__

    def release(self) -> None:
        """Leave the scene."""
        self._leave()
        self._preparing.forget()
        self.extra = []
        self.__dict__.pop("prop", None)

    def _leave(self) -> None:
        for renderer, prop in self._renderers:
            renderer.RemoveViewProp(prop)
        self._renderers = []
