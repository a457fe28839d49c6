"""Batches of the window: each is the command `equiscope batch` in a process of its own, and the panel looks at it.

The driver belongs to nobody: it outlives a window that crashes, or is told to go on when the window closes.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog

from app.theme import Metrics
from app.window.adopt import result_items
from app.window.batch_where import KEPT
from app.window.preferences_values import with_defaults
from app.window.workbench import Problem
from core.document import AddItems
from core.errors import printable
from core.opening import SAMPLE, split_address

if TYPE_CHECKING:
    from app.panels.batch.model import Row
    from app.window.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[2]
HEIGHT = 300
"""Of the panel when it comes up, at a 13 px font: some ten rows."""


LAST = "batch-last"
"""The setting that names the folder of the batch that was shown last."""


@dataclass
class Driver:
    """A process that this window has started; `words` is its command without "equiscope"."""

    popen: subprocess.Popen[bytes]
    said: IO[bytes]
    folder: Path
    words: list[str]


class Batches(QObject):
    """Starts, stops and follows batches for a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._drivers: list[Driver] = []
        self._commands: dict[Path, list[str]] = {}
        self._at_close = "keep"
        self._clock = QTimer(self)
        self._clock.setInterval(200)
        self._clock.timeout.connect(self._look)
        panel = window.batch
        panel.new_wanted.connect(self.ask_new)
        panel.open_wanted.connect(self.ask_open)
        panel.last_wanted.connect(self.open_last)
        last = window.workbench.settings.get(LAST)
        if isinstance(last, str) and last:
            panel.offer(Path(last))
        panel.stop_wanted.connect(self.stop)
        panel.resume_wanted.connect(self.resume)
        panel.retry_wanted.connect(self.retry)
        panel.copy_wanted.connect(self.copy_command)
        panel.summary_wanted.connect(self.open_summary)
        panel.case_wanted.connect(self.open_case)
        panel.input_wanted.connect(self.open_input)
        panel.changed.connect(window.commands.refresh)

    # -- beginning -------------------------------------------------------------------------------------------

    def ask_new(self) -> None:
        """The dialog "Run on many files"."""
        from app.window.batch_dialog import BatchDialog

        self._window.show_once(BatchDialog, lambda: BatchDialog(self._window, self))

    def ask_open(self) -> None:
        """Choose the folder of a batch."""
        start = str(self._window.workbench.settings.folder("batch-folder", "export-folder"))
        path = QFileDialog.getExistingDirectory(self._window, "Open the folder of a batch", start)
        if path:
            self.open(Path(path))

    def open(self, folder: Path) -> None:
        """Show the batch in a folder."""
        self._window.workbench.settings.set("batch-folder", str(folder.parent))
        self._show(folder)

    def open_last(self) -> None:
        """Show the batch again that was shown last; it may still run."""
        last = self._window.workbench.settings.get(LAST)
        if isinstance(last, str) and last:
            self._show(Path(last))

    def start(self, words: Sequence[str], folder: Path) -> None:
        """Run `equiscope WORDS…`, a batch that writes to `folder`, and show it."""
        folder = folder.absolute()
        said = tempfile.TemporaryFile()  # a file, not a pipe: it holds what is written also when nobody reads
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH")) if p)
        try:
            popen = subprocess.Popen(
                [sys.executable, "-P", "-m", "app", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment,
                cwd=Path.home(),
                start_new_session=True,  # neither Ctrl+C nor the end of the window's terminal ends it
            )
        except OSError as error:
            said.close()
            text = f"The batch cannot be started ({error.strerror or error})."
            self._window.workbench.problem.emit(Problem(text))
            return
        self._drivers.append(Driver(popen, said, folder, list(words)))
        if "--resume" not in words:
            self._commands[folder] = ["equiscope", *words]
        self._clock.start()
        self._show(folder, starting=True)

    def _show(self, folder: Path, *, starting: bool = False) -> None:
        dock = self._window.docks["batch"]
        hidden = dock.isHidden()
        dock.show()
        dock.raise_()
        if hidden:
            # Not before the layout has given it a place.
            QTimer.singleShot(0, dock, self._make_room)
        self._window.batch.follow(folder.absolute(), starting=starting)
        self._window.workbench.settings.set(LAST, str(folder.absolute()))

    def _make_room(self) -> None:
        dock = self._window.docks["batch"]
        least = Metrics.of(dock.font()).px(HEIGHT)
        if not dock.isFloating() and dock.height() < least:
            self._window.resizeDocks([dock], [least], Qt.Orientation.Vertical)

    def _look(self) -> None:
        """Who has ended, and what became of it."""
        for driver in [d for d in self._drivers if d.popen.poll() is not None]:
            self._drivers.remove(driver)
            self._tell(driver)
        if not self._drivers:
            self._clock.stop()

    def _tell(self, driver: Driver) -> None:
        driver.said.seek(0)
        lines = driver.said.read().decode(errors="replace").splitlines()
        driver.said.close()
        panel, workbench = self._window.batch, self._window.workbench
        if panel.folder == driver.folder:
            panel.hurry()
            panel.started()
        code = driver.popen.returncode
        name = printable(driver.folder.name)
        told = [line.removeprefix("equiscope: ") for line in lines if line.startswith("equiscope: ")]
        for note in (line.removeprefix("note: ") for line in lines if line.startswith("note: ")):
            workbench.log_line.emit(f"Batch {name}: {note}")
        if code == 0:
            workbench.message.emit(f"Batch {name} is done")
        elif code in (128 + signal.SIGINT, 128 + signal.SIGTERM):
            workbench.message.emit(f"Batch {name} stopped; Resume goes on")
        elif told and "cases failed, for the reasons" in told[-1]:
            failed = told[-1].partition(",")[0]
            workbench.problem.emit(Problem(f"Batch {name}: {failed}; the panel says why.", level="warn"))
        else:
            text = told[-1] if told else f"It ended unexpectedly ({code}); Resume goes on."
            workbench.problem.emit(Problem(f"Batch {name}: {text}", "\n".join(lines[-40:])))

    # -- what is shown ---------------------------------------------------------------------------------------

    def stop(self) -> None:
        """Stop the batch that is shown, whoever runs it."""
        panel = self._window.batch
        own = next((d for d in self._drivers if d.folder == panel.folder), None)
        if own is not None:
            own.popen.send_signal(signal.SIGINT)
            self._window.workbench.message.emit("Stopping…")
            return
        holder = panel.news.holder
        if not holder:
            return
        if holder.get("host") != socket.gethostname():
            text = f"This batch is run on {holder.get('host', 'another machine')}; stop it there."
            self._window.workbench.problem.emit(Problem(text, level="warn"))
            return
        try:
            os.kill(int(holder["pid"]), signal.SIGINT)
            self._window.workbench.message.emit("Stopping…")
        except (OSError, KeyError, ValueError) as error:
            text = f"The process that runs this batch cannot be stopped ({error})."
            self._window.workbench.problem.emit(Problem(text, level="warn"))

    def resume(self) -> None:
        """Run what is left."""
        self._again()

    def retry(self) -> None:
        """Run the failed cases again."""
        self._again("--retry-failed")

    def _again(self, *more: str) -> None:
        folder = self._window.batch.folder
        if folder is not None and not self._window.batch.live:
            self.start(["batch", "--resume", str(folder), *more, *self._where()], folder)

    def _where(self) -> list[str]:
        """Where it ran last."""
        kept = self._window.workbench.settings.get(KEPT)
        kept = kept if isinstance(kept, dict) else {}
        driver = self._window.batch.news.driver
        if driver.where == "dask":
            address = kept.get("dask")
            return ["--dask", address] if isinstance(address, str) and address else []
        if driver.began:
            return ["--workers", str(driver.slots)]
        return []

    def copy_command(self) -> None:
        """What a terminal runs this batch with, to the clipboard."""
        folder = self._window.batch.folder
        if folder is None:
            return
        words = self._commands.get(folder) or ["equiscope", "batch", "--resume", str(folder), *self._where()]
        QGuiApplication.clipboard().setText(shlex.join(words))
        self._window.workbench.message.emit("Command copied")

    def open_summary(self) -> None:
        """The table of all numbers, as a table of the session."""
        folder = self._window.batch.folder
        if folder is not None:
            self._window.open_paths([str(folder / "summary.csv")])

    def open_input(self, row: Row) -> None:
        """Open the files of a case."""
        self._window.open_paths([_file(a) for a in row.case.inputs])

    def open_case(self, row: Row) -> None:
        """Open what a case found, with its input if that is not open yet."""
        panel, workbench = self._window.batch, self._window.workbench
        if panel.folder is None:
            return
        title = panel.manifest.title if panel.manifest is not None else "Result"
        name = printable(row.case.name)
        wanted = [_file(a) for a in row.case.inputs]
        open_now = {i.source.path for i in workbench.document if i.source is not None}
        missing = [p for p in wanted if p not in open_now]
        if missing:
            self._window.open_paths(missing)

        def done(finished: Any) -> None:
            by_path = {
                i.source.path: i for i in workbench.document if i.source is not None and i.data is not None
            }
            inputs = [by_path[p] for p in wanted if p in by_path]
            items = with_defaults(result_items(title, finished, inputs), workbench.settings)
            workbench.document.apply(AddItems(items, title=f"Open {title} of {name}"))
            workbench.select(items[0].id)
            workbench.adopted.emit(items[0].id)

        folder = panel.folder / row.case.name
        workbench.submit("read_run", {"folder": str(folder)}, title=f"Open result of {name}", on_done=done)

    # -- closing ---------------------------------------------------------------------------------------------

    @property
    def running(self) -> list[Driver]:
        """The batches that this window has started and that still run."""
        return [d for d in self._drivers if d.popen.poll() is None]

    def may_close(self) -> bool:
        """Ask what becomes of the batches that run; False: the window is to stay."""
        from app.window.dialogs import ask_about_batches

        running = self.running
        if not running:
            return True
        self._at_close = ask_about_batches([printable(d.folder.name) for d in running], self._window)
        return self._at_close != "stay"

    def shutdown(self) -> None:
        """The window goes: batches go on, or are told to stop."""
        self._clock.stop()
        self._window.batch.stop_following()
        for driver in self._drivers:
            if driver.popen.poll() is None:
                if self._at_close == "stop":
                    driver.popen.send_signal(signal.SIGINT)
                driver.popen.returncode = 0  # it outlives this process on purpose: nobody is to wait for it
            driver.said.close()
        self._drivers.clear()


def _file(address: str) -> str:
    return address if address.startswith(SAMPLE) else split_address(address)[0]
