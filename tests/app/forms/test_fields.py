"""Fields and numbers: what is shown is what is read, and wrong values say why."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt

from app.forms import NumberEdit, make_field, number_words, parse_number, with_error
from app.forms.form import AnalysisForm, Candidate
from core.analyses import Description, Input, Parameter, ParameterError


def field(qtbot: Any, **options: Any) -> Any:
    made = make_field(Parameter(**{"name": "x", "label": "X", **options}))
    qtbot.addWidget(made)
    return made


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"type": "bool", "default": False}, [True, False]),
        ({"type": "bool", "optional": True}, [None, True, False]),
        ({"type": "int", "default": 3}, [0, -5, 12345678]),
        ({"type": "float", "default": 0.5, "unit": "mm"}, [0.25, 1e-6, -3.0]),
        ({"type": "float", "optional": True}, [None, 2.5]),
        ({"type": "str", "default": ""}, ["", "some words"]),
        ({"type": "choice", "default": "a", "choices": ("a", "b_c")}, ["a", "b_c"]),
        ({"type": "choice", "optional": True, "choices": (1, 2)}, [None, 1, 2]),
        ({"type": "vector", "length": 3, "default": [0.0, 0.0, 1.0]}, [[1.0, 2.0, 3.5]]),
        ({"type": "vector", "length": 2, "optional": True}, [None, [1.0, 2.0]]),
        ({"type": "path", "default": ""}, ["/some/where.txt"]),
    ],
)
def test_a_value_survives_the_field(qtbot: Any, options: dict[str, Any], values: list[Any]) -> None:
    made = field(qtbot, **options)
    if "default" in options:
        assert made.value() == options["default"]
    for value in values:
        made.set_value(value)
        assert made.value() == value
        assert type(made.value()) is type(value)


@pytest.mark.parametrize(
    ("options", "text", "reason"),
    [
        ({"type": "int"}, "", "needs a number"),
        ({"type": "int"}, "many", "is no number"),
        ({"type": "int"}, "1.5", "whole number"),
        ({"type": "float", "minimum": 0.0, "unit": "mm"}, "-1", "at least 0 mm"),
        ({"type": "float", "maximum": 1.0}, "2", "at most 1"),
        ({"type": "float"}, "1e999", "is no number"),
    ],
)
def test_a_wrong_value_has_its_reason_below_it(
    qtbot: Any, options: dict[str, Any], text: str, reason: str
) -> None:
    made = field(qtbot, **options)
    made.edit.setText(text)
    with pytest.raises(ParameterError):
        made.value()
    assert reason in made.reason.text()
    assert made.edit.property("invalid") is True
    made.set_value(0.5 if options["type"] == "float" else 1)
    made.value()
    assert not made.reason.text() and not made.edit.property("invalid")


def test_a_half_filled_vector_is_refused(qtbot: Any) -> None:
    made = field(qtbot, type="vector", length=3, optional=True)
    made.edits[0].setText("1")
    with pytest.raises(ParameterError, match="needs 3 numbers, or none"):
        made.value()


def test_arrow_keys_step_within_the_bounds(qtbot: Any) -> None:
    edit = NumberEdit(integer=True, minimum=0, maximum=2, step=1)
    qtbot.addWidget(edit)
    edit.set_value(1)
    with qtbot.waitSignal(edit.changed):
        qtbot.keyClick(edit, Qt.Key.Key_Up)
    qtbot.keyClick(edit, Qt.Key.Key_Up)
    assert edit.value() == 2
    for _ in range(5):
        qtbot.keyClick(edit, Qt.Key.Key_Down)
    assert edit.value() == 0


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("−2.5", -2.5), ("1\u202f024", 1024.0), ("2,5", 2.5), (" 7 ", 7.0)]
)
def test_numbers_as_people_write_them(text: str, value: float) -> None:
    assert parse_number(text) == value


@pytest.mark.parametrize("text", ["", "x", "nan", "inf", "1,2,3"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError):
        parse_number(text)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0"),
        (3, "3"),
        (-2.5, "\u22122.5"),
        (1234.5678, "1235"),
        (243312.4, "243\u202f312"),
        (7.593e-05, "7.593e\u22125"),
        (float("nan"), "not a number"),
        (float("inf"), "∞"),
    ],
)
def test_numbers_as_people_read_them(value: float, words: str) -> None:
    assert number_words(value) == words


@pytest.mark.parametrize(
    ("value", "error", "unit", "words"),
    [
        (1.0712, 0.21, "mm", "1.07 ± 0.21 mm"),
        (12.0, 3.0, "", "12.0 ± 3.0"),
        (90.0, None, "°", "90°"),
        (1500.0, 120.0, "s", "1500 ± 120 s"),
        (0.1, 0.0, "", "0.1"),
    ],
)
def test_a_value_has_the_decimals_that_its_error_deserves(
    value: float, error: float | None, unit: str, words: str
) -> None:
    assert with_error(value, error, unit) == words


DESCRIPTION = Description(
    id="a.b",
    title="Do…",
    summary="Does it.",
    inputs=(Input("first", ("mesh",), "First"), Input("mask", ("volume",), "Mask", "", True)),
    parameters=(Parameter("level", "float", required=True, label="Level"),),
)


def test_a_required_parameter_has_to_be_given(qtbot: Any) -> None:
    form = AnalysisForm(DESCRIPTION)
    qtbot.addWidget(form)
    qtbot.addWidget(form.footer)
    form.set_candidates([Candidate("1", "shape", "mesh", "/f.ply")])
    assert not form.run_button.isEnabled()
    form.fields["level"].set_value(0.5)
    form._check()
    assert form.run_button.isEnabled()
    with qtbot.waitSignal(form.submitted) as sent:
        form.run_button.click()
    assert sent.args == [["1"], {"level": 0.5}, 0, "cpu"]


def test_an_input_offers_only_what_fits(qtbot: Any) -> None:
    form = AnalysisForm(DESCRIPTION)
    qtbot.addWidget(form)
    qtbot.addWidget(form.footer)
    form.set_candidates(
        [Candidate("1", "a", "mesh"), Candidate("2", "b", "volume"), Candidate("3", "c", "mesh")]
    )
    first, mask = form.inputs
    assert [first.itemText(n) for n in range(first.count())] == ["a", "c"]
    assert [mask.itemText(n) for n in range(mask.count())] == ["none", "b"]
    assert form.chosen() == ["1"]
    form.choose("3")
    assert form.chosen() == ["3"]
    form.set_candidates([Candidate("1", "a", "mesh"), Candidate("3", "renamed", "mesh")])
    assert form.chosen() == ["3"], "what was chosen stays chosen"


def test_what_is_hidden_is_taken_last(qtbot: Any) -> None:
    form = AnalysisForm(
        Description("t.two", "Two", inputs=(Input("a", ("mesh",), "A"), Input("b", ("mesh",), "B")))
    )
    qtbot.addWidget(form)
    qtbot.addWidget(form.footer)
    meshes = [Candidate(str(n), "m", "mesh", visible=n > 1) for n in range(4)]
    form.set_candidates(meshes)
    assert form.chosen() == ["2", "3"]
    assert form.choose_inputs(["0", "1"]) is None and form.chosen() == ["0", "1"], (
        "they can be chosen all the same"
    )
    form.set_candidates(meshes)
    assert form.chosen() == ["0", "1"]
    alone = AnalysisForm(Description("t.one", "One", inputs=(Input("a", ("mesh",), "A"),)))
    qtbot.addWidget(alone)
    qtbot.addWidget(alone.footer)
    alone.set_candidates(meshes[:1])
    assert alone.chosen() == ["0"]
