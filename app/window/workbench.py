"""What the window knows and does, without widgets: document, selection, jobs, opening, running, sessions.

Panels read `workbench.document`, listen to the signals and call the methods. The document changes on Qt's thread
only, by edits; whatever a job returns after its session was closed is dropped.
"""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal

from app.window.adopt import COURSE, of_inputs, plain_data, replaced, result_items
from app.window.jobs_bridge import JobsBridge
from app.window.linking import Found, Links, find_target
from app.window.placed import beside
from app.window.preferences_values import undo_limit, undo_memory, with_defaults
from app.window.sessions import SESSION, Sessions, with_suffix
from app.window.tasks import LiveCurve, Task
from core.analyses import Description
from core.document import AddItems, Change, Document, Item, SetDisplay, Several, can_be_read_again
from core.errors import printable
from core.jobs import JobFailed, LogLine, Metric, Preview, Progress, Runner, StateChanged
from core.jobs import State as JobState
from core.opening import SAMPLE, items_of
from core.plugins import Analysis, PluginHost, Sample
from core.results import Curve, Heatmap, Histogram, Layer, Number, Result, ResultTable, Scatter, Text
from core.running import Finished, InputRef
from core.settings import Settings

RUN_MODEL = "equivariance.predict"
"""The analysis that runs a user's own model, if its plugin is there."""
HISTORY = 50
"""Finished jobs that are remembered."""
UNDO_KEEPS = 32_000_000
"""Bytes of closed data that their files hold and that stay in memory all the same: undo brings them back at once."""
TIDY_MS = (1000, 5000)
"""From closing something until free memory goes back to the system: once the views have let go of it, and once more
for those that were busy."""
OUTPUTS = (Curve, Scatter, Heatmap, Histogram, ResultTable, Number, Text)
log = logging.getLogger("equiscope.window")


@dataclass(frozen=True)
class Problem:
    """Something to tell the user on a card.

    `text` is one sentence; `choices` are (label, what to do) buttons; `level` is "error", "warn" or "info".
    """

    text: str
    details: str = ""
    level: str = "error"
    choices: tuple[tuple[str, Callable[[], None]], ...] = ()


@dataclass(frozen=True)
class Question:
    """A run that was refused because its model is not trusted.

    `data` as of `core.trust.Untrusted`; `run(hashes)` starts it again with these versions allowed.
    """

    data: dict[str, Any]
    run: Callable[[tuple[str, ...]], object]


