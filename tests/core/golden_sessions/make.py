"""Makes the golden session of the present format: `QT_QPA_PLATFORM=offscreen python -m tests.core.golden_sessions.make`.

Once a format is in the hands of users its golden session is never made again; it must open for ever.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from core.data import Markup, encode, kind_of
from core.document import Item, new_id
from core.results import Number

HERE = Path(__file__).parent
PLACE = "/study"
"""Stands for the folder in which the sessions were made."""
ELSEWHERE = "/elsewhere"
"""Stands for another folder, whose file lies no longer there."""


def described(items: Iterable[Item]) -> list[dict[str, Any]]:
    """What must come back of every item, as plain JSON."""
    out = []
    for item in items:
        data: Any = item.data
        entry: dict[str, Any] = {"id": item.id, "name": item.name, "parent": item.parent}
        entry["transform"] = np.asarray(item.transform).tolist()
        entry["display"] = encode(item.display)[0]
        entry["type"] = type(data).__name__
        entry["analysis"] = None if item.record is None else dict(item.record)["analysis"]
        entry["values"] = None if "values" not in item.metadata else sorted(dict(item.metadata["values"]))
        if isinstance(data, Markup):
            entry["points"], entry["labels"] = np.asarray(data.points).tolist(), list(data.labels)
        elif isinstance(data, Number):
            entry["number"] = [data.value, data.unit]
        elif data is not None:
            entry["arrays"] = [[str(a.dtype.kind), list(a.shape)] for a in encode(data)[1]]
        out.append(entry)
    return out


def files(folder: Path) -> list[Path]:
    """The small files that golden sessions refer to, written into `folder`."""
    import nibabel

    folder.mkdir(parents=True)
    x, y, z = np.mgrid[-1:1:12j, -1:1:14j, -1:1:10j]  # type: ignore[misc]
    head = (200 * np.exp(-2 * (x**2 + (0.8 * y) ** 2 + z**2))).astype(np.int16)
    nibabel.save(nibabel.Nifti1Image(head, np.diag([2.0, 2.0, 2.5, 1.0])), folder / "head.nii.gz")  # type: ignore[attr-defined]
    (folder / "tetra.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty float y\nproperty float z\n"
        "element face 4\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n0 0 1\n3 0 2 1\n3 0 1 3\n3 0 3 2\n3 1 2 3\n"
    )
    (folder / "numbers.csv").write_text("name,x,y\nb,1,2.5\na,3,nan\nc,-2,0\n")
    return [folder / n for n in ("head.nii.gz", "tetra.ply", "numbers.csv")]


def add_markups(document: Any, above: str) -> None:
    """A line, a curve and a plane below an item."""
    from core.display import MarkupDisplay

    shown = MarkupDisplay()
    line = Markup("line", [[0, -10, 0], [1, 12, 3]])
    curve = Markup(
        "closed_curve", [[0, 0, 0], [5, 0, 1], [5, 5, 2], [0, 6, 1]], labels=("a", "", "c", ""), smooth=True
    )
    plane = Markup("plane", [[4, 5, 6]], size=[10.0, 12.0, 0.0])
    document.add(Item(new_id(), "midline", line, above, display=replace(shown, locked=True)))
    document.add(Item(new_id(), "outline", curve, above, display=shown))
    document.add(Item(new_id(), "plane", plane, above, display=shown))


def look(window: Any) -> None:
    """Views as nobody finds them by default."""
    from scipy.spatial.transform import Rotation

    from app.viewports.planes import Slab

    grid = window.centre.grid
    window.centre.choose_layout("four")
    grid.set_cursor((3.0, 4.0, 5.0))
    grid.set_tilt(Rotation.from_euler("xz", [10, 20], degrees=True).as_matrix())
    grid.set_slab(Slab("max", 6.0), grid.views["axial"])
    grid.views["coronal"].set_intent(zoom=2.0, pan=(1.0, -2.0))
    view = grid.views["3d"]
    view.set_intent(camera=replace(view.resolved().camera, position=(100.0, 50.0, 80.0)))
    window.docks["log"].show()
    window.docks["jobs"].hide()


def main() -> int:
    """Make the golden session of the present format, unless it is there."""
    config = Path(tempfile.mkdtemp())
    os.environ.update(
        EQUISCOPE_TEST="1",
        EQUISCOPE_VIEWPORT="image",
        EQUISCOPE_CONFIG=str(config / "config"),
        EQUISCOPE_STATE=str(config / "state"),
        EQUISCOPE_PLUGINS=str(config / "plugins"),
    )
    from PySide6.QtWidgets import QApplication

    from app.theme import DARK, apply_theme
    from app.window.main_window import MainWindow
    from app.window.workbench import Workbench
    from core.jobs import InlineRunner
    from core.plugins import PluginHost
    from core.session import FORMAT
    from core.settings import Settings

    name = f"format-{FORMAT}"
    target = HERE / f"{name}.equiscope"
    if target.exists() and "--again" not in sys.argv:
        print(f"{target.name} is there")
        return 1
    study = config / "place" / "study"
    paths = files(study / "data")
    far = config / "elsewhere"
    far.mkdir()
    (far / "gone.ply").write_bytes(paths[1].read_bytes())

    app = QApplication([])
    apply_theme(app, DARK)
    workbench = Workbench(InlineRunner(), PluginHost(), Settings())
    window = MainWindow(workbench)
    workbench.setParent(window)
    window.resize(1200, 800)
    window.show()

    def idle() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            app.processEvents()
            if not workbench.busy and window.results.complete:
                break
            time.sleep(0.01)
        app.processEvents()

    window.open_paths([str(p) for p in (*paths, far / "gone.ply")])
    idle()
    window.open_paths(["sample:checkpoints.cnn"])
    idle()
    document = workbench.document
    by = {i.name: i for i in document}
    head, tetra = by["head"], by["tetra"]
    document.rename(tetra.id, "my shape")
    document.set_transform(tetra.id, np.array([[0, -10, 0, 3], [10, 0, 0, 4], [0, 0, 10, 5], [0, 0, 0, 1.0]]))
    document.set_display(tetra.id, replace(document[tetra.id].display, opacity=0.5))
    display: Any = document[head.id].display
    document.set_display(head.id, replace(display, window=140.0, level=80.0))
    add_markups(document, head.id)
    workbench.load_descriptions()
    idle()
    workbench.run(workbench.descriptions["symmetry.reflections"], [tetra.id], {})
    idle()
    look(window)
    workbench.select(head.id)
    idle()
    if hasattr(window.analysis, "state"):  # from format 2 on
        window.choose_analysis(window.menus.analyses["volumes.isosurface"])
        window.analysis.form.fields["level"].set_value(77.0)
        window.analysis.form.seed.set_value(5)
    layout = window.layout_state()
    workbench.save_session(study / name, layout)
    idle()
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(study / target.name, target)
    if not (HERE / "data").exists():
        shutil.copytree(study / "data", HERE / "data")
    expected = {"items": described(document), "layout": {k: v for k, v in layout.items() if k != "docks"}}
    (HERE / f"{name}.json").write_text(json.dumps(expected, indent=1) + "\n")
    for path in (target / "session.json", HERE / f"{name}.json"):
        text = path.read_text().replace(str(study), PLACE).replace(str(far), ELSEWHERE)
        assert str(config) not in text
        path.write_text(text)
    window._closing = True
    window.close()
    shutil.rmtree(config)
    print(
        f"{target.name} made: {len(document)} items, {sorted({kind_of(i.data) for i in document if isinstance(i.data, Markup)})}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
