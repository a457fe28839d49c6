"""Which cases a command names, and what they are called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.batch import find_cases
from core.batch._names import name_cases
from core.batch._summary import numbers
from core.errors import UserError
from core.plugins import PluginHost


def names(*cases: str, taken: tuple[str, ...] = ()) -> list[str]:
    return name_cases([[c] for c in cases], [""] * len(cases), taken)


def test_a_case_is_called_like_its_file() -> None:
    assert names("/d/sub-01_T1w.nii.gz", "/d/scan 2.ply", "sample:volumes.mni152") == [
        "sub-01_T1w",
        "scan-2",
        "mni152",
    ]


def test_files_of_one_name_are_told_apart_by_their_folders() -> None:
    assert names("/d/a/anat/t1.nii.gz", "/d/b/anat/t1.nii.gz", "/d/other.nii.gz") == [
        "a-anat-t1",
        "b-anat-t1",
        "other",
    ]
    assert names("/d/lh.pial", "/d/lh.white") == ["lh.pial", "lh.white"]
    assert names("/d/f.npz", "/d/f.npz::2", "/d/f.npz::3") == ["f", "f.2", "f.3"]


def test_no_name_is_given_twice_and_none_hides_the_batchs_own_files() -> None:
    assert names("/x.ply", taken=("x", "x.ply")) == ["x-2"]
    many = names(*(f"/d/{'a' * 80}{n}.ply" for n in range(3)))
    assert len({n.casefold() for n in many}) == 3 and max(map(len, many)) < 70
    assert names("/summary.csv.gz") != ["summary.csv"]
    assert names("/d/../.ply", "/d/A.ply", "/d/a.ply")[1:] != ["A", "a"]


def test_folders_patterns_and_lists(make_cases: Callable[..., list[Path]], tmp_path: Path) -> None:
    files = make_cases("work", "work", "work")
    (tmp_path / "in" / "picture.other").write_text("x 1")
    make_cases("work", folder="in/deep")
    out = tmp_path / "in" / "out"
    (out / "c1").mkdir(parents=True)
    (out / "batch.json").write_text("{}")
    (out / "c1" / "Values.case").write_text("result 1")
    host = PluginHost()
    found, notes = find_cases("cohort.measure", [str(tmp_path / "in")], host=host, out=str(out))
    assert [Path(c.inputs[0]).relative_to(tmp_path / "in").as_posix() for c in found] == [
        "c1.case",
        "c2.case",
        "c3.case",
        "deep/c1.case",
    ]
    assert notes == ["in: 1 file of other kinds left out"]
    # Another batch's results are no inputs either.
    assert find_cases("cohort.measure", [str(tmp_path / "in")], host=host)[0] == found
    pattern, notes = find_cases(
        "cohort.measure", [str(tmp_path / "in" / "c[12].case"), str(files[0])], host=host
    )
    assert [Path(c.inputs[0]).name for c in pattern] == ["c1.case", "c2.case"]
    assert notes == ["named twice and run once: c1.case"]


def test_what_names_nothing_is_said(make_cases: Callable[..., list[Path]], tmp_path: Path) -> None:
    make_cases("work")
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "a.other").write_text("x 1")
    host = PluginHost()
    for given, words in (
        ("empty", "empty holds no file that anything here opens; choose another folder."),
        ("wrong", "wrong holds no table; choose another folder."),
        ("*.nothing", "There is no file like"),
    ):
        with pytest.raises(UserError, match=words.replace("*", r"\*")):
            find_cases("cohort.measure", [str(tmp_path / given)], host=host)
    # A file that is not there is one case's failure, not the batch's.
    found, _ = find_cases("cohort.measure", [str(tmp_path / "gone.case")], host=host)
    assert len(found) == 1


def test_pairs_come_from_a_list_or_from_one_that_is_the_same(
    make_cases: Callable[..., list[Path]], tmp_path: Path
) -> None:
    files = make_cases("work", "work", "work")
    host = PluginHost()
    with pytest.raises(UserError, match=r"takes 2 inputs a case \(first, second\).*--same second=FILE"):
        find_cases("cohort.pair", [str(f) for f in files], host=host)
    held, _ = find_cases(
        "cohort.pair", [str(f) for f in files[:2]], host=host, same={"second": str(files[2])}
    )
    assert [tuple(Path(a).stem for a in c.inputs) for c in held] == [("c1", "c3"), ("c2", "c3")]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("name,second,first,weight\nmine,in/c1.case,in/c2.case,2.5\n,in/c2.case,in/c3.case,\n")
    listed, _ = find_cases("cohort.pair", [], host=host, lists=[str(pairs)])
    assert [tuple(Path(a).stem for a in c.inputs) for c in listed] == [("c2", "c1"), ("c3", "c2")]
    assert listed[0].parameters == {"weight": 2.5} and listed[0].name == "mine" and not listed[1].parameters
    with pytest.raises(UserError, match="no input called 'third'"):
        find_cases("cohort.pair", [], host=host, lists=[str(pairs)], same={"third": "x"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("first,second\nin/c1.case\n", "second is not given"),
        ("first,second,weight\na.case,b.case,heavy\n", "line 2: weight is a number, not 'heavy'"),
        ("first,second,colour\na.case,b.case,red\n", "a column 'colour', which is no input or parameter"),
        ("first,second\na.case,b.case,c.case\n", "line 2: it has 3 columns"),
        ("# nothing\n\n", "lists nothing"),
    ],
)
def test_a_list_says_where_it_is_wrong(plugin: Path, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=words):
        find_cases("cohort.pair", [], host=PluginHost(), lists=[str(path)])


def test_a_plain_list_is_one_input_a_line(make_cases: Callable[..., list[Path]], tmp_path: Path) -> None:
    make_cases("work", "work")
    path = tmp_path / "list.txt"
    path.write_text("# mine\nin/c2.case\n\nin/c1.case::1\n")
    found, _ = find_cases("cohort.measure", [], host=PluginHost(), lists=[str(path)])
    assert [Path(c.inputs[0]).name for c in found] == ["c2.case", "c1.case::1"]


def test_every_number_of_a_result_has_a_column() -> None:
    result = {
        "planes": [{"score": 0.5, "normal": [1, 0, 0]}],
        "good": True,
        "name": "text",
        "missing": None,
        "many": list(range(100)),
        "numbers": {"Size": {"value": 3.0, "unit": "mm", "error": 0.1}, "Count": {"value": 2, "unit": ""}},
        "warnings": ["1"],
    }
    assert numbers(result) == {
        "planes.0.score": 0.5,
        "planes.0.normal.0": 1,
        "planes.0.normal.1": 0,
        "planes.0.normal.2": 0,
        "good": 1,
        "Size (mm)": 3.0,
        "Size, error (mm)": 0.1,
        "Count": 2,
    }
