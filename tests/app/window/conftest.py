"""A window on a fresh configuration, closed after each test, with a check that nothing stays behind."""

from __future__ import annotations

import gc
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from app.theme import DARK, apply_theme
from app.window.main_window import MainWindow
from app.window.workbench import Workbench
from core.jobs import InlineRunner, Runner, WorkerRunner
from core.plugins import PluginHost
from core.settings import Settings


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, plugins or logs of the person who runs the tests; no questions; no GPU."""
    monkeypatch.setenv("EQUISCOPE_TEST", "1")
    monkeypatch.setenv("EQUISCOPE_VIEWPORT", "image")
    monkeypatch.setenv("EQUISCOPE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("EQUISCOPE_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("EQUISCOPE_PLUGINS", str(tmp_path / "plugins"))


@pytest.fixture
def fake_plugin(tmp_path: Path) -> Iterator[Path]:
    """A plugin in the user's folder whose analyses do what a test needs."""
    from core import tasks

    folder = tmp_path / "plugins" / "eqfake"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("")
    (folder / "plugin.toml").write_text(
        textwrap.dedent(
            """
            api = 1
            id = "fake"
            title = "Fake"

            [[readers]]
            id = "fake.first"
            title = "First reading"
            kind = "table"
            patterns = ["*.twice"]
            read = "eqfake.work:read_first"

            [[readers]]
            id = "fake.second"
            title = "Second reading"
            kind = "table"
            patterns = ["*.twice"]
            read = "eqfake.work:read_second"

            [[analyses]]
            id = "fake.everything"
            title = "Everything…"
            menu = "Fake"
            function = "eqfake.work:everything"
            inputs = [["mesh", "pointcloud"]]
            reference = "Nobody 2000"

            [[analyses]]
            id = "fake.slow"
            title = "Slow…"
            menu = "Fake"
            function = "eqfake.work:slow"
            inputs = [["mesh"]]

            [[analyses]]
            id = "fake.two"
            title = "Two…"
            menu = "Fake"
            function = "eqfake.work:two"
            inputs = [["mesh"], ["mesh"]]

            [[analyses]]
            id = "fake.lacking"
            title = "Lacking…"
            menu = "Fake"
            function = "eqfake.work:two"
            inputs = [["mesh"]]
            requires = [{ module = "no_such_module", install = "something" }]

            [[samples]]
            id = "fake.lacking-sample"
            title = "A sample that needs more"
            function = "eqfake.work:two"
            requires = [{ module = "no_such_module", install = "equiscope[more]" }]

            [[panels]]
            id = "fake.panel"
            title = "Fake panel"
            function = "eqfake.panel:make"
            """
        )
    )
    (folder / "panel.py").write_text(
        textwrap.dedent(
            """
            from PySide6.QtWidgets import QLabel


            def make(api):
                label = QLabel(f"{len(api.document)} open")
                api.on_changed(lambda change: label.setText(f"{len(api.document)} open"))
                return label
            """
        )
    )
    (folder / "work.py").write_text(
        textwrap.dedent(
            """
            import os
            import time
            from typing import Annotated, Literal

            import numpy as np

            from core.analyses import Help, Range, Unit
            from core.data import Loaded, Markup, Mesh, Table
            from core.errors import Refused
            from core.jobs import Job
            from core.results import (
                Curve, Heatmap, Histogram, Layer, Number, Result, ResultTable, Scatter, Text,
            )


            def read_first(path, *, job):
                return [Loaded("first", Table({"a": np.arange(3)}))]


            def read_second(path, *, job):
                return [Loaded("second", Table({"b": np.arange(4.0)}))]


            def everything(
                shape: Mesh,
                *,
                level: Annotated[float | None, Unit("mm"), Help("A level.")] = None,
                rounds: Annotated[int, Range(1, 10)] = 3,
                method: Literal["fast", "exact"] = "fast",
                axis: tuple[float, float, float] = (0.0, 0.0, 1.0),
                smooth: bool = False,
                mode: Literal["work", "refuse", "break", "die"] = "work",
                job: Job,
            ) -> Result:
                \"\"\"Find everything about a shape.

                A longer text.
                \"\"\"
                if mode == "refuse":
                    raise Refused("The shape has no inside; close its holes first.")
                if mode == "break":
                    raise RuntimeError("boom")
                if mode == "die":
                    os.kill(os.getpid(), 9)
                for n in range(rounds):
                    job.progress(n / rounds, f"Round {n + 1}")
                    job.metric("Loss", 1.0 / (n + 1), n)
                x = np.linspace(0.0, 1.0, 20)
                return Result(
                    {"best": 0.5},
                    (
                        Layer("Plane", Markup("plane", [[0, 0, 0]], size=[1, 1, 0])),
                        Layer("Plane", Markup("points", [[0, 0, 0]])),
                        Number("Score", 0.5, "mm", 0.01),
                        Text("Remark", "All is well."),
                        Curve("Curve", x, {"one": x, "two": x**2}, x_label="Angle", x_unit="°"),
                        Scatter("Scatter", x, x, color=x, color_label="colour"),
                        Heatmap("Heatmap", x[:, None] - x[None], diverging=True),
                        Histogram("Histogram", np.arange(4.0), np.array([1, 2, 3])),
                        ResultTable("Table", Table({"name": np.array(["b", "a"]), "x": np.array([1.0, 2.0])})),
                    ),
                    ("A warning to read.",),
                )


            def slow(shape: Mesh, *, seconds: float = 60.0, job: Job) -> Result:
                \"\"\"Take long.\"\"\"
                end = time.monotonic() + seconds
                while time.monotonic() < end:
                    job.progress(0.5, "Sleeping")
                    job.metric("Time", end - time.monotonic())
                    time.sleep(0.02)
                return Result({"slept": True}, (Number("Slept", seconds, "s"),))


            def two(first: Mesh, second: Mesh, *, job: Job) -> Result:
                \"\"\"Compare two meshes.\"\"\"
                return Result({}, (Number("Points", float(len(first.points) - len(second.points))),))
            """
        )
    )
    tasks.host.cache_clear()
    yield folder
    tasks.host.cache_clear()
    # The next test's plugin has the same name and lies elsewhere.
    sys.path[:] = [p for p in sys.path if p != str(folder.parent)]
    for name in [m for m in sys.modules if m.partition(".")[0] == "eqfake"]:
        del sys.modules[name]


