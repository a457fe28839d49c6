"""A checkpoint as a searchable tree of tensors; values are read when asked for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.forms.numbers import number_words
from app.forms.tips import plain_tip
from app.forms.widgets import Card, ColumnWidget, Readings, button, elided, label, scrolled
from app.theme import Metrics, Theme
from app.window.kinds import bytes_words, count, counted
from core.data import Checkpoint, TensorInfo
from core.results import Heatmap, Histogram

LIMIT = 2 << 30
"""Bytes above which a tensor is not read for a look at it."""
ROWS = 60
"""Rows that show at first."""
SIDE = 512
"""Rows and columns of a heat map; larger matrices are thinned."""
Reader = Callable[[list[str], Callable[[dict[str, Any]], None], Callable[[str], None]], None]


class CheckpointView(QWidget):
    """The index of a checkpoint.

    Parameters
    ----------
    read : called with names, what to do with the arrays, and what to do with a reason if it fails.
    on_figure : called with every plot that is made and its name, so that it can be saved.
    """

    tensor_shown = Signal(str)
    _measured = Signal(str, object, object)

    def __init__(
        self,
        checkpoint: Checkpoint,
        read: Reader,
        parent: QWidget | None = None,
        *,
        on_figure: Callable[[Any, str], object] | None = None,
    ) -> None:
        super().__init__(parent)
        self._on_figure = on_figure
        self.checkpoint = checkpoint
        self._read = read
        self._infos = {t.name: t for t in checkpoint.tensors}
        self._leaves: dict[str, QTreeWidgetItem] = {}
        self._wanted = ""
        self._measured.connect(self._show)
        self._figures: list[Any] = []
        m = Metrics.of(self.font())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        bar = QHBoxLayout()
        bar.setContentsMargins(m.px(12), m.px(8), m.px(12), m.px(8))
        bar.setSpacing(m.px(12))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search tensors")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Search tensors")
        self.search.setMaximumWidth(m.px(320))
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._enter_tree)
        self.search.installEventFilter(self)
        self.note = elided("", "small")
        bar.addWidget(self.search, 2)
        bar.addWidget(self.note, 1)
        bar.addWidget(button("Copy names", self.copy_names, "quiet"))
        column.addLayout(bar)

        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Tensors")
        self.tree.setHeaderLabels(["Name", "Shape", "Type", "Size"])
        self.tree.setUniformRowHeights(True)
        self.tree.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.tree.setIndentation(m.px(16))
        self.tree.header().setStretchLastSection(False)
        self.tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for section, width in ((1, 112), (2, 72), (3, 76)):
            self.tree.header().setSectionResizeMode(section, QHeaderView.ResizeMode.Interactive)
            self.tree.setColumnWidth(section, m.px(width))
        self.tree.headerItem().setTextAlignment(
            3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        )
        self.tree.currentItemChanged.connect(lambda now, _before: self._on_current(now))
        self.tree.itemActivated.connect(lambda item, _column: self._activate(item))

        self.details = ColumnWidget()
        self.details.setMinimumWidth(m.px(200))
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.tree)
        splitter.addWidget(scrolled(self.details))
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setSizes([m.px(620), m.px(380)])
        splitter.setChildrenCollapsible(False)
        column.addWidget(splitter, 1)
        self._fill()
        self._show_file()

    # -- the tree --------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        self.tree.ensurePolished()  # rows take their height from the stylesheet only then
        self.tree.setUpdatesEnabled(False)
        branches: dict[str, QTreeWidgetItem] = {}
        totals: dict[str, tuple[int, int]] = {}
        for tensor in self.checkpoint.tensors:
            parts = tensor.name.split(".")
            parent: QTreeWidgetItem | None = None
            path = ""
            for part in parts[:-1]:
                path = f"{path}.{part}" if path else part
                number, size = totals.get(path, (0, 0))
                totals[path] = (number + 1, size + tensor.nbytes)
                branch = branches.get(path)
                if branch is None:
                    branch = QTreeWidgetItem([part])
                    branches[path] = branch
                    if parent is None:
                        self.tree.addTopLevelItem(branch)
                    else:
                        parent.addChild(branch)
                parent = branch
            leaf = QTreeWidgetItem(
                [
                    parts[-1],
                    " × ".join(map(str, tensor.shape)) or "scalar",
                    tensor.dtype,
                    bytes_words(tensor.nbytes),
                ]
            )
            leaf.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            leaf.setData(0, Qt.ItemDataRole.UserRole, tensor.name)
            leaf.setToolTip(0, plain_tip(tensor.name))
            self._leaves[tensor.name] = leaf
            if parent is None:
                self.tree.addTopLevelItem(leaf)
            else:
                parent.addChild(leaf)
        for path, branch in branches.items():
            number, size = totals[path]
            branch.setText(1, counted(number, "tensor"))
            branch.setText(3, bytes_words(size))
            branch.setTextAlignment(3, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._unfold(ROWS)
        self.tree.setUpdatesEnabled(True)
        self._say(len(self.checkpoint.tensors))

    def _unfold(self, rows: int) -> None:
        """Unfold level by level for as long as about `rows` rows show."""
        level = children(self.tree.invisibleRootItem())
        shown = len(level)
        while level:
            shown += sum(item.childCount() for item in level)
            if shown > rows and len(level) > 1:
                return
            for item in level:
                item.setExpanded(True)
            level = [child for item in level for child in children(item) if child.childCount()]

    def _say(self, shown: int) -> None:
        total = len(self.checkpoint.tensors)
        parameters = sum(int(np.prod(t.shape, dtype=np.int64)) for t in self.checkpoint.tensors)
        number = count(total) if shown == total else f"{count(shown)} of {count(total)}"
        self.note.setText(f"{number} tensors · {count(parameters)} parameters")

    def _on_search(self, text: str) -> None:
        words = text.lower().split()
        shown = 0
        keep: set[int] = set()
        for name, leaf in self._leaves.items():
            info = self._infos[name]
            hay = f"{name} {'×'.join(map(str, info.shape))} {info.dtype}".lower()
            fits = all(w in hay for w in words)
            leaf.setHidden(not fits)
            shown += fits
            if fits:
                above = leaf.parent()
                while above is not None and id(above) not in keep:
                    keep.add(id(above))
                    above = above.parent()
        self._hide_branches(self.tree.invisibleRootItem(), bool(words))
        self._say(shown)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            watched is self.search
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Down
        ):
            self._enter_tree()
            return True
        return super().eventFilter(watched, event)

    def _enter_tree(self) -> None:
        """From the search to the first tensor that it found."""
        first = next((leaf for leaf in self._leaves.values() if not leaf.isHidden()), None)
        if first is not None:
            self.tree.setCurrentItem(first)
            self.tree.setFocus(Qt.FocusReason.TabFocusReason)

    def _hide_branches(self, item: QTreeWidgetItem, expand: bool) -> bool:
        """Hide branches that hold nothing shown; returns whether `item` holds something."""
        any_shown = False
        for child in children(item):
            if child.childCount():
                filled = self._hide_branches(child, expand)
                child.setHidden(not filled)
                if expand and filled:
                    child.setExpanded(True)
                any_shown |= filled
            else:
                any_shown |= not child.isHidden()
        return any_shown

    def copy_names(self) -> None:
        """Put the index (name, shape, type, bytes of what is shown) on the clipboard."""
        lines = [
            f"{t.name}\t{list(t.shape)}\t{t.dtype}\t{t.nbytes}"
            for t in self.checkpoint.tensors
            if not self._leaves[t.name].isHidden()
        ]
        QGuiApplication.clipboard().setText("\n".join(lines))

    # -- one tensor ------------------------------------------------------------------------------------------

    def select(self, name: str) -> None:
        """Make a tensor the current one."""
        self.tree.setCurrentItem(self._leaves[name])

    def set_theme(self, theme: Theme) -> None:
        """Plots follow the theme."""
        for figure in self._figures:
            figure.set_theme(theme)

    def _clear(self) -> None:
        self._figures = []
        self.details.clear()

    def _show_file(self) -> None:
        self._clear()
        rows = {"Format": self.checkpoint.format}
        for name, value in list(self.checkpoint.metadata.items())[:40]:
            rows[str(name)] = number_words(value, 6) if isinstance(value, float) else str(value)
        card = Card()
        card.column.addWidget(label("File", "heading"))
        card.column.addWidget(Readings(rows))
        self.details.column.addWidget(card)
        self.details.column.addWidget(label("Choose a tensor to read its values.", "muted", wrap=True))
        self.details.column.addStretch(1)

    def _on_current(self, item: QTreeWidgetItem | None) -> None:
        name = item.data(0, Qt.ItemDataRole.UserRole) if item is not None else None
        if not name:
            self._show_file()
            return
        info = self._infos[name]
        self._clear()
        self._head(info)
        row = QHBoxLayout()
        too_big = info.nbytes > LIMIT
        self.read_button = button("Read values", lambda: self.read(name), "primary")
        self.read_button.setEnabled(not too_big)
        row.addWidget(self.read_button)
        holder = QWidget()
        holder.setLayout(row)
        row.setContentsMargins(0, 0, 0, 0)
        self.details.column.addWidget(holder)
        if too_big:
            text = f"This tensor takes {bytes_words(info.nbytes)}; only up to {bytes_words(LIMIT)} are read to look at."
            self.details.column.addWidget(label(text, "muted", wrap=True))
        self.details.column.addStretch(1)

    def _activate(self, item: QTreeWidgetItem) -> None:
        name = item.data(0, Qt.ItemDataRole.UserRole)
        if name and self._infos[name].nbytes <= LIMIT:
            self.read(name)

    def _head(self, info: TensorInfo) -> None:
        card = Card()
        card.column.addWidget(elided(info.name, "heading", Qt.TextElideMode.ElideMiddle))
        rows = {
            "Shape": " × ".join(map(str, info.shape)) or "scalar",
            "Type": info.dtype,
            "Size": bytes_words(info.nbytes),
            "Values": count(int(np.prod(info.shape, dtype=np.int64))),
        }
        if info.file:
            rows["Shard"] = info.file
        card.column.addWidget(Readings(rows))
        self.details.column.addWidget(card)

    def read(self, name: str) -> None:
        """Ask for the values of a tensor and show them when they come."""
        self._wanted = name
        if hasattr(self, "read_button"):
            self.read_button.setEnabled(False)
            self.read_button.setText("Reading…")
        self._read(
            [name], lambda arrays: self._measure(name, arrays[name]), lambda why: self._failed(name, why)
        )

    def _failed(self, name: str, reason: str) -> None:
        if name == self._wanted:
            self._on_current(self._leaves[name])
            self.details.column.insertWidget(1, label(reason, "bad", wrap=True))

    def _measure(self, name: str, array: Any) -> None:
        """Look at the values on a thread of their own: NumPy lets the window go on meanwhile."""

        def work() -> None:
            values = np.asarray(array)
            found = tensor_statistics(values), tensor_figures(name, values)
            with contextlib.suppress(RuntimeError):  # the view has gone
                self._measured.emit(name, *found)

        threading.Thread(target=work, daemon=True, name="tensor-figures").start()

    def _show(self, name: str, statistics: dict[str, str], figures: list[Any]) -> None:
        if name != self._wanted:
            return
        from app.plots.figure import FigureView

        self._clear()
        self._head(self._infos[name])
        stats = Card()
        stats.column.addWidget(Readings(statistics))
        self.details.column.addWidget(stats)
        m = Metrics.of(self.font())
        for figure in figures:
            card = Card()
            card.column.addWidget(label(figure.name, "muted"))
            view = FigureView(figure, compact=True)
            if self._on_figure is not None:
                self._on_figure(view, f"{name} {figure.name}")
            view.setMinimumHeight(m.px(200))
            card.column.addWidget(view)
            self.details.column.addWidget(card)
            self._figures.append(view)
        self.details.column.addStretch(1)
        self.tensor_shown.emit(name)


def children(item: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    """The rows directly below one."""
    return [child for n in range(item.childCount()) if (child := item.child(n)) is not None]


def tensor_statistics(array: np.ndarray[Any, Any]) -> dict[str, str]:
    """Words for the figures of an array; those of finite values where some are not."""
    values = np.abs(array) if np.iscomplexobj(array) else np.asarray(array)
    flat = values.reshape(-1).astype(np.float64)
    finite = flat[np.isfinite(flat)]
    out: dict[str, str] = {}
    if finite.size:
        out["Mean"] = number_words(float(finite.mean()))
        out["Standard deviation"] = number_words(float(finite.std()))
        out["Minimum"] = number_words(float(finite.min()))
        out["Maximum"] = number_words(float(finite.max()))
        out["Norm"] = number_words(float(np.linalg.norm(finite)))
        out["Zeros"] = f"{100 * float((finite == 0).mean()):.3g} %"
    if finite.size < flat.size:
        out["Not finite"] = count(flat.size - finite.size)
    return out


def tensor_figures(name: str, array: np.ndarray[Any, Any]) -> list[Any]:
    """A histogram of the values and, from two axes on, the tensor as a matrix (first axis down, the rest across)."""
    values = np.abs(array) if np.iscomplexobj(array) else np.asarray(array)
    values = values.astype(np.float64)
    finite = values[np.isfinite(values)]
    out: list[Any] = []
    if finite.size > 1 and finite.min() < finite.max():
        counts, edges = np.histogram(finite, bins=min(100, max(10, finite.size // 10)))
        out.append(Histogram("Distribution of the values", edges, counts, label="Value"))
    if values.ndim >= 2 and values.shape[0] > 1 and values.size:
        matrix = values.reshape(values.shape[0], -1)
        rows, columns = (max(1, -(-n // SIDE)) for n in matrix.shape)
        thinned = matrix[::rows, ::columns]
        title = "As a matrix" if rows == columns == 1 else f"As a matrix, every {max(rows, columns)}th value"
        diverging = bool(finite.size and finite.min() < 0 < finite.max())
        out.append(Heatmap(title, thinned, diverging=diverging))
    return out
