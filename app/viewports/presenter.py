"""One object in a 3-D scene: rebuilt when its structure changes, restyled when only its look does."""

from __future__ import annotations

from typing import Any

from vtkmodules.vtkRenderingCore import vtkRenderer

from app.viewports.device import Device
from app.viewports.notes import Notes
from app.viewports.state import Resolved3D, SceneItem


class Presenter:
    """Subclasses say what `structure` is, `build` their props and `restyle` them.

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

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """What decides whether the props must be built anew."""
        raise NotImplementedError

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
        notes.legends.extend(self._notes.legends)
        notes.infos.extend(self._notes.infos)
        target = above if self.over(item) else below
        if [r for r, _ in self._renderers] != [target] * (1 + len(self.extra)):
            self._leave()
            for prop in (self.prop, *self.extra):
                target.AddViewProp(prop)
                self._renderers.append((target, prop))

    def release(self) -> None:
        """Leave the scene."""
        self._leave()
        self.extra = []
        self.__dict__.pop("prop", None)

    def _leave(self) -> None:
        for renderer, prop in self._renderers:
            renderer.RemoveViewProp(prop)
        self._renderers = []
