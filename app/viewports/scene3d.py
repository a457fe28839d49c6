"""The scene of a 3-D view: one presenter an object, two layers, a light kit, the camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from vtkmodules.vtkRenderingCore import vtkLightKit, vtkRenderer, vtkRenderWindow

from app.viewports.device import Device
from app.viewports.markups import MarkupPresenter
from app.viewports.notes import Notes, guarded
from app.viewports.points import PointsPresenter
from app.viewports.presenter import Presenter
from app.viewports.shared_colors import tell_linked, with_linked_colors
from app.viewports.state import Resolved3D, SceneItem
from app.viewports.stats import attribute_range
from app.viewports.surfaces import GraphPresenter, MeshPresenter
from app.viewports.trajectories import ROUND_POINTS, TrajectoryPresenter
from app.viewports.volumes import VolumePresenter
from core.data import Graph, Markup, Mesh, PointCloud, Trajectory, Transforms, Volume
from core.display import attribute_of

_PRESENTERS: dict[type, type[Presenter]] = {
    Volume: VolumePresenter,
    Mesh: MeshPresenter,
    PointCloud: PointsPresenter,
    Trajectory: TrajectoryPresenter,
    Graph: GraphPresenter,
    Markup: MarkupPresenter,
}


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

    def apply(self, state: Resolved3D) -> Notes:
        """Show `state`; what else is worth knowing about the picture comes back."""
        notes = Notes()
        state = with_linked_colors(state)
        items = with_shared_ranges(state.items)
        wanted = {i.id: i for i in items}
        for gone in self._presenters.keys() - wanted.keys():
            self._presenters.pop(gone).release()
        volumes = any(isinstance(i.data, Volume) and i.display.render == "volume" for i in state.items)
        translucent = False
        for item in items:
            kind = _PRESENTERS.get(type(item.data))
            if kind is None:
                continue
            presenter = self._presenters.get(item.id)
            if presenter is not None and type(presenter) is not kind:
                presenter.release()
                presenter = None
            if presenter is None:
                presenter = self._presenters[item.id] = kind(self._device)
            with guarded(notes, item):
                above = self._above if volumes else self._below
                presenter.update(item, state, notes, self._below, above)
                presenter.drag(state.interactive)
            notes.legends = list(dict.fromkeys(notes.legends))
            translucent = translucent or isinstance(item.data, Markup) or item.display.opacity < 1
        clouds = any(isinstance(i.data, PointCloud) or _is_crowd(i.data) for i in items)
        self._style(state, translucent, smooth=not volumes and not clouds)
        self._aim(state)
        tell_linked(state, notes)
        return notes

    def measured(self, seconds: float, state: Resolved3D) -> None:
        """Tell the scene how long its last picture took."""
        if state.interactive:
            for presenter in self._presenters.values():
                if isinstance(presenter, PointsPresenter):
                    presenter.measured(seconds)

    def release(self) -> None:
        """Let go of every VTK object."""
        for presenter in self._presenters.values():
            presenter.release()
        self._presenters.clear()
        for renderer in (self._below, self._above):
            renderer.RemoveAllLights()
            self._window.RemoveRenderer(renderer)
        del self._below, self._above, self._window

    def _style(self, state: Resolved3D, translucent: bool, *, smooth: bool) -> None:
        top, bottom = state.background
        if top and bottom:
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
        camera.SetPosition(*(np.asarray(pose.position) - origin))
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
    found: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    keys: dict[str, tuple[str, str, str]] = {}
    for item in items:
        name = getattr(item.display, "color_by", "")
        attribute = attribute_of(item.data, name) if name else None
        if attribute is None or getattr(item.display, "range", None) is not None:
            continue
        if attribute.transforms is Transforms.LABEL or attribute.values.dtype.kind not in "biufc":
            continue
        keys[item.id] = (name, item.display.colormap, attribute.unit)  # type: ignore[attr-defined]
        found.setdefault(keys[item.id], []).append(attribute_range(attribute))
    out = []
    for item in items:
        ranges = found.get(keys.get(item.id, ("", "", "")), [])
        if len(ranges) > 1:
            span = (min(r[0] for r in ranges), max(r[1] for r in ranges))
            item = replace(item, display=replace(item.display, range=span))  # type: ignore[call-arg]
        out.append(item)
    return tuple(out)


def _is_crowd(data: object) -> bool:
    """Moving points that are drawn as single pixels rather than as balls with trails."""
    return isinstance(data, Trajectory) and data.positions.shape[1] > ROUND_POINTS


def _rgb(color: str) -> tuple[float, float, float]:
    return tuple(int(color[k : k + 2], 16) / 255 for k in (1, 3, 5))  # type: ignore[return-value]
