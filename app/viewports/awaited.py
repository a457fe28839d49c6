"""What is made in the background and shown when it is there: glyphs, the values on a cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import numpy as np

from app.viewports.background import Latest
from app.viewports.device import Device
from app.viewports.presenter import Presenter
from app.viewports.state import Resolved3D, SceneItem

T = TypeVar("T")


class AwaitedPresenter(Presenter, Generic[T]):
    """The last result stays until the next is there, or has failed.

    Subclasses call `_want` from `restyle` and say how a result is shown, None for one that holds nothing.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._latest = Latest()
        self._made: T | None = None
        self._origin = np.zeros(3)

    def structure(self, item: SceneItem) -> tuple[Any, ...]:
        """One prop shows whatever there is."""
        return ()

    def _show(self, made: T | None) -> None:
        """Bring the prop to a result."""
        raise NotImplementedError

    def _want(self, key: tuple[Any, ...], make: Callable[[], T | None], state: Resolved3D) -> None:
        """Ask for what `make` gives; at once where the picture has to be complete."""
        self._origin = np.asarray(state.origin)
        self._latest.want(key, lambda: (make(),))
        if not state.progressive:
            self._take(wait=True)

    def advance(self) -> bool:
        """Take over what is finished."""
        return self._take()

    @property
    def pending(self) -> bool:
        """Whether another one is on its way."""
        return self._latest.pending

    @property
    def ready(self) -> bool:
        """Whether it has arrived."""
        return self._latest.ready

    def over(self, item: SceneItem) -> bool:
        """It is solid, whatever its object is: it can be seen inside it."""
        return False

    def release(self) -> None:
        """Also what is on its way."""
        self._latest.forget()
        self._made = None
        super().release()

    def _take(self, wait: bool = False) -> bool:
        try:
            found = self._latest.take(wait)
        except Exception:
            # Whatever went wrong, the last one would show what is not true any more; `guarded` tells the person.
            self._made = None
            self._show(None)
            self._notes.infos = []  # not that there is nothing: that it failed
            raise
        if found is None:
            return False
        (self._made,) = found
        self._show(self._made)
        return True
