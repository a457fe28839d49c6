"""Three ways to begin, each live on a sample: open, annotate, compare a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QTimer

from app.window.kinds import kind_of_item
from app.window.workbench import Problem
from core.document import Item
from core.plugins import Analysis, Sample

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

VOLUMES = ("volumes.mni152", "volumes.phantom")
"""What is annotated: the first that is installed; the phantom needs nothing but the program."""
PAIR, COMPARE = "checkpoints.cnn-pair", "checkpoints.compare"
TOOL, OTHER_TOOL = "markups.line", "markups.plane"
DRAW = (
    "Draw the midline of this brain: click its front end in the axial view, then its back end.\n"
    "Drag an end to correct it. The wheel scrolls, Ctrl+Z takes back, Escape puts the tool away."
)
LOOK = (
    "Four linked views: the wheel scrolls, Ctrl+wheel zooms, a right-drag sets the window, "
    "a click moves the crosshair in all of them."
)
COMPARED = (
    "Two trained networks, compared tensor by tensor: the figures stand under Results, the plots and tables in "
    "the data tree. The form takes checkpoints of your own."
)


class Beginnings:
    """The flows of the start page; also commands."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._workbench = window.workbench
        self._next: Callable[[list[Item]], bool] | None = None
        self._workbench.opened.connect(self._on_opened)
        self._workbench.idle.connect(self._drop_next)
        self._workbench.session_changed.connect(self._forget)
        self._workbench.descriptions_changed.connect(self._on_described)
        self._waiting: tuple[str, str] | None = None

    def sample(self, *ids: str) -> Sample | None:
        """The first of these samples that is installed with all it needs."""
        host = self._workbench.host
        known = {s.id: s for s in host.samples if not host.missing(s)}
        return next((known[id] for id in ids if id in known), None)

    def _analysis(self) -> Analysis | None:
        return next((a for a in self._workbench.host.analyses if a.id == COMPARE), None)

    # -- annotate --------------------------------------------------------------------------------------------

    def why_no_annotation(self) -> str:
        """Why there is nothing to annotate, "" if there is."""
        return "" if self.sample(*VOLUMES) is not None else "no plugin brings a volume to try it on"

    def annotate(self) -> None:
        """A brain in four views, a tool in the hand and a hint what to do with it."""
        sample = self.sample(*VOLUMES)
        if sample is not None:
            self._begin(sample, self._annotate)

    def _annotate(self, items: list[Item]) -> bool:
        volume = next((i for i in items if kind_of_item(i) == "volume"), None)
        if volume is None:
            return False
        self._workbench.select(volume.id)
        self._window.centre.choose_layout("four")
        # Once the views have the volume: a tool asks what is under it.
        QTimer.singleShot(0, self._window, self._take_tool)
        return True

    def _take_tool(self) -> None:
        tool = self._window.commands.get(TOOL)
        usable = tool is not None and tool.isEnabled()
        choices: tuple[tuple[str, Callable[[], None]], ...] = (("Keys and mouse", self._window.show_keys),)
        if tool is not None and usable:
            if not tool.isChecked():
                tool.trigger()
            other = self._window.commands.get(OTHER_TOOL)
            if other is not None:
                choices = (("Place a plane instead", other.trigger), *choices)
        self._window.show_problem(Problem(DRAW if usable else LOOK, level="info", choices=choices))

    # -- compare a model -------------------------------------------------------------------------------------

    def why_no_comparison(self) -> str:
        """Why nothing can be compared, "" if it can."""
        analysis = self._analysis()
        if analysis is None or self.sample(PAIR) is None:
            return "no plugin brings a pair of checkpoints and their comparison"
        return self._workbench.host.missing(analysis)

    def compare(self) -> None:
        """Two small networks, compared; the result shown."""
        sample = self.sample(PAIR)
        if sample is not None and self._analysis() is not None:
            self._begin(sample, self._compare)

    def _compare(self, items: list[Item]) -> bool:
        pair = [i.id for i in items if kind_of_item(i) == "checkpoint"][:2]
        if len(pair) < 2:
            return False
        self._waiting = (pair[0], pair[1])
        if self._workbench.descriptions:
            self._on_described()
        else:
            self._workbench.load_descriptions()
        return True

    def _on_described(self) -> None:
        waiting, self._waiting = self._waiting, None
        description = self._workbench.descriptions.get(COMPARE)
        analysis = self._analysis()
        if waiting is None or description is None or analysis is None:
            return
        if any(id not in self._workbench.document for id in waiting):
            return
        self._window.choose_analysis(analysis)
        self._workbench.run(description, waiting, {})
        self._window.docks["results"].show()
        self._window.show_problem(Problem(COMPARED, level="info"))

    # -- one after the other ---------------------------------------------------------------------------------

    def _begin(self, sample: Sample, then: Callable[[list[Item]], bool]) -> None:
        self._next = then
        self._workbench.open_sample(sample)

    def _on_opened(self, ids: list[str]) -> None:
        document = self._workbench.document
        items: list[Item] = [i for i in map(document.get, ids) if i is not None]
        if self._next is not None and self._next(items):
            self._next = None

    def _drop_next(self) -> None:
        """The sample could not be opened, or was cancelled: what is opened later is not meant."""
        self._next = None

    def _forget(self, _folder: Any = None) -> None:
        self._next, self._waiting = None, None
