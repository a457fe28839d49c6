"""Help on analyses, the plugin list, the page About."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

from app.window.about import AboutDialog, libraries
from app.window.analyses_help import AnalysesHelp, as_html, parameter_words
from app.window.plugins_dialog import PluginsDialog
from core.analyses import Parameter
from core.plugins import Analysis


@pytest.fixture
def ready(fake_plugin: Path, make_window: Any, files: dict[str, Path], helper: Any) -> Any:
    (fake_plugin.parent / "eqbroken").mkdir()
    (fake_plugin.parent / "eqbroken" / "plugin.toml").write_text("api = 1\nid = 5\n")
    (fake_plugin.parent / "eqfaulty").mkdir()
    (fake_plugin.parent / "eqfaulty" / "__init__.py").write_text("")
    (fake_plugin.parent / "eqfaulty" / "work.py").write_text("import this_module_is_not_there\n")
    (fake_plugin.parent / "eqfaulty" / "plugin.toml").write_text(
        'api = 1\nid = "faulty"\ntitle = "Faulty"\n\n[[analyses]]\nid = "faulty.one"\ntitle = "One…"\n'
        'function = "eqfaulty.work:one"\ninputs = [["mesh"]]\n'
    )
    window = make_window()
    helper.open(window, files["mesh"])
    yield window
    for name in [m for m in sys.modules if m.partition(".")[0] == "eqfaulty"]:
        del sys.modules[name]


def test_help_on_an_analysis_from_its_description(ready: Any, helper: Any, qtbot: Any) -> None:
    ready.commands["help.analyses"].trigger()
    (dialog,) = ready.findChildren(AnalysesHelp)
    helper.idle(ready)
    dialog.choose("fake.everything")
    text = dialog.text.toPlainText()
    for words in (
        "Find everything about a shape.",
        "A longer text.",
        "Nobody 2000",
        "whole number, 1 to 10",
        "number in mm",
        "A level.",
        "automatic",
        "fast, exact",
        "mesh or point cloud",
        "equiscope run fake.everything",
    ):
        assert words in text, words
    qtbot.keyClicks(dialog.search, "nobody 2000")
    assert dialog.current.id == "fake.everything"
    dialog.search.clear()
    qtbot.keyClicks(dialog.search, "lacking")
    assert dialog.current.id == "fake.lacking" and "pip install something" in dialog.text.toPlainText()
    dialog.choose("fake.everything")
    dialog._copy()
    assert QGuiApplication.clipboard().text().startswith("equiscope run fake.everything")
    dialog._form()
    assert ready.analysis.chosen == "fake.everything"


def test_help_is_reached_from_the_form(ready: Any, helper: Any, qtbot: Any) -> None:
    ready.workbench.load_descriptions()
    helper.idle(ready)
    ready.commands["analyse.fake.slow"].trigger()
    qtbot.mouseClick(ready.analysis._help_button, Qt.MouseButton.LeftButton)
    (dialog,) = ready.findChildren(AnalysesHelp)
    assert dialog.current.id == "fake.slow"


def test_every_built_in_analysis_has_its_help(window: Any, helper: Any) -> None:
    window.workbench.load_descriptions()
    helper.idle(window)
    for analysis in window.workbench.host.analyses:
        if window.workbench.host.missing(analysis):
            continue
        description = window.workbench.descriptions[analysis.id]
        page = as_html(analysis, description)
        assert description.summary and analysis.id in page
        for parameter in description.parameters:
            assert parameter.label in page


def test_what_a_manifest_says_is_no_markup() -> None:
    analysis = Analysis(
        "a.b", "<b>Bold</b>…", "x:y", [], reference="See doi:10.1000/182 and arXiv:2101.00001"
    )
    page = as_html(analysis, None)
    assert "&lt;b&gt;" in page and 'href="https://doi.org/10.1000/182"' in page
    assert 'href="https://arxiv.org/abs/2101.00001"' in page
    assert parameter_words(Parameter("n", "float", 0.5, minimum=0.0, unit="mm")) == (
        "number, at least 0 mm",
        "0.5",
    )
    assert parameter_words(Parameter("b", "bool", True))[1] == "yes"
    assert parameter_words(Parameter("p", "path", required=True))[1] == "needed"


def test_plugins_tell_origin_version_errors_and_what_to_install(ready: Any, helper: Any, qtbot: Any) -> None:
    ready.commands["help.plugins"].trigger()
    (dialog,) = ready.findChildren(PluginsDialog)
    rows = {
        dialog.tree.topLevelItem(n).text(0): dialog.tree.topLevelItem(n)
        for n in range(dialog.tree.topLevelItemCount())
    }
    assert rows["Volumes"].text(1) == "0.1.0" and rows["Volumes"].text(3) == "built in"
    assert rows["eqbroken"].text(4).startswith("broken: ")
    fake = rows["Fake"]
    assert fake.text(3) == "user folder" and fake.text(4) == "2 cannot be used yet"
    dialog.tree.setCurrentItem(fake)
    assert str(ready.workbench.host.plugins[-1].folder.parent) in dialog.details.toPlainText()
    qtbot.mouseClick(dialog.pip_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "pip install something equiscope[more]"
    dialog.tree.setCurrentItem(rows["Volumes"])
    assert not dialog.pip_button.isVisible()
    dialog.check()
    helper.idle(ready)
    assert rows["Faulty"].text(4) == "1 broken" and "ModuleNotFoundError" in rows["Faulty"].child(0).text(4)
    assert (
        "Traceback" in dialog.details.toPlainText()
        and "this_module_is_not_there" in dialog.details.toPlainText()
    )
    assert rows["Volumes"].text(4) == "ready"


def test_closing_the_list_while_it_checks(ready: Any, helper: Any, qapp: Any) -> None:
    ready.show_plugins()
    (dialog,) = ready.findChildren(PluginsDialog)
    dialog.check()
    dialog.close()
    qapp.sendPostedEvents(None, 52)
    helper.idle(ready)
    assert not ready.cards.cards


def test_about_names_libraries_and_licences(window: Any, qtbot: Any) -> None:
    window.show_about()
    (dialog,) = window.findChildren(AboutDialog)
    found = {name.lower(): licence for name, _, licence in libraries()}
    assert "vtk" in found and "numpy" in found and "BSD" in found["vtk"]
    assert "LGPL" in found["pyside6_essentials"]
    assert "pytest" not in found and all(found.values())
    dialog._cite()
    assert "@software{equiscope," in QGuiApplication.clipboard().text()
    dialog._copy()
    assert "numpy" in QGuiApplication.clipboard().text()
