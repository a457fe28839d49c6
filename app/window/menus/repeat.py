"""Commands on runs: repeat one from its record, export all that one found, About this analysis, presets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.main_window import MainWindow
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add

    def no_result() -> str:
        return "" if _group(w) else "no result is shown"

    def no_form() -> str:
        return "" if w.analysis.form is not None else "no analysis is chosen"

    menus.menus["Analyse"].addSeparator()
    add(
        "run.repeat",
        "&Repeat a record…",
        w.repeater.ask,
        group="Analyse",
        words="replay record.json again rerun",
    )
    add(
        "run.export",
        "Export &all of the result…",
        lambda: w.results.exports.save_result(w.workbench.document[_group(w)]),
        group="Analyse",
        why_not=no_result,
        words="folder record.json result.json save",
    )
    add(
        "run.copy-numbers",
        "Copy all numbers",
        w.results.copy_numbers,
        group="Analyse",
        why_not=lambda: "" if w.results.numbers else "no numbers are shown",
    )
    add(
        "run.copy-command",
        "Copy as command",
        lambda: w.analysis.form.command_button.click(),  # type: ignore[union-attr]
        group="Analyse",
        why_not=lambda: no_form() or w.analysis.form.problem(),  # type: ignore[union-attr]
        words="shell terminal",
    )
    add(
        "run.copy-python",
        "Copy as Python",
        lambda: w.analysis.form.python_button.click(),  # type: ignore[union-attr]
        group="Analyse",
        why_not=lambda: no_form() or w.analysis.form.problem(),  # type: ignore[union-attr]
        words="script",
    )
    menus.put(
        "Analyse", "run.repeat", "run.export", "run.copy-numbers", "-", "run.copy-command", "run.copy-python"
    )


def _group(window: MainWindow) -> str:
    group = window.results.group
    return group if group is not None and group in window.workbench.document else ""
