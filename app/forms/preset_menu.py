"""The button "Presets" below a form: choose, save, rename, delete, exchange."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog, QMenu, QPushButton

from app.forms.presets import Preset, Presets
from app.forms.tips import plain_tip
from app.window.saving import ask_save
from core.analyses import ParameterError
from core.errors import UserError

if TYPE_CHECKING:
    from app.forms.form import AnalysisForm

DEFAULTS = "Defaults"


class PresetButton(QPushButton):
    """Works on one form. `say` tells the user what came of it, `fail` what went wrong."""

    def __init__(
        self,
        form: AnalysisForm,
        presets: Presets,
        say: Callable[[str], object],
        fail: Callable[[str], object],
    ) -> None:
        super().__init__("Presets")
        self._form, self.presets, self._say, self._fail = form, presets, say, fail
        self.current = ""
        self.setToolTip("Values kept under a name")
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(self._fill)
        self.setMenu(menu)

    def _fill(self) -> None:
        menu = self.menu()
        menu.clear()
        self._entry(menu, DEFAULTS, self.use_defaults)
        for name in self.presets.names:
            action = self._entry(menu, name.replace("&", "&&"), partial(self.use, name))
            action.setCheckable(True)
            action.setChecked(name == self.current and self._is(name))
        menu.addSeparator()
        why = self._form.problem()
        save = self._entry(menu, "Save as…", self._ask_save)
        save.setEnabled(not self._wrong())
        save.setToolTip(why)
        update = self._entry(
            menu, f"Update {self.current}".replace("&", "&&"), partial(self.save, self.current)
        )
        update.setVisible(bool(self.current))
        update.setEnabled(not self._wrong() and not self._is(self.current))
        for title, act in (("Rename", self._ask_rename), ("Delete", self.delete)):
            each = menu.addMenu(title)
            each.setEnabled(bool(self.presets.names))
            for name in self.presets.names:
                self._entry(each, name.replace("&", "&&"), partial(act, name))
        menu.addSeparator()
        self._entry(menu, "Export presets…", self._ask_export).setEnabled(bool(self.presets.names))
        self._entry(menu, "Import presets…", self._ask_import)

    @staticmethod
    def _entry(menu: QMenu, text: str, act: Callable[[], object]) -> Any:
        action = menu.addAction(text)
        action.triggered.connect(lambda _checked=False: act())
        return action

    def _wrong(self) -> bool:
        try:
            self._form.values()
        except ParameterError:
            return True
        return False

    def _is(self, name: str) -> bool:
        """Whether the form shows just this preset."""
        if self._wrong():
            return False
        kept = self.presets.get(name)
        return dict(kept.values) == self._form.values() and kept.seed == self._form.seed_value()

    def _name(self, name: str) -> None:
        self.current = name
        self.setText(
            self.fontMetrics().elidedText(
                name, Qt.TextElideMode.ElideRight, 12 * self.fontMetrics().averageCharWidth()
            )
            or "Presets"
        )
        self.setAccessibleName(f"Presets: {name}" if name else "Presets")
        self.setToolTip(plain_tip(name) or "Values kept under a name")

    # -- what it does ----------------------------------------------------------------------------------------

    def use_defaults(self) -> None:
        """All values as the analysis has them."""
        self._form.reset()
        self._name("")

    def use(self, name: str) -> None:
        """Show the values of a preset; a parameter that it does not know gets its default."""
        preset = self.presets.get(name)
        self._form.reset()
        lost = self._form.set_values(preset.values, preset.seed)
        self._name(name)
        if lost:
            self._fail(
                f"{name} holds no fitting value for {' and '.join(lost)}; the default is shown instead."
            )

    def save(self, name: str) -> None:
        """Keep the form's values under a name."""
        self.presets.save(name, Preset(self._form.values(), self._form.seed_value()))
        self._name(name)
        self._say(f"Preset {name} saved")

    def rename(self, old: str, new: str) -> None:
        """Give a preset another name, which none has yet."""
        if new == old or self._refused(new):
            return
        if new in self.presets.names:
            self._fail(f"There is a preset {new} already; choose another name, or delete that one first.")
            return
        self.presets.rename(old, new)
        if self.current == old:
            self._name(new)

    def delete(self, name: str) -> None:
        """Forget a preset; the form stays as it is."""
        self.presets.delete(name)
        if self.current == name:
            self._name("")
        self._say(f"Preset {name} deleted")

    def _ask(self, title: str, text: str) -> str:
        name, ok = QInputDialog.getText(self, title, "Name", text=text)
        return name.strip() if ok else ""

    def _ask_save(self) -> None:
        name = self._ask("Save preset", self.current)
        if name and not self._refused(name):
            self.save(name)

    def _refused(self, name: str) -> bool:
        if name == DEFAULTS:
            self._fail("Defaults is the name of the analysis's own values; choose another.")
        return name == DEFAULTS

    def _ask_rename(self, old: str) -> None:
        name = self._ask("Rename preset", old)
        if name:
            self.rename(old, name)

    def _ask_export(self) -> None:
        offered = Path.home() / f"{self.presets.analysis}-presets.json"
        chosen = ask_save(self, "Export presets", offered, ["Presets (*.json)"], endings=[[".json"]])
        if chosen is not None:
            try:
                self.presets.write(chosen[0])
            except UserError as error:
                self._fail(str(error))
            else:
                self._say(f"{chosen[0].name} written")

    def _ask_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Import presets", str(Path.home()), "Presets (*.json)")
        if path:
            self.take(Path(path))

    def take(self, path: Path) -> None:
        """Read presets from a file."""
        try:
            names = self.presets.read(path)
        except UserError as error:
            self._fail(str(error))
        else:
            self._say(f"{len(names)} presets read")
