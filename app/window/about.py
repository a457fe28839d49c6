"""The page "About": version, licence, libraries with theirs, for what it may be used, how to cite it."""

from __future__ import annotations

import importlib.metadata
import platform
import re

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.forms.widgets import label
from app.theme import Metrics
from app.window.dialogs import Dialog
from app.window.icons import pixmap
from app.window.start_page import RESEARCH
from core import __version__

LICENCE = "BSD 3-Clause licence. Built on libraries under licences of their own."
CITATION = """\
@software{{equiscope,
  title   = {{Equiscope: a workbench for seeing, measuring and using symmetry}},
  author  = {{{{The Equiscope developers}}}},
  version = {{{version}}},
  year    = {{2026}},
  license = {{BSD-3-Clause}}
}}"""
NAME = "equiscope"
_QT = "LGPL-3.0 or GPL (Qt for Python)"


class AboutDialog(Dialog):
    """What this is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("About Equiscope", parent, 560)
        m = Metrics.of(self.font())
        row = QHBoxLayout()
        row.setSpacing(m.px(16))
        mark = QLabel()
        mark.setPixmap(pixmap("equiscope", "#000000", m.px(56), self.devicePixelRatioF()))
        row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(m.px(6))
        column.addWidget(label("Equiscope", "title"))
        version = f"Version {__version__} on Python {platform.python_version()}, {platform.system()}"
        column.addWidget(label(version, "muted", selectable=True))
        column.addWidget(label("A workbench for seeing, measuring and using symmetry.", wrap=True))
        column.addWidget(label(RESEARCH, "warn", wrap=True))
        column.addWidget(label(LICENCE, "small", wrap=True))
        row.addLayout(column, 1)
        self.column.addLayout(row)
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Libraries")
        self.tree.setHeaderLabels(["Library", "Version", "Licence"])
        self.tree.setRootIsDecorated(False)
        self.tree.setMinimumHeight(m.px(200))
        for name, number, licence in libraries():
            line = QTreeWidgetItem([name, number, licence])
            line.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{name} {number}, {licence}")
            self.tree.addTopLevelItem(line)
        header = self.tree.header()
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
        for section in (0, 1):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        self.column.addWidget(self.tree, 1)
        words = "Cite Equiscope by its version, and the references that the help names with each analysis you use."
        self.column.addWidget(label(words, "muted", wrap=True))
        self.finish(("Copy citation", self._cite), ("Copy versions", self._copy))

    @staticmethod
    def _cite() -> None:
        QGuiApplication.clipboard().setText(CITATION.format(version=__version__))

    @staticmethod
    def _copy() -> None:
        lines = [f"Equiscope {__version__}", f"Python {platform.python_version()}", platform.platform()]
        lines += [f"{name} {number}" for name, number, _ in libraries()]
        QGuiApplication.clipboard().setText("\n".join(lines))


def libraries() -> list[tuple[str, str, str]]:
    """Name, version and licence of what Equiscope needs, as far as it is installed; in the order of its list."""
    try:
        wanted = importlib.metadata.requires(NAME) or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout
        wanted = ["PySide6_Essentials", "vtk", "pyqtgraph", "torch", "numpy", "scipy", "nibabel"]
    out: dict[str, tuple[str, str, str]] = {}
    for line in wanted:
        if "extra ==" in line and ("'test'" in line or '"test"' in line):
            continue
        found = re.match(r"[A-Za-z0-9._-]+", line)
        name = found[0] if found else ""
        try:
            about = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        out.setdefault(name.lower(), (str(about["Name"]), str(about["Version"]), licence_of(about)))
    return list(out.values())


def licence_of(about: importlib.metadata.PackageMetadata) -> str:
    """The licence in a few words, from the expression, the classifiers or the first line of the text."""
    if str(about["Name"]).lower().startswith("pyside6"):
        return _QT
    known = about.get_all("License-Expression") or []
    if known:
        return str(known[0])
    classes = [
        c.rpartition(" :: ")[2] for c in about.get_all("Classifier") or [] if c.startswith("License ::")
    ]
    if classes:
        return ", ".join(dict.fromkeys(classes))
    text = str((about.get_all("License") or [""])[0]).strip().splitlines()
    return text[0][:60] if text else "see the library"
