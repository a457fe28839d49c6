"""Where the docks are: the arrangements that come with the program, the user's own, hiding them all, and screens
that have gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QByteArray, QPoint, QRect, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDockWidget, QInputDialog, QLineEdit, QWidget

from app.theme import Metrics

if TYPE_CHECKING:
    from app.window.main_window import MainWindow

VERSION = 1
SETTING = "layouts"
BUILT_IN = ("Standard", "Reading", "Analysis", "Figures")
_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_BELOW = Qt.DockWidgetArea.BottomDockWidgetArea
PLACES = {
    "data": _LEFT,
    "display": _LEFT,
    "analysis": _RIGHT,
    "results": _RIGHT,
    "jobs": _RIGHT,
    "batch": _BELOW,
    "log": _BELOW,
    "console": _BELOW,
}
"""Where each dock is at home; one that a plugin or a later part brings is at home on the right."""
SHOWN = {
    "Standard": ("data", "display", "analysis", "results", "jobs"),
    "Reading": ("data", "display"),
    "Analysis": ("data", "analysis", "results", "jobs", "log"),
    "Figures": ("display", "results"),
}
"""Which docks each arrangement shows."""


class WindowLayouts:
    """The arrangement of a window's docks."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._settings = window.workbench.settings
        self._before: str | None = None

    def share_bottom(self) -> None:
        """Log and console beside each other have half of the width each."""
        docks = self._window.docks
        pair = [docks[n] for n in ("log", "console") if n in docks and not docks[n].isHidden()]
        below = [d for d in pair if not d.isFloating() and self._window.dockWidgetArea(d) == _BELOW]
        if len(below) == 2:
            self._window.resizeDocks(below, [self._window.width() // 2] * 2, Qt.Orientation.Horizontal)

    # -- arrangements ----------------------------------------------------------------------------------------

    def arrange(self, name: str = "Standard") -> None:
        """One of the `BUILT_IN` arrangements; docks take their widths from the window as it is now."""
        self._before = None
        window, docks = self._window, self._window.docks
        focus = window.focusWidget()
        for dock in docks.values():
            window.removeDockWidget(dock)
            dock.setFloating(False)
        order = [n for n in PLACES if n in docks] + [n for n in docks if n not in PLACES]
        if name == "Figures":  # what one sees is set and read beside each other, the picture between them
            order.sort(key=lambda n: n != "display")
        for each in order:
            window.addDockWidget(PLACES.get(each, _RIGHT), docks[each])
            docks[each].setVisible(each in SHOWN[name])
        m = Metrics.of(window.font())
        across, down = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        share = {"Analysis": 0.32, "Figures": 0.32}.get(name, 0.26)
        left, right = self._first_widths(440 if share > 0.3 else 330, share)
        window.resizeDocks([docks["data"], docks["display"]], [left, left], across)
        window.resizeDocks([docks[n] for n in ("analysis", "results", "jobs")], [right] * 3, across)
        window.resizeDocks([docks["data"], docks["display"]], [m.px(420), m.px(400)], down)
        heights = [m.px(340), m.px(360), m.px(100)]
        window.resizeDocks([docks["analysis"], docks["results"], docks["jobs"]], heights, down)
        if (
            focus is not None and focus.isVisible()
        ):  # a dock that is taken out loses it to whatever comes next
            focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def _first_widths(self, right: int = 330, share: float = 0.26) -> tuple[int, int]:
        """What docks at the left and the right begin with: no more than a share of the window as it is now."""
        m, whole = Metrics.of(self._window.font()), self._window.width()
        return min(m.px(284), round(0.22 * whole)), min(m.px(right), round(share * whole))

    def widen(self, factor: float) -> None:
        """Docks at the sides so many times as wide, for text of another size.

        Together they leave the centre half of the window; they do not shrink below what they start with.
        """
        window, widths = self._window, self._first_widths()
        most = window.width() // 4
        shown, wanted = [], []
        for name, dock in window.docks.items():
            area = window.dockWidgetArea(dock)
            if dock.isHidden() or dock.isFloating() or area not in (_LEFT, _RIGHT):
                continue
            now, first = dock.width(), widths[PLACES.get(name) != _LEFT]
            then = round(now * factor)
            shown.append(dock)
            wanted.append(max(now, min(then, most)) if factor > 1 else min(now, max(then, min(first, most))))
        window.resizeDocks(shown, wanted, Qt.Orientation.Horizontal)

    @property
    def saved(self) -> dict[str, str]:
        """The user's own arrangements by name; whatever else stands in the settings is left out."""
        stored = self._settings.get(SETTING)
        plain = stored.items() if isinstance(stored, dict) else ()
        return {str(k): v for k, v in plain if isinstance(v, str) and k not in BUILT_IN}

    def use(self, name: str) -> bool:
        """A built-in arrangement or one of the user's; False if there is none, or it cannot be read any more."""
        if name in BUILT_IN:
            self.arrange(name)
            return True
        state = self.saved.get(name)
        if state is None:
            return False
        self._before = None
        done = bool(self._window.restoreState(_bytes(state), VERSION))
        self.back_on_screen()
        return done

    def save(self, name: str) -> None:
        """Keep the arrangement of now under a name; one of that name is replaced."""
        state = self.state()
        self._settings.update(
            SETTING, lambda there: {**(there if isinstance(there, dict) else {}), name: state}
        )

    def remove(self, name: str) -> None:
        """Forget one of the user's arrangements."""
        self._settings.update(
            SETTING,
            lambda there: {k: v for k, v in (there if isinstance(there, dict) else {}).items() if k != name},
        )

    def ask_save(self) -> None:
        """Ask for a name and keep the arrangement under it."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Save window layout")
        dialog.setLabelText("Name of the layout:")
        dialog.setTextValue(next(iter(self.saved), "My layout"))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        field = dialog.findChild(QLineEdit)
        if field is not None:
            field.setAccessibleName("Name of the layout")
            field.setMaxLength(40)
        dialog.textValueSelected.connect(self._named)
        dialog.open()

    def _named(self, text: str) -> None:
        name = text.strip()
        if not name:
            return
        if name in BUILT_IN:
            self._window.workbench.message.emit(f"{name} comes with the program; choose another name")
            return
        self.save(name)
        self._window.workbench.message.emit(f"Layout {name} saved")

    # -- as text ---------------------------------------------------------------------------------------------

    def state(self) -> str:
        """The arrangement as text; while the panels are hidden the one that comes back."""
        return self._before or bytes(self._window.saveState(VERSION).toBase64().data()).decode("ascii")

    def restore(self, state: Any) -> None:
        """What `state` said earlier; anything else is ignored."""
        if isinstance(state, str):
            self._before = None
            self._window.restoreState(_bytes(state), VERSION)
            self.back_on_screen()

    # -- no panels at all ------------------------------------------------------------------------------------

    @property
    def focused(self) -> bool:
        """Whether the panels are hidden for the sake of the centre."""
        return self._before is not None

    def toggle_focus(self) -> None:
        """Hide all panels, or bring back those that were there."""
        if self._before is not None:
            before, self._before = self._before, None
            self._window.restoreState(_bytes(before), VERSION)
        else:
            self._before = self.state()
            for dock in self._window.docks.values():
                dock.hide()
        self._window.commands.refresh()

    def toggle_full_screen(self) -> None:
        """The whole screen, or as it was."""
        window = self._window
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)
        window.commands.refresh()

    # -- by keyboard from part to part -----------------------------------------------------------------------

    def parts(self) -> list[QWidget]:
        """The parts that F6 goes through: the search in the menu bar, the docks in sight, messages, the centre."""
        window = self._window
        order = [n for n in PLACES if n in window.docks] + [n for n in window.docks if n not in PLACES]
        docks = [window.docks[n] for n in order if not window.docks[n].isHidden()]
        left = [d for d in docks if window.dockWidgetArea(d) == _LEFT]
        cards = [window.cards] if window.cards.cards else []
        return [window.search, *left, *cards, window.centre, *(d for d in docks if d not in left)]

    def next_part(self, step: int = 1) -> None:
        """Give the keyboard to the next part that can take it."""
        parts = self.parts()
        focus = self._window.focusWidget()
        here = next(
            (n for n, p in enumerate(parts) if focus is not None and (p is focus or p.isAncestorOf(focus))), 0
        )
        for n in range(1, len(parts) + 1):
            part = parts[(here + step * n) % len(parts)]
            target = first_focus(part)
            if target is not None:
                if isinstance(part, QDockWidget):
                    part.raise_()
                target.setFocus(Qt.FocusReason.TabFocusReason)
                return

    # -- screens that have gone ------------------------------------------------------------------------------

    def back_on_screen(self) -> None:
        """Bring the window and its floating docks back where a screen shows them."""
        screens = [s.availableGeometry() for s in QGuiApplication.screens()]
        floating = [d for d in self._window.docks.values() if d.isFloating()]
        for widget in (self._window, *floating):
            place = moved_on_screen(widget.frameGeometry(), screens)
            if place is not None:
                widget.move(place)


def moved_on_screen(frame: QRect, screens: list[QRect]) -> QPoint | None:
    """Where a window must go so that its title can be seen and taken hold of; None if it may stay."""
    title = QRect(frame.left(), frame.top(), frame.width(), 24)
    if not screens or any(
        s.intersected(title).width() >= 80 and s.intersected(title).height() >= 12 for s in screens
    ):
        return None
    home = screens[0]
    x = max(home.left(), min(frame.left(), home.right() - min(frame.width(), home.width()) + 1))
    y = max(home.top(), min(frame.top(), home.bottom() - min(frame.height(), home.height()) + 1))
    return QPoint(x, y)


def first_focus(part: QWidget) -> QWidget | None:
    """The first widget in a part that Tab can reach, the part itself included."""
    if part.isVisible() and part.isEnabled() and part.focusPolicy() & Qt.FocusPolicy.TabFocus:
        return part
    found = [
        w
        for w in part.findChildren(QWidget)
        if w.isVisible() and w.isEnabled() and w.focusPolicy() & Qt.FocusPolicy.TabFocus
    ]
    if not found:
        return None
    # The order of Tab, not that in which they were made.
    at: QWidget | None = part.nextInFocusChain()
    seen = 0
    while at is not None and at is not part and seen < 5000:
        if at in found:
            return at
        at, seen = at.nextInFocusChain(), seen + 1
    return found[0]


def _bytes(text: str) -> QByteArray:
    return QByteArray.fromBase64(text.encode("ascii", "ignore"))
