"""Sliders, the dice, what stands behind More, presets, and what a field says of itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.forms import make_field
from app.forms.form import AnalysisForm, Candidate
from app.forms.preset_menu import PresetButton
from app.forms.presets import Preset, Presets
from app.forms.slider import BoundedSlider
from core.analyses import Description, Input, Parameter
from core.errors import UserError
from core.settings import Settings

DESCRIPTION = Description(
    id="a.b",
    title="Do…",
    inputs=(Input("first", ("mesh",), "First"),),
    parameters=(
        Parameter(
            "level", "float", 0.5, minimum=0.0, maximum=1.0, step=0.01, label="Level", help="How much."
        ),
        Parameter("name", "str", "", label="Name"),
        Parameter("depth", "int", 4, minimum=1, maximum=64, label="Depth", advanced=True),
    ),
)


@pytest.fixture
def form(qtbot: Any) -> AnalysisForm:
    made = AnalysisForm(DESCRIPTION, device_reason="No GPU here.")
    qtbot.addWidget(made)
    qtbot.addWidget(made.footer)
    made.set_candidates([Candidate("1", "shape", "mesh", "/f.ply")])
    made.show()
    return made


@pytest.fixture
def presets(form: AnalysisForm, tmp_path: Path) -> Any:
    said: list[str] = []
    made = PresetButton(form, Presets(Settings(tmp_path / "s.json"), "a.b"), said.append, said.append)
    made.said = said  # type: ignore[attr-defined]
    form.first.insertWidget(0, made)
    return made


def test_a_bounded_number_has_a_slider_that_follows_and_leads(qtbot: Any) -> None:
    field = make_field(DESCRIPTION.parameters[0])
    qtbot.addWidget(field)
    slider: BoundedSlider = field.slider  # type: ignore[attr-defined]
    assert slider.value_of(slider.value()) == 0.5
    with qtbot.waitSignal(field.changed):
        QTest.keyClick(slider, Qt.Key.Key_Right)
    assert field.value() == 0.51
    edit = field.edit  # type: ignore[attr-defined]
    edit.clear()
    qtbot.keyClicks(edit, "0.25")
    assert slider.value_of(slider.value()) == 0.25
    edit.clear()
    qtbot.keyClicks(edit, "7")
    assert slider.value() == slider.maximum(), "out of bounds is shown at the bound; the field says why"


def test_over_several_powers_of_ten_a_slider_moves_by_factors(qtbot: Any) -> None:
    slider = BoundedSlider(1000, 200000, integer=True)
    qtbot.addWidget(slider)
    middle = slider.value_of(slider.maximum() // 2)
    assert 12_000 < middle < 16_000
    assert slider.value_of(0) == 1000 and slider.value_of(slider.maximum()) == 200000
    for value in (1000, 20000, 133000):
        slider.show_value(value)
        assert slider.value_of(slider.value()) == pytest.approx(value, rel=0.05)


def test_an_open_or_optional_number_has_no_slider(qtbot: Any) -> None:
    for parameter in (
        Parameter("x", "float", 0.5, minimum=0.0),
        Parameter("x", "float", None, optional=True, minimum=0.0, maximum=1.0),
        Parameter("x", "int", 0, minimum=0, maximum=1),
    ):
        field = make_field(parameter)
        qtbot.addWidget(field)
        assert field.slider is None  # type: ignore[attr-defined]


def test_what_few_change_is_behind_more_and_counted(form: AnalysisForm, qtbot: Any) -> None:
    assert form.more is not None and not form.fields["depth"].isVisible() and not form.seed.isVisible()
    assert form.more.text() == "More"
    QTest.mouseClick(form.more, Qt.MouseButton.LeftButton)
    assert form.fields["depth"].isVisible() and form.seed.isVisible()
    form.fields["depth"].set_value(9)
    QTest.mouseClick(form.dice, Qt.MouseButton.LeftButton)
    assert form.seed_value() > 0
    assert form.more.text() == "Less · 2 changed"
    form.show_more(False)
    assert form.more.text() == "More · 2 changed", "nothing is changed in secret"
    form.reset()
    assert form.more.text() == "More" and form.seed_value() == 0


def test_a_wrong_value_behind_more_comes_into_sight(form: AnalysisForm) -> None:
    form.set_values({"depth": 1000})
    assert form.fields["depth"].isVisible()
    assert "at most 64" in form.reason.text() and not form.run_button.isEnabled()


def test_fields_and_device_say_what_they_are(form: AnalysisForm) -> None:
    assert form.fields["level"].editors[0].whatsThis() == "Level\nHow much.\nFrom 0 to 1.\nDefault: 0.5."
    assert form.device.toolTip() == "No GPU here." and not form.device.isEnabled()


def test_presets_are_saved_used_renamed_and_deleted(form: AnalysisForm, presets: Any, tmp_path: Path) -> None:
    form.set_values({"level": 0.75, "name": "x"}, 7)
    presets.save("mine")
    presets.use_defaults()
    assert form.values()["level"] == 0.5 and form.seed_value() == 0
    presets.use("mine")
    assert form.values() == {"level": 0.75, "name": "x", "depth": 4} and form.seed_value() == 7
    assert presets.text() == "mine"
    again = Presets(Settings(tmp_path / "s.json"), "a.b")
    assert again.names == ["mine"], "they outlive the window"
    assert Presets(Settings(tmp_path / "s.json"), "a.c").names == []
    presets.rename("mine", "ours")
    assert presets.presets.names == ["ours"] and presets.text() == "ours"
    presets.delete("ours")
    assert presets.presets.names == [] and presets.text() == "Presets"
    assert form.values()["level"] == 0.75, "the form stays as it is"


def test_a_new_name_takes_no_other_preset_away(presets: Any) -> None:
    presets.save("mine")
    presets.save("yours")
    presets.rename("mine", "yours")
    assert presets.presets.names == ["mine", "yours"] and "already" in presets.said[-1]
    presets.rename("mine", "Defaults")
    assert presets.presets.names == ["mine", "yours"] and "choose another" in presets.said[-1]


def test_two_windows_keep_each_other_s_presets(tmp_path: Path) -> None:
    first, second = (Presets(Settings(tmp_path / "s.json"), "a.b") for _ in range(2))
    other = Presets(Settings(tmp_path / "s.json"), "a.c")
    first.save("one", Preset())
    second.save("two", Preset())
    other.save("three", Preset())
    second.delete("two")
    assert Presets(Settings(tmp_path / "s.json"), "a.b").names == ["one"]
    assert Presets(Settings(tmp_path / "s.json"), "a.c").names == ["three"]


def test_presets_are_exported_under_a_name_with_an_ending(
    presets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets.save("mine")
    typed = (str(tmp_path / "mine"), "Presets (*.json)")
    monkeypatch.setattr("app.window.saving.QFileDialog.getSaveFileName", lambda *_: typed)
    presets._ask_export()
    assert (tmp_path / "mine.json").exists() and not (tmp_path / "mine").exists()


def test_the_menu_of_presets(form: AnalysisForm, presets: Any) -> None:
    presets.presets.save("b", Preset({"level": 0.1}))
    presets.presets.save("A", Preset({"level": 0.2}))
    presets._fill()
    names = [a.text() for a in presets.menu().actions() if not a.isSeparator()]
    assert names[:4] == ["Defaults", "A", "b", "Save as…"]
    next(a for a in presets.menu().actions() if a.text() == "A").trigger()
    assert form.values()["level"] == 0.2
    form.fields["level"].set_value(9.0)
    form._check()
    presets._fill()
    save = next(a for a in presets.menu().actions() if a.text() == "Save as…")
    assert not save.isEnabled() and "at most 1" in save.toolTip()


def test_presets_are_exchanged_as_json(presets: Any, tmp_path: Path) -> None:
    store = presets.presets
    store.save("one", Preset({"level": 0.25}, 3))
    store.write(tmp_path / "p.json")
    other = Presets(Settings(tmp_path / "other.json"), "a.b")
    assert other.read(tmp_path / "p.json") == ["one"]
    assert other.get("one") == Preset({"level": 0.25}, 3)
    with pytest.raises(UserError, match=r"are for a\.b"):
        Presets(Settings(tmp_path / "other.json"), "c.d").read(tmp_path / "p.json")
    (tmp_path / "no.json").write_text("[1, 2]")
    presets.take(tmp_path / "no.json")
    assert "holds no presets" in presets.said[-1]


@pytest.mark.parametrize("level", ["x", [1], {"a": 1}, True])
def test_what_a_field_cannot_show_is_said_and_gets_the_default(
    form: AnalysisForm, presets: Any, level: Any
) -> None:
    form.set_values({"level": 0.75})
    presets.presets.save("odd", Preset({"level": level, "depth": 5, "nobody": 1}))
    presets.use("odd")
    assert form.values()["level"] == 0.5 and form.run_button.isEnabled()
    assert presets.said[-1].startswith("odd holds no fitting value for Level;")
    assert form.fields["depth"].edit.value() == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "stored", [3, {"a.b": 4}, {"a.b": {"x": [1]}}, {"a.b": {"x": {"values": 1, "seed": -2}}}]
)
def test_damaged_presets_are_empty_ones(tmp_path: Path, stored: Any) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"presets": stored}))
    found = Presets(Settings(tmp_path / "s.json"), "a.b")
    assert all(found.get(n) == Preset() for n in found.names)
    found.save("new", Preset({"level": 0.5}))
    assert "new" in found.names


def test_a_preset_of_an_older_version_is_used_as_far_as_it_goes(form: AnalysisForm, presets: Any) -> None:
    presets.presets.save("old", Preset({"level": 0.3, "gone": 1}))
    presets.use("old")
    assert form.values() == {"level": 0.3, "name": "", "depth": 4}


def test_the_wheel_changes_nothing_without_the_focus(form: AnalysisForm) -> None:
    from PySide6.QtCore import QPoint, QPointF
    from PySide6.QtGui import QWheelEvent
    from PySide6.QtWidgets import QApplication

    field: Any = form.fields["level"]
    form.set_candidates([Candidate("1", "shape", "mesh"), Candidate("2", "other", "mesh")])
    form.fields["name"].editors[0].setFocus()
    for target in (field.slider, form.inputs[0]):
        event = QWheelEvent(
            QPointF(5, 5),
            QPointF(5, 5),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(target, event)
    assert field.value() == 0.5 and form.chosen() == ["1"]


@pytest.mark.parametrize("width", [120, 180, 330])
def test_labels_are_readable_and_fields_fit_however_narrow_the_form(qtbot: Any, width: int) -> None:
    from app.forms.widgets import FieldGrid

    grid = FieldGrid()
    qtbot.addWidget(grid)
    names, fields = [], []
    for text, options in (("Minimum score", {"minimum": 0.0, "maximum": 1.0}), ("Threshold", {})):
        fields.append(make_field(Parameter(name="x", label=text, type="float", default=0.5, **options)))  # type: ignore[arg-type]
        names.append(grid.add(text, fields[-1]))
    grid.resize(grid.minimumSizeHint().expandedTo(QSize(width, 200)))
    grid.show()
    QApplication.processEvents()
    for name, field in zip(names, fields, strict=True):
        assert name.width() >= name.fontMetrics().horizontalAdvance(name.text()), "the whole label is seen"
        assert field.geometry().right() < grid.width() and field.width() >= field.minimumSizeHint().width()
        above = name.geometry().right() > field.geometry().left()
        assert above is (width < 200), "above the field where it is narrow, else beside"
    assert grid.minimumSizeHint().width() < 180
    # In one that is made wider, labels go beside their fields again.
    grid.resize(400, 200)
    QApplication.processEvents()
    assert names[0].geometry().right() < fields[0].geometry().left()


def test_the_copies_go_below_each_other_where_they_do_not_fit(form: AnalysisForm, qtbot: Any) -> None:
    for width, below in ((400, False), (180, True)):
        form.footer.resize(width, 140)
        form.footer.show()
        QApplication.processEvents()
        a, b = form.command_button.geometry(), form.python_button.geometry()
        assert (b.top() > a.bottom()) is below
        for each in (form.command_button, form.python_button):
            assert each.width() >= each.sizeHint().width()