class Workbench(QObject):
    """The controller of one window.

    Parameters
    ----------
    runner : runs the tasks of `core.tasks`; owned by the workbench from now on.
    """

    changed = Signal(object)
    """A `core.document.Change`, or None when the whole document was replaced."""
    edited = Signal(object)
    """The `Change` once more, before anybody else hears of it: for the journal."""
    rebased = Signal(object, object)
    """(items, folder): what is open is, but for later edits, what this folder holds; None = belongs to no folder."""
    clean_changed = Signal(bool)
    selection_changed = Signal(object)
    """The id of the current item, or None."""
    problem = Signal(object)
    solved = Signal(object)
    """A problem that is none any more: its card goes."""
    message = Signal(str)
    task_added = Signal(object)
    task_changed = Signal(object)
    task_over = Signal(object)
    adopted = Signal(str)
    """The id of a result's group."""
    opened = Signal(list)
    """Ids of what was just opened."""
    descriptions_changed = Signal()
    point_wanted = Signal(str, int)
    """An item and the number of one of its points: show where it is."""
    session_changed = Signal()
    session_opened = Signal(object)
    """The layout that a session was saved with."""
    saved = Signal()
    idle = Signal()
    """The last running task is over."""
    log_line = Signal(str)
    form_wanted = Signal(str, object)
    """The form of an analysis, by its id, with values of some parameters."""
    trust_wanted = Signal(object)
    """A `Question`: a run waits for the user's trust in its model."""
    found = Signal(object)
    """A `app.window.linking.Found`: the user wants to see it."""

    def __init__(
        self,
        runner: Runner,
        host: PluginHost,
        settings: Settings,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.runner = runner
        self.host = host
        self.settings = settings
        self.document = self._new_document()
        self.session = 0
        self.folder: Path | None = None
        self.selected: str | None = None
        self.tasks: list[Task] = []
        self.descriptions: dict[str, Description] = {}
        self._describing = False
        self.edits = 0
        """How many there were: what is saved is clean only if there were none meanwhile."""
        self._kinds: dict[str, str] | None = None
        self._closed = False
        self._reading_again = False
        self._unread: Problem | None = None
        self._by_handle: dict[str, Task] = {}
        self.links = Links(self)
        self.sessions = Sessions(self)
        self._tidying = [QTimer(self) for _ in TIDY_MS]
        for timer, wait in zip(self._tidying, TIDY_MS, strict=True):
            timer.setSingleShot(True)
            timer.setInterval(wait)
            timer.timeout.connect(_tidy)
        self.bridge = JobsBridge(self)
        self.bridge.events.connect(self._on_events)
        self._listen()

    def close(self) -> None:
        """Cancel what runs and end the workers."""
        if self._closed:
            return
        self._closed = True
        self._silence()
        self.bridge.close()
        self.runner.close()

    # -- document --------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        self.document.changed.connect(self._on_changed)
        self.document.clean_changed.connect(self._on_clean)

    def _silence(self) -> None:
        self.document.changed.disconnect(self._on_changed)
        self.document.clean_changed.disconnect(self._on_clean)

    def _on_changed(self, change: Change) -> None:
        self.edits += 1
        self.edited.emit(change)
        if change.removed:
            self._tidy_later()
        self._look_at_kinds(change)
        if self.selected is not None and self.selected not in self.document:
            self.select(next((i.id for i in self.document if i.parent is None), None))
        elif self.selected is None and change.direction != "apply":  # what undo brings back is shown
            self.select(next((i.id for i in self.document if i.id in change.added), None))
        self.changed.emit(change)

    def _tidy_later(self) -> None:
        for timer in self._tidying:
            timer.start()

    def _on_clean(self, clean: bool) -> None:
        self.clean_changed.emit(clean)

    def _new_document(self, items: Sequence[Item] = ()) -> Document:
        made = Document(items, undo_limit=undo_limit(self.settings), undo_memory=undo_memory(self.settings))
        made.undo_keeps = UNDO_KEEPS
        return made

    def replace_document(self, items: Sequence[Item], folder: Path | None) -> None:
        """Put another document in the place of the one that is open; `folder` is that of its session."""
        self.session += 1
        for task in self.tasks:
            task.cancel()
        self._silence()
        self._tidy_later()
        self.links.forget()
        self.sessions.forget()
        self.document = self._new_document(items)
        self._kinds = None
        self.folder = folder
        self._listen()
        self.selected = None
        self.rebased.emit(tuple(items), folder)
        self.changed.emit(None)
        self.clean_changed.emit(True)
        self.select(next((i.id for i in self.document), None))
        self.session_changed.emit()

    def undo(self) -> None:
        """Take the last edit back; large data that were closed are read again first, in a job."""
        self._step("undo")

    def redo(self) -> None:
        """Do again what was undone last; reads as `undo`."""
        self._step("redo")

    def _step(self, direction: Literal["undo", "redo"]) -> None:
        document = self.document
        step = document.undo if direction == "undo" else document.redo
        items = document.wanting(direction)
        if self._reading_again:
            self.message.emit("What was closed is still being read again")
            return
        if not items:
            step()
            return
        names = printable(items[0].name) if len(items) == 1 else f"{len(items)} items"

        def done(data: list[Any]) -> None:
            # Whoever has gone on working meanwhile has another last edit, or none that wants anything.
            if [i.id for i in document.wanting(direction)] == [i.id for i in items]:
                document.give(direction, dict(zip((i.id for i in items), data, strict=True)))
                step()
                if self._unread is not None:
                    self.solved.emit(self._unread)
                    self._unread = None

        def failed(error: JobFailed) -> None:
            text = f"{names} cannot be brought back: {error}"
            again = ("Try again", partial(self._step_again, direction, items))
            # What came with it (markups that hang below a volume, say) must not be lost for a file that has gone.
            without = (
                f"{direction.capitalize()} without {'it' if len(items) == 1 else 'them'}",
                partial(self._step_again, direction, items, str(error)),
            )
            details = "" if error.refusal else error.details
            self._unread = Problem(text, details, choices=(again, without))
            self.problem.emit(self._unread)

        def over() -> None:
            self._reading_again = False

        self._reading_again = True
        self.submit(
            "read_again",
            {"sources": [i.source for i in items]},
            title=f"Read {names} again",
            on_done=done,
            on_failed=failed,
            on_over=over,
            urgent=True,
        )

    def _step_again(
        self, direction: Literal["undo", "redo"], items: Sequence[Item], without: str = ""
    ) -> None:
        """Try once more to bring `items` back; `without` the data of those whose files have gone, for that reason."""
        document = self.document
        if [i.id for i in document.wanting(direction)] != [i.id for i in items]:
            self.message.emit(f"Something else has been done since; {direction} as usual")
            return
        if without:
            gone = [i for i in items if not can_be_read_again(i)] or items
            document.give_up(direction, {i.id for i in gone}, without)
        self._step(direction)
        if without and document is self.document and self.sessions.missing:
            self.sessions.incomplete.emit()

    @property
    def current(self) -> Item | None:
        """The selected item."""
        return self.document.get(self.selected) if self.selected else None

    def select(self, id: str | None) -> None:
        """Make an item the current one."""
        if id is not None and id not in self.document:
            id = None
        if id != self.selected:
            self.selected = id
            self.selection_changed.emit(id)

    @property
    def name(self) -> str:
        """The session's name for the title bar."""
        return self.folder.name.removesuffix(SESSION) if self.folder else "untitled"

    # -- jobs ------------------------------------------------------------------------------------------------

    def submit(
        self,
        task: str,
        payload: Mapping[str, Any],
        *,
        title: str,
        on_done: Callable[[Any], None],
        on_failed: Callable[[JobFailed], None] | None = None,
        on_over: Callable[[], None] | None = None,
        shown: bool = True,
        device: str = "cpu",
        seed: int = 0,
        urgent: bool = False,
        again: Callable[[], object] | None = None,
    ) -> Task:
        """Start a task. `again` starts the same once more (kept with it, so it should hold no arrays).
        An `urgent` one waits for no analysis.

        `on_done` is called with its value, on Qt's thread, unless the session has gone by then;
        `on_failed` replaces the error card; `on_over` is called in every case."""
        handle = self.runner.submit(
            task,
            payload,
            title=title,
            device=device,
            seed=seed,
            urgent=urgent,
            listener=self.bridge.listener,
        )
        made = Task(
            handle,
            task,
            title,
            shown,
            self.session,
            on_done,
            on_failed or partial(self.show_failure, title),
            on_over or _nothing,
            again=again,
        )
        self._by_handle[handle.id] = made
        self.tasks.append(made)
        self.task_added.emit(made)
        return made

    def show_failure(self, title: str, error: JobFailed) -> None:
        """A card for a job that failed; the details go to the log, too."""
        # For want of memory: the sentence itself does not know what it is about.
        named = not error.refusal or error.kind == "MemoryError"
        text = f"{title}: {error}" if named else str(error)
        self.problem.emit(Problem(text, "" if error.refusal else error.details))
        if error.details:
            log.log(logging.INFO if error.refusal else logging.WARNING, "%s\n%s", text, error.details)

    @property
    def busy(self) -> bool:
        """Whether a task is waiting or running."""
        return any(not t.over for t in self.tasks)

    def _on_events(self, events: list[tuple[Any, Any]]) -> None:
        touched: dict[str, Task] = {}
        for handle, event in events:
            task = self._by_handle.get(handle.id)
            if task is None or self._closed:
                continue
            if isinstance(event, StateChanged):
                task.state = event.state
                if task.over:
                    touched.pop(handle.id, None)
                    self._finish(task)
                    continue
            elif isinstance(event, Progress):
                task.progress = event
            elif isinstance(event, Metric):
                task.curves.setdefault(event.name, LiveCurve()).add(event)
            elif isinstance(event, Preview):
                task.previews[getattr(event.output, "name", "")] = event.output
            elif isinstance(event, LogLine):
                task.lines.append(event.text)
                self.log_line.emit(f"{task.title}: {event.text}")
            touched[handle.id] = task
        for task in touched.values():
            self.task_changed.emit(task)

    def _finish(self, task: Task) -> None:
        if task.handle is not None:
            del self._by_handle[task.handle.id]
        value = task.forget()
        if task.error is not None and task.error.kind == "Untrusted":
            task.shown = False  # a question, and no failure
        self.task_over.emit(task)
        on_done, on_failed, on_over = task.on_done, task.on_failed, task.on_over
        task.on_done, task.on_failed, task.on_over = _ignore, _ignore, _nothing
        if task.session == self.session:
            if task.state is JobState.DONE:
                on_done(value)
            elif task.state is JobState.FAILED and task.error is not None:
                on_failed(task.error)
        on_over()
        self._forget_old()
        if not self.busy:
            self.idle.emit()

    def _forget_old(self) -> None:
        """Finished tasks are kept for the history; the oldest go, never one that still waits or runs."""
        over = [t for t in self.tasks if t.over]
        gone = set(map(id, over[:-HISTORY]))
        self.tasks[:] = [t for t in self.tasks if id(t) not in gone]

    def forget_finished(self) -> None:
        """Clear the history."""
        self.tasks[:] = [t for t in self.tasks if not t.over]

    def cancel_all(self) -> None:
        """Ask every job in the list to stop: first those that wait, so that none of them starts meanwhile."""
        for task in sorted(self.tasks, key=lambda t: t.state is not JobState.QUEUED):
            if task.shown and not task.over:
                task.cancel()

    # -- opening ---------------------------------------------------------------------------------------------

    def open_paths(
        self,
        paths: Sequence[str | Path],
        *,
        reader: str | None = None,
        kind: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        """Open files, folders, sessions and `sample:ID`s; each file is a job of its own.

        `reader`, `kind` and `options` as for `core.opening.open_path`.
        """
        absolute = [_absolute(str(p)) for p in paths]
        sessions = [p for p in absolute if p.endswith(SESSION)]
        rest = [p for p in absolute if not p.endswith(SESSION)]
        if sessions:
            self.open_session(sessions[0])
            if len(absolute) > 1:
                text = "A session was opened alone; open the other files after it."
                self.problem.emit(Problem(text, level="warn"))
            return
        if not rest:
            return
        how = {"reader": reader, "kind": kind, "options": dict(options or {})}
        if reader is not None or not any(Path(p).is_dir() for p in rest):
            self._open_each(how, rest)
            return
        self.submit(
            "expand", {"paths": rest}, title="Look into folders", on_done=partial(self._open_each, how)
        )

    def _open_each(self, how: Mapping[str, Any], paths: Sequence[str]) -> None:
        waiting: dict[int, Callable[[], None]] = {}
        arrived = 0

        def opened(place: int, what: Any) -> None:
            arrive(place, partial(self._on_opened, what))

        def arrive(place: int, what: Callable[[], None]) -> None:
            nonlocal arrived
            if place >= arrived:
                waiting.setdefault(place, what)
            while arrived in waiting:
                arrived += 1
                waiting.pop(arrived - 1)()

        # Several are read at once; they come into the document in the order in which they were named.
        for place, path in enumerate(paths):
            self.submit(
                "open_path",
                {"path": path, **how},
                title=f"Open {self._name_of(path)}",
                again=partial(self._open_each, how, [path]),
                on_done=partial(opened, place),
                on_failed=partial(self._on_open_failed, path),
                on_over=partial(arrive, place, _nothing),
            )

    def _name_of(self, path: str) -> str:
        if path.startswith(SAMPLE):
            titles = {s.id: s.title for s in self.host.samples}
            return titles.get(path.removeprefix(SAMPLE), path)
        return printable(Path(path).name)

    def _on_opened(self, opened: Any) -> None:
        from app.window.kinds import named_apart

        items = named_apart(with_defaults(items_of(opened), self.settings), self.document)
        if not items:
            return
        is_file = not opened.path.startswith(SAMPLE)
        name = printable(Path(opened.path).name) if is_file else items[0].name
        self.document.add(*items, title=f"Open {name}")
        if is_file:
            self.settings.add_recent(opened.path)
        self.select(items[0].id)
        self.opened.emit([i.id for i in items])

    def _on_open_failed(self, path: str, error: JobFailed) -> None:
        if error.kind == "AmbiguousFile" and error.data:
            choices = tuple(
                (title, partial(self.open_paths, [path], reader=reader)) for reader, title in error.data
            )
            text = f"{printable(Path(path).name)} can be read in several ways. Open as…"
            self.problem.emit(Problem(text, level="info", choices=choices))
            return
        if error.kind == "HoldsCode" and any(a.id == RUN_MODEL for a in self.host.analyses):
            ask = partial(self.form_wanted.emit, RUN_MODEL, {"model": path})
            self.problem.emit(Problem(str(error), level="warn", choices=(("Run it, if I trust it…", ask),)))
            return
        self.show_failure(f"{printable(Path(path).name)} cannot be opened", error)

    def open_sample(self, sample: Sample) -> None:
        """Make or find a sample and open it."""
        self.open_paths([SAMPLE + sample.id])

    # -- analyses --------------------------------------------------------------------------------------------

    def load_descriptions(self) -> None:
        """Ask a worker for the descriptions of all analyses, once."""
        if self.descriptions or self._describing:
            return
        self._describing = True
        self.submit(
            "describe",
            {},
            title="Load analyses",
            on_done=self._on_described,
            on_over=self._on_describe_over,
            shown=False,
        )

    def _on_described(self, plain: list[dict[str, Any]]) -> None:
        self.descriptions = {d["id"]: msgspec.convert(d, Description) for d in plain}
        self.descriptions_changed.emit()

    def _on_describe_over(self) -> None:
        self._describing = False

    def why_not(self, analysis: Analysis) -> str:
        """Why an analysis cannot be run with what is open, as the end of a phrase; "" if it can."""
        missing = self.host.missing(analysis)
        if missing:
            return missing
        pool = list(self._kinds_open().values())
        description = self.descriptions.get(analysis.id)
        for number, accepted in enumerate(analysis.inputs):
            found = next((k for k in pool if k in accepted), None)
            if found is not None:
                pool.remove(found)
            elif description is None or not description.inputs[number].optional:
                earlier = any(set(accepted) & set(other) for other in analysis.inputs[:number])
                article = "another" if earlier else "a"
                return f"needs {article} {_any_of(accepted)} to be open"
        return ""

    def _kinds_open(self) -> dict[str, str]:
        """The kinds of all items with data, by id: every edit asks for them, for every analysis."""
        if self._kinds is None:
            self._kinds = {i.id: self._kind(i) for i in self.document if i.data is not None}
        return self._kinds

    def _look_at_kinds(self, change: Change) -> None:
        """Again only where something may be of another kind now."""
        known = self._kinds
        if change.added or change.removed:
            self._kinds = None
        elif known is not None:
            for id in change.updated:
                item = self.document[id]
                if (item.data is not None) != (id in known) or (
                    id in known and self._kind(item) != known[id]
                ):
                    self._kinds = None
                    return

    @staticmethod
    def _kind(item: Item) -> str:
        from app.window.kinds import kind_of_item

        return kind_of_item(item)

    def fitting(self, kinds: Sequence[str]) -> list[Item]:
        """The open items whose kind is one of `kinds`, in order."""
        return [i for i in self.document if i.data is not None and self._kind(i) in kinds]

    def run(
        self,
        description: Description,
        inputs: Sequence[str],
        values: Mapping[str, Any],
        *,
        seed: int = 0,
        device: str = "cpu",
        trusted: Sequence[str] = (),
    ) -> Task:
        """Run an analysis on open items; its result becomes one edit.

        `trusted` are versions of models of the user's own that may run, this once; one that she does not trust
        makes `trust_wanted` ask her."""
        items = [self.document[i] for i in inputs]
        # What was edited stands in no file: a record that named one could not be replayed.
        # Nor does what was moved against the first input stand there as the analysis sees it.
        refs = []
        for item in items:
            data, moved = beside(item, items[0])
            refs.append(InputRef(item.name, data, None if item.edited or moved else item.source))
        payload = {
            "analysis": description.id,
            "inputs": refs,
            "parameters": dict(values),
            "trusted": list(trusted),
        }
        title = description.title.rstrip("…. ")

        course: dict[str, LiveCurve] = {}

        def done(finished: Any) -> None:
            task.result = self._on_run_done(title, items, course, finished)

        again = partial(self._run_again, description, [i.id for i in items], dict(values), seed, device)

        def failed(error: JobFailed) -> None:
            if error.kind == "Untrusted" and error.data and not trusted:
                self.trust_wanted.emit(Question(error.data, again))
            else:
                self.show_failure(of_inputs(title, items), error)

        task = self.submit(
            "run",
            payload,
            title=of_inputs(title, items),
            on_done=done,
            on_failed=failed,
            device=device,
            seed=seed,
            again=again,
        )
        task.curves = course
        task.transform = items[0].transform if items else None
        return task

    def _run_again(
        self,
        description: Description,
        inputs: list[str],
        values: dict[str, Any],
        seed: int,
        device: str,
        trusted: tuple[str, ...] = (),
    ) -> None:
        if any(i not in self.document for i in inputs):
            self.problem.emit(Problem("What that run took is no longer open; open it first.", level="warn"))
        else:
            self.run(description, inputs, values, seed=seed, device=device, trusted=trusted)

    def _on_run_done(
        self, title: str, inputs: list[Item], course: Mapping[str, LiveCurve], finished: Any
    ) -> str:
        items = with_defaults(result_items(title, finished, inputs, course), self.settings)
        adding = AddItems(items, title=title)
        now = [self.document[i.id] for i in inputs if i.id in self.document]
        hidden = [
            SetDisplay(i.id, i.display, replace(i.display, visible=False)) for i in replaced(finished, now)
        ]
        self.document.apply(
            Several((adding, *hidden), title) if hidden and len(now) == len(inputs) else adding
        )
        self.select(items[0].id)
        self.adopted.emit(items[0].id)
        return items[0].id

    def go_to(self, of: str, target: str) -> None:
        """Show what a point of a plot, or a row of a table, stands for; `of` is the plot's or the table's id."""
        item = self.document.get(of)
        found: Found | None = find_target(self.document, item, target) if item is not None else None
        if found is None:
            self.message.emit("What it stands for is not open any more")
        else:
            self.found.emit(found)

    # -- writing and sessions --------------------------------------------------------------------------------

    def export(self, id: str, path: str, writer: str | None = None) -> None:
        """Write an item's data to a file."""
        item = self.document[id]
        payload = {
            "data": plain_data(item),
            "path": path,
            "writer": writer,
            "metadata": dict(item.metadata),
        }
        name = printable(Path(path).name)
        self.submit(
            "write",
            payload,
            title=f"Write {name}",
            on_done=lambda _path: self.message.emit(f"{name} written"),
        )

    def export_result(self, group: str, folder: Path) -> Task:
        """Write everything that a run found into a folder, as the command line's `run` does."""
        item = self.document[group]
        outputs = []
        for child in self.document.children(group):
            data = child.data
            if data is None or (isinstance(data, Curve) and child.name.startswith(COURSE)):
                continue
            outputs.append(data if isinstance(data, OUTPUTS) else Layer(child.name, data))
        result = Result(dict(item.metadata.get("values", {})), tuple(outputs), item.warnings)
        return self.submit(
            "write_result",
            {"finished": Finished(result, dict(item.record or {})), "folder": str(folder)},
            title=f"Write {folder.name}",
            on_done=lambda _folder: self.message.emit(f"{folder} written"),
        )

    def save_session(self, folder: str | Path, layout: Mapping[str, Any], *, overwrite: bool = False) -> Task:
        """Save what is open into `folder`; the document is clean afterwards unless it changed meanwhile.

        If somebody else has saved it there since it was opened here, nothing is written and `sessions.conflict` says
        so; `overwrite` replaces it all the same.
        """
        return self.sessions.save(with_suffix(folder), layout, overwrite=overwrite)

    def open_session(self, folder: str | Path) -> Task:
        """Replace what is open by a saved session. Ask about unsaved changes before calling this."""
        return self.sessions.open(Path(folder))

    def adopt(self, loaded: Any, folder: Path | None) -> None:
        """Replace what is open by what was recovered after a crash; it is saved nowhere as it is."""
        self.replace_document(loaded.items, folder)
        self.document.mark_unsaved()
        self.sessions.recovered(loaded.stamp, loaded.left_out)
        self.session_opened.emit(dict(loaded.layout))
        told = {f"{i.name} has no data: {i.missing.reason}" for i in loaded.items if i.missing is not None}
        for text in loaded.problems:
            if text not in told:  # the dialog lists them
                self.problem.emit(Problem(text, level="warn"))
        if told:
            self.sessions.incomplete.emit()

    def new_session(self) -> None:
        """Close everything that is open. Ask about unsaved changes before calling this."""
        self.replace_document((), None)


def _absolute(path: str) -> str:
    return path if path.startswith(SAMPLE) else str(Path(path).expanduser().absolute())


def _any_of(kinds: Sequence[str]) -> str:
    from app.window.kinds import any_of

    return any_of(kinds)


def _ignore(_value: Any) -> None:
    return None


def _nothing() -> None:
    return None


def _tidy() -> None:
    """Give back what was closed: what hangs in cycles, then free pages (in a thread, with Python's lock free)."""
    from core.heap import trim

    gc.collect()
    threading.Thread(target=trim, daemon=True, name="trim").start()
