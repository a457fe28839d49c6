"""The menu Window: panels, arrangements, full screen, and ways through it by keyboard."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDockWidget

from app.panels import Panel
from app.window._safety import safe_mode
from app.window.layouts import BUILT_IN

if TYPE_CHECKING:
    from app.window.menus import Menus

KEYS = {
    "data": "Ctrl+Alt+1",
    "display": "Ctrl+Alt+2",
    "analysis": "Ctrl+Alt+3",
    "results": "Ctrl+Alt+4",
    "jobs": "Ctrl+Alt+5",
    "log": "Ctrl+Alt+6",
    "console": "Ctrl+Alt+7",
    "batch": "Ctrl+Alt+8",
}
ABOUT = {
    "Standard": "all panels but log and console",
    "Reading": "data and display, the rest to the views",
    "Analysis": "a wide form with results, jobs and the log",
    "Figures": "display and results",
}


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add
    menu = menus.menus["Window"]
    menus.panels = menu.addMenu("Panels")
    menus.panels.setToolTipsVisible(True)
    for name, dock in w.docks.items():
        add_panel(menus, name, dock)
    if safe_mode():
        add("panel.console", "Console", lambda: None, group="Panels", why_not=lambda: "not in safe mode")
        menus.panels.addAction(menus.commands["panel.console"])
    for panel in w.workbench.host.panels:
        id = f"panel.{panel.id}"
        add(id, panel.title, partial(w.open_plugin_panel, panel), group="Panels")
        menus.commands.set_reason(id, w.workbench.host.missing(panel))
        menus.panels.addAction(menus.commands[id])
    menu.addSeparator()
    layouts = menu.addMenu("Layout")
    layouts.setToolTipsVisible(True)
    for name in BUILT_IN:
        add(
            f"window.layout-{name.lower()}",
            name,
            partial(w.layouts.use, name),
            group="Window layout",
            words=f"arrange docks {ABOUT[name]}",
            tip=ABOUT[name].capitalize(),
        )
    add("window.save-layout", "&Save layout as…", w.layouts.ask_save, group="Window layout", words="docks")
    own = _OwnLayouts(menus)
    layouts.aboutToShow.connect(lambda: own.fill(layouts))
    own.fill(layouts)
    add(
        "view.reset-layout",
        "&Reset window layout",
        w.reset_layout,
        group="Window layout",
        words="docks panels standard",
    )
    add(
        "window.focus",
        "&Hide all panels",
        w.layouts.toggle_focus,
        group="Window",
        shortcut="Ctrl+Shift+D",
        checked=lambda: w.layouts.focused,
        words="focus mode docks distraction",
    )
    add(
        "window.full-screen",
        "&Full screen",
        w.layouts.toggle_full_screen,
        group="Window",
        shortcut="F11",
        checked=w.isFullScreen,
    )
    add(
        "window.next-part",
        "&Next part of the window",
        w.layouts.next_part,
        group="Window",
        shortcut="F6",
        words="keyboard panel dock centre focus",
    )
    add(
        "window.previous-part",
        "&Previous part of the window",
        partial(w.layouts.next_part, -1),
        group="Window",
        shortcut="Shift+F6",
        words="keyboard panel dock centre focus",
    )
    add(
        "window.messages",
        "Go to the messa&ges",
        w.cards.focus,
        group="Window",
        shortcut="Ctrl+Shift+M",
        words="error card keyboard",
        why_not=w.cards.why_none,
    )
    add(
        "window.close-messages",
        "&Close all messages",
        w.cards.clear,
        group="Window",
        words="error card dismiss",
        why_not=w.cards.why_none,
    )
    add("window.memory", "Memor&y…", w.show_memory, group="Window", words="size bytes gpu workers ram")
    for id in ("window.messages", "window.close-messages"):
        w.cards.changed.connect(partial(_ask, menus, id))
    add(
        "window.menus",
        "&Menus",
        partial(_open_menus, menus),
        group="Window",
        shortcut="F10",
        words="keyboard",
    )
    menus.put("Window", "view.reset-layout", "-", "window.focus", "window.full-screen", "-")
    menus.put("Window", "window.next-part", "window.previous-part", "window.menus", "-")
    menus.put("Window", "window.messages", "window.close-messages", "window.memory")


def _ask(menus: Menus, id: str) -> None:
    menus.commands.set_reason(id, menus.window.cards.why_none())


def add_panel(menus: Menus, name: str, dock: QDockWidget) -> None:
    """The command that shows and hides a dock."""
    action = menus.commands.add(
        f"panel.{name}",
        dock.windowTitle(),
        partial(_toggle, menus, dock),
        group="Panels",
        words="panel dock show hide",
        shortcut=KEYS.get(name),
        checked=lambda: not dock.isHidden(),
    )
    dock.visibilityChanged.connect(lambda _shown: action.setChecked(not dock.isHidden()))
    menus.panels.addAction(action)


def _toggle(menus: Menus, dock: QDockWidget) -> None:
    """Show a dock and give it the keyboard, or hide it."""
    from app.window.layouts import first_focus

    if dock.isHidden():
        dock.show()
        dock.raise_()
        menus.window.layouts.share_bottom()
        panel = dock.widget()
        target = (panel.first if isinstance(panel, Panel) else None) or first_focus(dock)
        if target is not None:
            target.setFocus()
    else:
        dock.hide()
    menus.commands[f"panel.{dock.objectName().removeprefix('dock-')}"].setChecked(not dock.isHidden())


def _open_menus(menus: Menus) -> None:
    bar = menus.window.menuBar()
    bar.setActiveAction(bar.actions()[0])


class _OwnLayouts:
    """The user's own arrangements, as commands and in the menu."""

    def __init__(self, menus: Menus) -> None:
        self._menus = menus
        self._names: list[str] = []

    def fill(self, menu: object) -> None:
        from PySide6.QtWidgets import QMenu

        assert isinstance(menu, QMenu)
        w, commands = self._menus.window, self._menus.commands
        for name in self._names:
            commands.remove(f"window.own-layout.{name}")
        menu.clear()
        for old in menu.findChildren(QMenu):  # what is cleared is its entry only
            old.deleteLater()
        for name in BUILT_IN:
            menu.addAction(commands[f"window.layout-{name.lower()}"])
        self._names = sorted(w.layouts.saved)
        if self._names:
            menu.addSeparator()
        for name in self._names:
            id = f"window.own-layout.{name}"
            title = name.replace("&", "&&")
            commands.add(id, title, partial(w.layouts.use, name), group="Window layout", words="own docks")
            menu.addAction(commands[id])
        menu.addSeparator()
        menu.addAction(commands["window.save-layout"])
        if self._names:
            forget = menu.addMenu("Remove")
            for name in self._names:
                forget.addAction(name.replace("&", "&&"), partial(w.layouts.remove, name))
