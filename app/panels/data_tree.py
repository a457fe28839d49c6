"""What is open: the document as a tree. Everything done here is an edit of the document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QMimeData,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QDropEvent, QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.forms.tips import plain_tip
from app.forms.widgets import ColumnWidget, label
from app.panels.dock import Panel
from app.theme import Metrics, color, current_theme
from app.window.adopt import in_results_only
from app.window.icons import pixmap
from app.window.kinds import KIND_WORDS, counted, is_spatial, kind_of_item, size_words
from app.window.workbench import Workbench
from core.document import Item

ID = Qt.ItemDataRole.UserRole
ITEM_MIME = "application/x-equiscope-item"
"""As in `app.viewports.viewport`, which is not imported before there is something to view."""
NOTE = Qt.ItemDataRole.UserRole + 1
VISIBLE = Qt.ItemDataRole.UserRole + 2
WARNING = Qt.ItemDataRole.UserRole + 3
KIND = Qt.ItemDataRole.UserRole + 4
Index = QModelIndex | QPersistentModelIndex


class RowDelegate(QStyledItemDelegate):
    """A row: the eye, the name, and muted at the right what it is. A new name is reported, not written."""

    renamed = Signal(str, str)

    def setModelData(self, editor: QWidget, model: QAbstractItemModel, index: Index) -> None:
        text = str(editor.property("text")).strip()
        if text:
            self.renamed.emit(index.data(ID), text)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(80, Metrics.of(option.font).row)  # type: ignore[attr-defined]

    @staticmethod
    def eye(rect: QRect, metrics: Metrics) -> QRect:
        """Where the eye is, in a row's rectangle."""
        side = metrics.px(16)
        return QRect(rect.left() + metrics.px(4), rect.center().y() - side // 2 + 1, side, side)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        o: Any = option
        theme, m = current_theme(), Metrics.of(o.font)
        painter.save()
        if o.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(o.rect, color(theme.selection))
        elif o.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(o.rect, color(theme.hover))
        ratio = painter.device().devicePixelRatioF()
        visible = index.data(VISIBLE)
        eye = self.eye(o.rect, m)
        if visible is None:
            painter.drawPixmap(eye, pixmap(str(index.data(KIND)), theme.muted, eye.width(), ratio))
        else:
            name = "visible" if visible else "hidden"
            painter.drawPixmap(eye, pixmap(name, theme.text if visible else theme.muted, eye.width(), ratio))
        text = QRect(o.rect)
        text.setLeft(eye.right() + m.px(7))
        text.setRight(text.right() - m.px(12))
        if index.data(WARNING):
            mark = QRect(text.right() - m.px(14), eye.top(), m.px(14), m.px(14))
            painter.drawPixmap(mark, pixmap("warning", theme.warn, mark.width(), ratio))
            text.setRight(mark.left() - m.px(6))
        note = str(index.data(NOTE) or "")
        name = str(index.data() or "")
        fm = o.fontMetrics
        if note:
            # The name gives way first, but never more than about half of its row.
            room = max(text.width() - fm.horizontalAdvance(name) - m.px(12), round(text.width() * 0.45))
            shown = fm.elidedText(note, Qt.TextElideMode.ElideRight, room)
            painter.setPen(color(theme.muted))
            painter.drawText(text, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), shown)
            text.setRight(text.right() - fm.horizontalAdvance(shown) - m.px(12))
        painter.setPen(color(theme.text if visible is not False else theme.muted))
        shown = fm.elidedText(name, Qt.TextElideMode.ElideMiddle, text.width())
        painter.drawText(text, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
        if o.state & QStyle.StateFlag.State_HasFocus and o.widget is not None and o.widget.hasFocus():
            painter.setPen(color(theme.accent))
            painter.drawRect(QRect(o.rect).adjusted(0, 0, -1, -1))
        painter.restore()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        o: Any = option
        rect = QRect(o.rect)
        rect.setLeft(self.eye(rect, Metrics.of(o.font)).right() + 2)
        editor.setGeometry(rect)


class DataTree(QTreeWidget):
    """The tree itself. Emits what the user asks for; the panel makes edits of it."""

    toggled = Signal(str)
    renamed = Signal(str, str)
    moved = Signal(str, object, object, bool)
    """id, new parent or None, the sibling it goes next to or None (last), whether below it."""
    removed = Signal(str)
    activated_item = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        m = Metrics.of(self.font())
        self.setHeaderHidden(True)
        self.setColumnCount(1)
        self.setIndentation(m.px(14))
        self.setRootIsDecorated(True)
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        delegate = RowDelegate(self)
        delegate.renamed.connect(self.renamed)
        self.setItemDelegate(delegate)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDefaultDropAction(Qt.DropAction.MoveAction)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setAccessibleName("Data")
        self._rows: dict[str, QTreeWidgetItem] = {}

    def row_of(self, id: str) -> QTreeWidgetItem | None:
        """The row of an item."""
        return self._rows.get(id)

    def id_at(self, point: QPoint) -> str | None:
        """The item under a point of the viewport."""
        row = self.itemAt(point)
        return row.data(0, ID) if row is not None else None

    def eye_of(self, id: str) -> QPoint:
        """The middle of an item's eye, in the viewport; for tests and accessibility."""
        rect = self.visualItemRect(self._rows[id])
        return RowDelegate.eye(rect, Metrics.of(self.font())).center()

    def rebuild(self, items: list[Item], selected: str | None) -> None:
        """Show these items, parents before children; what was folded stays folded."""
        folded = {id for id, row in self._rows.items() if row.childCount() and not row.isExpanded()}
        children = Counter(i.parent for i in items)
        self.blockSignals(True)
        self.clear()
        self._rows = {}
        for item in items:
            row = QTreeWidgetItem()
            row.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsSelectable
                | Qt.ItemFlag.ItemIsEditable
                | Qt.ItemFlag.ItemIsDragEnabled
                | Qt.ItemFlag.ItemIsDropEnabled
            )
            self._rows[item.id] = row
            self.fill(item, children[item.id])
            above = self._rows.get(item.parent) if item.parent else None
            if above is not None:
                above.addChild(row)
            else:
                self.addTopLevelItem(row)
        for id, row in self._rows.items():
            row.setExpanded(id not in folded)
        self.blockSignals(False)
        self.set_current(selected)

    @property
    def folded(self) -> list[str]:
        """Ids of the items whose children are folded away."""
        return sorted(id for id, row in self._rows.items() if row.childCount() and not row.isExpanded())

    def fold(self, ids: set[str]) -> None:
        """Fold these items and unfold all others."""
        for id, row in self._rows.items():
            row.setExpanded(id not in ids)

    def fill(self, item: Item, children: int) -> None:
        """Write an item's words into its row."""
        row = self._rows[item.id]
        kind = kind_of_item(item)
        blocked = self.blockSignals(True)
        row.setText(0, item.name)
        row.setData(0, ID, item.id)
        missing = item.missing.reason if item.missing is not None else ""
        note = "missing" if missing else size_words(item)
        row.setData(0, NOTE, note or (counted(children, "item") if children else ""))
        shows = is_spatial(item) or kind in ("group", "result")
        row.setData(0, VISIBLE, item.display.visible if shows else None)
        row.setData(0, WARNING, bool(item.warnings) or bool(missing))
        row.setData(0, KIND, "result" if kind == "result" else kind)
        words = KIND_WORDS.get(kind, kind)
        said = [missing, *item.warnings] if missing else [*item.warnings]
        lines = [f"{item.name} · {words}", *said]
        if item.source is not None:
            lines.insert(1, item.source.path)
        row.setToolTip(0, plain_tip("\n".join(lines)))
        spoken = [item.name, words, str(row.data(0, NOTE) or "")]
        spoken += ["shown" if item.display.visible else "hidden"] if shows else []
        spoken += [missing] if missing else []
        spoken += ["has a warning"] if item.warnings else []
        row.setData(0, Qt.ItemDataRole.AccessibleTextRole, ", ".join(s for s in spoken if s))
        self.blockSignals(blocked)

    def set_current(self, id: str | None) -> None:
        """Select a row without telling anybody."""
        blocked = self.blockSignals(True)
        row = self._rows.get(id) if id else None
        self.setCurrentItem(row)  # type: ignore[arg-type]
        if row is not None:
            self.scrollToItem(row)
        self.blockSignals(blocked)
        self.viewport().update()

    def mimeData(self, items: Sequence[QTreeWidgetItem]) -> QMimeData:
        """A drag onto a view carries the item's id."""
        carried = super().mimeData(items)
        if items:
            carried.setData(ITEM_MIME, str(items[0].data(0, ID)).encode())
        return carried

    # -- what the user does ----------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.itemAt(event.position().toPoint())
        if (
            row is not None
            and event.button() is Qt.MouseButton.LeftButton
            and row.data(0, VISIBLE) is not None
        ):
            rect = RowDelegate.eye(self.visualItemRect(row), Metrics.of(self.font())).adjusted(-4, -6, 4, 6)
            if rect.contains(event.position().toPoint()):
                self.toggled.emit(row.data(0, ID))
                event.accept()
                return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        id = self.id_at(event.position().toPoint())
        if id is not None:
            self.activated_item.emit(id)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentItem()
        if row is not None and event.key() == Qt.Key.Key_Space:
            self.toggled.emit(row.data(0, ID))
        elif row is not None and event.key() == Qt.Key.Key_Delete:
            self.removed.emit(row.data(0, ID))
        elif row is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.activated_item.emit(row.data(0, ID))
        else:
            super().keyPressEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        row = self.currentItem()
        target = self.itemAt(event.position().toPoint())
        where = self.dropIndicatorPosition()
        # The document moves the row; Qt must not.
        event.setDropAction(Qt.DropAction.IgnoreAction)
        event.accept()
        if row is None or target is row:
            return
        place = QAbstractItemView.DropIndicatorPosition
        if target is None or where is place.OnViewport:
            self.moved.emit(row.data(0, ID), None, None, True)
        elif where is place.OnItem:
            self.moved.emit(row.data(0, ID), target.data(0, ID), None, True)
        else:
            above = target.parent()
            parent = above.data(0, ID) if above is not None else None
            self.moved.emit(row.data(0, ID), parent, target.data(0, ID), where is place.BelowItem)