Make = Callable[..., MainWindow]


@pytest.fixture
def make_window(qapp: QApplication) -> Iterator[Make]:
    """Makes windows; each is closed and destroyed at the end, and nothing of it may remain."""
    apply_theme(qapp, DARK)
    before = set(map(id, qapp.topLevelWidgets()))
    threads = set(threading.enumerate())
    made: list[MainWindow] = []

    def make(runner: Runner | None = None) -> MainWindow:
        workbench = Workbench(runner or InlineRunner(), PluginHost(), Settings())
        window = MainWindow(workbench)
        workbench.setParent(window)
        window.resize(1200, 800)
        window.show()
        made.append(window)
        return window

    yield make
    for window in made:
        window._closing = True
        window.close()
        window.deleteLater()
    made.clear()
    for _ in range(3):
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        qapp.processEvents()
        gc.collect()
    left = [w for w in qapp.topLevelWidgets() if id(w) not in before and w.isVisible()]
    assert not left, f"widgets left behind: {left}"
    running = {t for t in threading.enumerate() if t.is_alive()} - threads
    named = [t.name for t in running if t.name.startswith("worker-")]
    assert not named, f"threads left behind: {named}"


@pytest.fixture
def window(make_window: Make) -> MainWindow:
    """A window whose jobs run in this process."""
    return make_window()


@pytest.fixture
def worker_window(make_window: Make) -> MainWindow:
    """A window whose jobs run in a worker."""
    return make_window(WorkerRunner(workers=1, threads=1))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Small files of several kinds."""
    import nibabel

    rng = np.random.default_rng(0)
    out = {}
    out["volume"] = tmp_path / "head.nii.gz"
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    data = rng.integers(0, 200, (12, 14, 10)).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(data, affine), out["volume"])  # type: ignore[attr-defined]
    out["mesh"] = tmp_path / "tetra.ply"
    out["mesh"].write_text(
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 4\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
    )
    out["table"] = tmp_path / "numbers.csv"
    out["table"].write_text("name,x,y\nb,1,2.5\na,3,nan\nc,-2,0\n")
    out["checkpoint"] = tmp_path / "weights.npz"
    np.savez(
        out["checkpoint"],
        **{
            "layer.0.weight": rng.normal(size=(8, 6)),
            "layer.0.bias": rng.normal(size=6),
            "head.weight": np.eye(3),
        },
    )
    out["broken"] = tmp_path / "broken.nii.gz"
    out["broken"].write_bytes(b"this is no volume at all")
    return {k: Path(v) for k, v in out.items()}


class Helper:
    """What tests do again and again."""

    def __init__(self, qtbot: Any) -> None:
        self.qtbot = qtbot

    def idle(self, window: MainWindow, timeout: int = 60_000) -> None:
        """Until no job is left, the events have arrived, and what was found is shown."""
        self.qtbot.waitUntil(lambda: not window.workbench.busy, timeout=timeout)
        self.qtbot.waitUntil(lambda: window.results.complete)

    def open(self, window: MainWindow, *paths: Path) -> None:
        """Open files and wait."""
        window.open_paths([str(p) for p in paths])
        self.idle(window)

    def names(self, window: MainWindow) -> list[str]:
        """The names in the data tree from top to bottom."""
        return [i.name for i in window.data._items()]


@pytest.fixture
def helper(qtbot: Any) -> Helper:
    """See `Helper`."""
    return Helper(qtbot)


@pytest.fixture
def ready(fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any) -> Any:
    """A window with a mesh open and the descriptions loaded."""
    window = make_window()
    helper.open(window, files["mesh"])
    window.workbench.load_descriptions()
    helper.idle(window)
    return window
