"""Descriptions from signatures: forms, command line, validation and copying all read the same."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from core.analyses import (
    Description,
    Help,
    Label,
    Parameter,
    ParameterError,
    Range,
    Unit,
    as_command,
    as_python,
    call_arguments,
    describe,
    parse,
    validate,
)
from core.data import Mesh
from core.jobs import Job
from core.results import Result


def analysis(
    mesh: Annotated[Mesh, Label("Surface")],
    other: Mesh | None = None,
    *,
    level: Annotated[float | None, Unit("mm"), Range(0, 10), Help("Where.")] = None,
    count: Annotated[int, Range(1, None)] = 3,
    mode: Literal["fast", "exact"] = "fast",
    axis: tuple[float, float, float] = (0.0, 0.0, 1.0),
    clean: bool = True,
    file: Path | None = None,
    note: str = "",
    job: Job,
) -> Result:
    """Do a thing.

    More about it.
    """
    return Result()


D = describe(analysis, id="x.thing", title="Thing", input_kinds=[["mesh"], ["mesh"]], reference="Euler 1752")


def parameter(name: str) -> Parameter:
    return next(p for p in D.parameters if p.name == name)


def test_description() -> None:
    assert D.summary == "Do a thing." and "More about it." in D.help
    assert [(i.label, i.optional) for i in D.inputs] == [("Surface", False), ("Other", True)]
    level = parameter("level")
    assert (level.type, level.optional, level.unit, level.minimum, level.maximum, level.help) == (
        "float",
        True,
        "mm",
        0,
        10,
        "Where.",
    )
    assert parameter("mode").choices == ("fast", "exact") and parameter("axis").length == 3
    assert parameter("file").type == "path" and parameter("clean").type == "bool"


def test_defaults_are_filled_in_and_become_arguments() -> None:
    values = validate(D, {"level": 3})
    assert values == {
        "level": 3.0,
        "count": 3,
        "mode": "fast",
        "axis": [0.0, 0.0, 1.0],
        "clean": True,
        "file": None,
        "note": "",
    }
    arguments = call_arguments(D, {**values, "file": "a.txt"})
    assert arguments["axis"] == (0.0, 0.0, 1.0) and arguments["file"] == Path("a.txt")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"levle": 1}, "did you mean level"),
        ({"level": 11}, "at most 10 mm, not 11"),
        ({"level": -1}, "at least 0 mm"),
        ({"level": "high"}, "is a number, not 'high'"),
        ({"level": float("nan")}, "finite"),
        ({"count": 2.5}, "whole number"),
        ({"count": None}, "needs a value"),
        ({"count": True}, "is a number"),
        ({"mode": "slow"}, "one of fast, exact"),
        ({"axis": [1, 2]}, "3 numbers"),
        ({"axis": "123"}, "3 numbers"),
        ({"clean": 1}, "on or off"),
    ],
)
def test_bad_values_say_what_is_wrong(values: dict[str, Any], text: str) -> None:
    with pytest.raises(ParameterError, match=text):
        validate(D, values)


def test_parsing_from_the_command_line() -> None:
    assert parse(parameter("level"), "none") is None
    assert parse(parameter("level"), "2.5") == 2.5
    assert parse(parameter("axis"), "1, 0,0") == [1, 0, 0]
    assert parse(parameter("clean"), "off") is False
    assert parse(parameter("count"), "1e3") == 1000
    for name, text in (("count", "many"), ("clean", "maybe"), ("mode", "slow"), ("axis", "1,x,0")):
        with pytest.raises(ParameterError):
            parse(parameter(name), text)


def test_copy_as_command_and_python_write_what_differs_from_the_defaults() -> None:
    values = validate(D, {"level": 2, "axis": [1, 0, 0]})
    assert as_command(D, ["a b.ply"], values, seed=4) == (
        "equiscope run x.thing 'a b.ply' --level 2.0 --axis 1,0,0 --seed 4 --out out"
    )
    code = as_python(D, ["a.ply"], values)
    compile(code, "copied", "exec")
    assert "level=2.0" in code and "mode" not in code


def test_signatures_that_no_form_can_show_are_refused() -> None:
    def bad(mesh: Mesh, *, table: dict[str, int] | None = None, job: Job) -> Result:
        """Bad."""
        return Result()

    with pytest.raises(TypeError, match="table"):
        describe(bad, id="x.bad", title="Bad", input_kinds=[["mesh"]])
    with pytest.raises(TypeError, match="inputs"):
        describe(analysis, id="x.thing", title="Thing", input_kinds=[["mesh"]] * 3)
    assert isinstance(D, Description)


def with_odd_names(
    mesh: Mesh,
    *,
    seed: Annotated[int, Help("A parameter named like an option of the command line.")] = 1,
    axis: Annotated[tuple[float, float, float], Help("A direction.")] = (0.0, 0.0, 1.0),
    mode: Annotated[Literal["none", "some"] | None, Help("A choice called none.")] = None,
    job: Job,
) -> Result:
    """Has odd parameters."""
    return Result()


def test_a_copied_command_is_understood_and_loses_no_digit() -> None:
    import shlex

    from app.cli._run import _parser

    d = describe(with_odd_names, id="x.odd", title="Odd", input_kinds=[["mesh"]])
    values = validate(d, {"seed": 7, "axis": [-1, 1 / 3, -1e-17], "mode": "none"})
    words = shlex.split(as_command(d, ["a.ply"], values, seed=3))[3:]
    for arguments in (words, [w for word in words for w in word.split("=")]):
        options = _parser(d).parse_args(arguments)
        assert options.seed == 3 and options.inputs == ["a.ply"]
        again = {p.name: parse(p, getattr(options, f"parameter_{p.name}")) for p in d.parameters}
        assert again == values


@pytest.mark.parametrize("text", ["9" * 30, "1e400", "nan", "9" * 5000])
def test_numbers_beyond_all_bounds_are_refused(text: str) -> None:
    with pytest.raises(ParameterError):
        parse(parameter("count"), text)
    with pytest.raises(ParameterError):
        validate(D, {"level": 10**400})


def test_copies_say_how_the_file_was_read_and_where_it_ran() -> None:
    values = validate(D, {})
    more = {"device": "cuda:1", "reader": "x.ply", "options": {"space": "LPS", "parts": True}}
    command = as_command(D, ["a.ply::2"], values, **more)
    assert command == (
        "equiscope run x.thing a.ply::2 --device cuda:1 --reader x.ply --option space=LPS --option parts=true --out out"
    )
    code = as_python(D, ["a.ply::2"], values, **more)
    compile(code, "copied", "exec")
    assert "options={'space': 'LPS', 'parts': True}" in code and "device='cuda:1'" in code