class DataPanel(Panel):
    """The dock "Data"."""

    name = "data"
    title = "Data"
    menu_wanted = Signal(QPoint)
    focus_wanted = Signal(str)
    """The user double-clicked an item: bring it into view."""

    def __init__(self, workbench: Workbench, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workbench = workbench
        holder = QWidget()
        self._stack = QStackedLayout(holder)
        self.tree = DataTree()
        empty = ColumnWidget()
        self.hint = label("", "muted", wrap=True)
        self.name_key("")
        empty.column.addWidget(self.hint)
        empty.column.addStretch(1)
        self._stack.addWidget(empty)
        self._stack.addWidget(self.tree)
        self.column.addWidget(holder)
        self.tree.currentItemChanged.connect(self._on_current)
        self.tree.toggled.connect(self.toggle)
        self.tree.renamed.connect(self._workbench_rename)
        self.tree.removed.connect(lambda id: workbench.document.remove(id))
        self.tree.moved.connect(self._on_moved)
        self.tree.activated_item.connect(self.focus_wanted)
        self.tree.customContextMenuRequested.connect(self._on_menu)
        workbench.changed.connect(self._on_changed)
        workbench.selection_changed.connect(self.tree.set_current)
        self._rebuild()

    def name_key(self, key: str) -> None:
        """The key that opens files, "" without one; said while nothing is open."""
        self.hint.setText(f"Nothing is open. Drop files here{f' or press {key}' if key else ''}.")

    def _items(self) -> list[Item]:
        """Parents before children, siblings in the document's order."""
        out: list[Item] = []
        below: dict[str | None, list[Item]] = defaultdict(list)
        for item in self._workbench.document:
            if not in_results_only(item):
                below[item.parent].append(item)

        # No function that calls itself: such a closure is a cycle, which would keep what was closed meanwhile.
        waiting = below[None][::-1]
        while waiting:
            out.append(waiting.pop())
            waiting += reversed(below[out[-1].id])
        return out

    def _rebuild(self) -> None:
        items = self._items()
        self.tree.rebuild(items, self._workbench.selected)
        self._stack.setCurrentIndex(1 if items else 0)
        number = len(items)
        self.header.set_note(counted(number, "item") if number else "")

    def _on_changed(self, change: Any) -> None:
        if change is None or change.added or change.removed or type(change.edit).__name__ == "MoveItem":
            self._rebuild()
            return
        children = Counter(i.parent for i in self._workbench.document)
        for id in change.updated:
            item = self._workbench.document.get(id)
            if item is not None and self.tree.row_of(id) is not None:
                self.tree.fill(item, children[id])
        self.tree.viewport().update()

    def _on_current(self, row: QTreeWidgetItem | None, _before: Any = None) -> None:
        if row is not None:
            self._workbench.select(row.data(0, ID))

    def _workbench_rename(self, id: str, name: str) -> None:
        if id in self._workbench.document:
            self._workbench.document.rename(id, name)

    def toggle(self, id: str) -> None:
        """Show or hide an item; a group with all that is in it."""
        document = self._workbench.document
        item = document[id]
        document.set_display(id, replace(item.display, visible=not item.display.visible))

    def edit_name(self) -> None:
        """Start renaming the current item in place."""
        row = self.tree.currentItem()
        if row is not None:
            self.tree.editItem(row, 0)

    def _on_moved(self, id: str, parent: str | None, sibling: str | None, below: bool) -> None:
        document = self._workbench.document
        order = [i.id for i in document if i.id != id]
        index = order.index(sibling) + below if sibling in order else len(order)
        try:
            document.move(id, parent, index)
        except ValueError as error:
            self._workbench.message.emit(str(error).capitalize())

    def _on_menu(self, point: QPoint) -> None:
        id = self.tree.id_at(point)
        if id is not None:
            self._workbench.select(id)
            self.menu_wanted.emit(self.tree.viewport().mapToGlobal(point))
