"""The scene of a 3-D view: one presenter an object, two layers, a light kit, the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkRenderingCore import vtkLightKit, vtkRenderer, vtkRenderWindow

from app.viewports.cap import CapPresenter
from app.viewports.device import Device
from app.viewports.glyph_presenter import GlyphPresenter
from app.viewports.isosurfaces import IsosurfacePresenter, LabelsPresenter
from app.viewports.markups import MarkupPresenter
from app.viewports.motion import value_range
from app.viewports.notes import Notes, guarded
from app.viewports.points import PointsPresenter
from app.viewports.presenter import Presenter
from app.viewports.shared_colors import tell_linked, with_linked_colors
from app.viewports.state import CLEAR, Resolved3D, SceneItem
from app.viewports.stats import attribute_range
from app.viewports.surfaces import GraphPresenter, MeshPresenter
from app.viewports.trajectories import ROUND_POINTS, TrajectoryPresenter
from app.viewports.volumes import VolumePresenter
from core.data import Graph, Markup, Mesh, PointCloud, Trajectory, Transforms, Volume
from core.display import attribute_of

_PRESENTERS: dict[type, type[Presenter]] = {
    Mesh: MeshPresenter,
    PointCloud: PointsPresenter,
    Trajectory: TrajectoryPresenter,
    Graph: GraphPresenter,
    Markup: MarkupPresenter,
}


_AT_REST = 2
"""As many budgets of points at a time are added to a picture at rest: each costs a copy of the picture, too."""


class Scene3D:
    """Owns two renderers of one window; `apply` brings them to a state. Used by one thread only."""

    def __init__(self, window: vtkRenderWindow, device: Device) -> None:
        self._window, self._device = window, device
        self._presenters: dict[str, Presenter] = {}
        self._below, self._above = vtkRenderer(), vtkRenderer()
        self._above.SetActiveCamera(self._below.GetActiveCamera())
        window.SetNumberOfLayers(2)
        self._above.SetLayer(1)
        # The upper layer sees the surfaces of the lower one, but not its volumes, which leave no depth.
        self._above.PreserveDepthBufferOn()
        self._above.InteractiveOff()
        for renderer in (self._below, self._above):
            lights = vtkLightKit()
            lights.SetKeyLightIntensity(0.9)
            lights.SetKeyLightAngle(38, 14)
            lights.SetKeyToFillRatio(3.2)
            lights.SetKeyToHeadRatio(3.4)
            lights.SetKeyLightWarmth(0.53)
            lights.SetFillLightWarmth(0.47)
            renderer.AutomaticLightCreationOff()
            lights.AddLightsToRenderer(renderer)
            window.AddRenderer(renderer)
        self._below.GradientBackgroundOn()
        self._plane = vtkPlane()
        self._state: Resolved3D | None = None
        self._notes = Notes()
        self._more = self._adding = False
        self._hidden: list[Any] = []

    def idle(self, state: Resolved3D) -> bool:
        """Whether a further picture of this state would be the last one again."""
        if state != self._state or self._more:
            return False
        return not any(p.ready for p in self._presenters.values())

    def apply(self, state: Resolved3D) -> Notes:
        """Show `state`; what else is worth knowing about the picture comes back.

        Asked again for the state that it shows, it goes on where it has left off: further points over the picture
        that is there, surfaces that have been contoured meanwhile. `notes.unfinished` says whether that helps.
        """
        again = state == self._state
        if again and self._more and not any(p.ready for p in self._presenters.values()):
            self._add_points()
            return self._notes
        self._whole_again()
        self._state = state
        notes = self._notes = Notes()
        items = with_shared_ranges(with_linked_colors(state).items)
        drawn = [(key, kind, item) for item in items for key, kind in _parts(item, state)]
        for gone in self._presenters.keys() - {key for key, _, _ in drawn}:
            self._presenters.pop(gone).release()
        volumes = any(isinstance(i.data, Volume) and i.display.render == "volume" for i in items)
        plane = self._clip_plane(state)
        translucent = False
        for key, kind, item in drawn:
            presenter = self._presenters.get(key)
            if presenter is not None and type(presenter) is not kind:
                presenter.release()
                presenter = None
            if presenter is None:
                presenter = self._presenters[key] = kind(self._device)
            with guarded(notes, item):
                above = self._above if volumes else self._below
                presenter.update(item, state, notes, self._below, above)
                if presenter.built:
                    presenter.drag(state.interactive)
                    presenter.cut(None if isinstance(item.data, Markup) else plane)
            notes.unfinished = notes.unfinished or presenter.pending
            translucent = translucent or isinstance(item.data, Markup) or item.display.opacity < 1
        notes.legends = list(dict.fromkeys(notes.legends))
        clouds = any(isinstance(i.data, PointCloud) or _is_crowd(i.data) for i in items)
        self._begin_points(state, translucent)
        self._style(state, translucent, smooth=not volumes and not clouds)
        self._aim(state)
        tell_linked(state, notes)
        return notes

    def measured(self, seconds: float, state: Resolved3D) -> None:
        """Tell the scene how long its last picture took."""
        for presenter in self._presenters.values():
            if isinstance(presenter, PointsPresenter) and presenter.built:
                presenter.measured(seconds)

    # -- points that come bit by bit --------------------------------------------------------------------------

    def _clouds(self) -> list[PointsPresenter]:
        found = self._presenters.values()
        return [p for p in found if isinstance(p, PointsPresenter) and p.built]

    def _begin_points(self, state: Resolved3D, translucent: bool) -> None:
        """At rest, software starts with what it drew while moving; everything else draws all points at once."""
        clouds = self._clouds()
        if state.interactive:
            return  # `drag` has chosen the prefix
        stepwise = state.progressive and self._device.software
        for cloud in clouds:
            cloud.show(0, cloud.budget if stepwise else cloud.count)
        self._more = stepwise and any(c.shown_to < c.count for c in clouds)
        # Over translucent things and before them points cannot be added later: there the picture is drawn anew.
        self._adding = not translucent
        self._notes.unfinished = self._notes.unfinished or self._more

    def _add_points(self) -> None:
        """The next points of each cloud into the picture that is there, whose depths still say what is in front."""
        clouds = [c for c in self._clouds() if c.shown_to < c.count]
        if not self._adding:
            for cloud in clouds:
                cloud.show(0, min(2 * cloud.shown_to, cloud.count))
        else:
            if not self._hidden:
                for renderer in (self._below, self._above):
                    renderer.EraseOff()
                    props = renderer.GetViewProps()
                    for k in range(props.GetNumberOfItems()):
                        prop: Any = props.GetItemAsObject(k)
                        if prop.GetVisibility():
                            prop.VisibilityOff()
                            self._hidden.append(prop)
            for cloud in self._clouds():
                cloud.prop.SetVisibility(cloud in clouds)
            for cloud in clouds:
                cloud.show(cloud.shown_to, min(cloud.shown_to + _AT_REST * cloud.budget, cloud.count))
        self._more = any(c.shown_to < c.count for c in clouds)
        waiting = any(p.pending for p in self._presenters.values())
        # Anew: the last notes are in the hands of another thread.
        self._notes = replace(self._notes, unfinished=self._more or waiting)

    def _whole_again(self) -> None:
        """The next picture is drawn from nothing."""
        for prop in self._hidden:
            prop.VisibilityOn()
        self._hidden.clear()
        self._below.EraseOn()
        self._above.EraseOn()
        self._more = False

    def _clip_plane(self, state: Resolved3D) -> Any:
        if state.clip is None:
            return None
        # VTK keeps what lies before a plane, we what lies behind it.
        self._plane.SetOrigin(*(np.asarray(state.clip.origin) - state.origin))
        self._plane.SetNormal(*(-np.asarray(state.clip.normal)))
        return self._plane

    def release(self) -> None:
        """Let go of every VTK object."""
        self._hidden.clear()
        self._state = None
        for presenter in self._presenters.values():
            presenter.release()
        self._presenters.clear()
        for renderer in (self._below, self._above):
            renderer.RemoveAllLights()
            self._window.RemoveRenderer(renderer)
        del self._below, self._above, self._window

    def _style(self, state: Resolved3D, translucent: bool, *, smooth: bool) -> None:
        top, bottom = state.background
        self._below.SetGradientBackground(state.background != CLEAR)
        if state.background == CLEAR:
            self._below.SetBackground(0, 0, 0)
        elif top and bottom:
            self._below.SetBackground2(*_rgb(top))
            self._below.SetBackground(*_rgb(bottom))
        for renderer in (self._below, self._above):
            if renderer.GetUseDepthPeeling() != translucent:
                renderer.SetUseDepthPeeling(translucent)
                renderer.SetMaximumNumberOfPeels(6)
                renderer.SetOcclusionRatio(0.02)
        # It would smear single points, and a ray-cast volume has no edges that need it.
        self._below.SetUseFXAA(smooth and not state.interactive)
        self._window.SetDesiredUpdateRate(12.0 if state.interactive else 1e-4)

    def _aim(self, state: Resolved3D) -> None:
        camera, pose = self._below.GetActiveCamera(), state.camera
        origin = np.asarray(state.origin)
        place = np.asarray(pose.position) - origin
        camera.SetParallelProjection(pose.parallel)
        if pose.parallel:
            camera.SetParallelScale(pose.height / 2)
            # Nothing may come to lie behind the camera when one zooms in, which moves a pose forward.
            place = place + pose.frame()[2] * 2 * state.size
        camera.SetPosition(*place)
        camera.SetFocalPoint(*(np.asarray(pose.focal) - origin))
        camera.SetViewUp(*pose.up)
        camera.SetViewAngle(pose.angle)
        self._below.ResetCameraClippingRange()
        near, far = camera.GetClippingRange()
        low, high = near, far
        if self._above.VisibleActorCount():
            self._above.ResetCameraClippingRange()
            low, high = camera.GetClippingRange()
        camera.SetClippingRange(max(min(near, low), 1e-9), max(far, high))


def with_shared_ranges(items: tuple[SceneItem, ...]) -> tuple[SceneItem, ...]:
    """Objects coloured by the same quantity share one automatic range, and so one legend: two hemispheres with the
    same colour then have the same value."""
    found: dict[tuple[str, str, str], list[Callable[[], tuple[float, float]]]] = {}
    keys: dict[str, tuple[str, str, str]] = {}
    for item in items:
        name = getattr(item.display, "color_by", "")
        attribute = attribute_of(item.data, name) if name else None
        if attribute is None or getattr(item.display, "range", None) is not None:
            continue
        if attribute.transforms is Transforms.LABEL or attribute.values.dtype.kind not in "biufc":
            continue
        keys[item.id] = (name, item.display.colormap, attribute.unit)  # type: ignore[attr-defined]
        moves = isinstance(item.data, Trajectory)
        span = partial(value_range, item.data, name) if moves else partial(attribute_range, attribute)
        found.setdefault(keys[item.id], []).append(span)
    out = []
    for item in items:
        asked = found.get(keys.get(item.id, ("", "", "")), [])
        if (
            len(asked) > 1
        ):  # one alone is not looked through: it may have colours of its own, which need no range
            ranges = [ask() for ask in asked]
            shared = (min(r[0] for r in ranges), max(r[1] for r in ranges))
            item = replace(item, display=replace(item.display, range=shared))  # type: ignore[call-arg]
        out.append(item)
    return tuple(out)


def _parts(item: SceneItem, state: Resolved3D) -> list[tuple[str, type[Presenter]]]:
    """What draws an item: by key, the presenters of the object itself, of its cut and of its glyphs."""
    parts: list[tuple[str, type[Presenter]]] = []
    kind = _PRESENTERS.get(type(item.data))
    if isinstance(item.data, Volume) and item.display.render != "off":
        # By what the volume says alone: its values are looked at only in the background.
        label = item.data.transforms is Transforms.LABEL or item.data.array.dtype.kind == "b"
        if label or item.display.colormap == "labels":
            kind = LabelsPresenter
        else:
            kind = IsosurfacePresenter if item.display.render == "surface" else VolumePresenter
    if kind is not None:
        parts.append((item.id, kind))
        if state.clip is not None and kind in (VolumePresenter, IsosurfacePresenter) and not item.data.rgb:
            parts.append((f"{item.id}/cut", CapPresenter))
    if getattr(item.display, "glyph", ""):
        parts.append((f"{item.id}/glyphs", GlyphPresenter))
    return parts


def _is_crowd(data: object) -> bool:
    """Moving points that are drawn as single pixels rather than as balls with trails."""
    return isinstance(data, Trajectory) and data.positions.shape[1] > ROUND_POINTS


def _rgb(color: str) -> tuple[float, float, float]:
    return tuple(int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))  # type: ignore[return-value]
