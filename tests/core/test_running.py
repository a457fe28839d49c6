"""Runs, records, replay and exports, with the example plugin's code."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from core import records
from core.data import PointCloud, Table
from core.errors import UserError
from core.exports import file_stem, table_of, write_run, write_table
from core.files import atomic
from core.jobs import Job
from core.plugins import PluginHost
from core.results import Curve, Heatmap, Histogram, Layer, Number, Result, ResultTable, Scatter, Text
from core.running import Finished, InputRef, compare_records, execute

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> PluginHost:
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "example_plugin"))
    sys.modules.pop("equiscope_example", None)
    return PluginHost(folders=[ROOT / "tests" / "example_plugin"])


def cloud() -> InputRef:
    return InputRef("c", PointCloud(np.random.default_rng(3).random((50, 3)), unit="mm"))


def test_the_same_record_gives_the_same_hashes(host: PluginHost) -> None:
    runs = [
        execute("example.inversion", [cloud()], {"sample": 20}, job=Job(seed=s), host=host) for s in (1, 1, 2)
    ]
    a, b, c = (msgspec.convert(dict(r.record), records.Record) for r in runs)
    assert compare_records(a, b) == []
    assert "the numbers differ" in compare_records(a, c)
    assert a.parameters == {"sample": 20} and a.seed == 1 and a.inputs[0].kind == "pointcloud"
    assert a.versions["numpy"] == np.__version__ and a.outputs.keys() == {
        "Distance from central symmetry",
        "Mirrored",
    }


def test_a_changed_input_is_named(host: PluginHost) -> None:
    other = InputRef("c", PointCloud(np.zeros((4, 3)), unit="mm"))
    a, b = (
        msgspec.convert(
            dict(execute("example.inversion", [i], {}, job=Job(), host=host).record), records.Record
        )
        for i in (cloud(), other)
    )
    assert compare_records(a, b)[0] == "input 1 (c) has changed since"


@pytest.mark.parametrize(
    ("inputs", "parameters", "text"),
    [
        ([], {}, "takes 1 input (Cloud: point cloud), not 0"),
        ([cloud(), cloud()], {}, "not 2"),
        ([InputRef("t", Table({"a": np.zeros(2)}))], {}, "takes a point cloud as Cloud, not a table"),
        ([cloud()], {"sample": 0}, "sample is at least 1 points, not 0"),
        ([cloud()], {"smaple": 3}, "did you mean sample"),
    ],
)
def test_wrong_use_is_refused(host: PluginHost, inputs: list[InputRef], parameters: dict, text: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(UserError) as caught:
        execute("example.inversion", inputs, parameters, job=Job(), host=host)
    assert text in str(caught.value)


def test_everything_is_written_in_open_formats(host: PluginHost, tmp_path: Path) -> None:
    outputs = (
        Layer("cloud/with: odd name", PointCloud(np.eye(3))),
        Curve(
            "loss",
            np.arange(3.0),
            {"train": np.ones(3), "test": np.array([1, np.nan, 2])},
            "step",
            "loss",
            "",
            "eV",
        ),
        Scatter(
            "s", np.arange(2.0), np.arange(2.0), color=np.ones(2), labels=("a", "b"), x_label="x", y_label="x"
        ),
        Heatmap("h", np.eye(2), ("r0", "r1"), ("c0", "c1"), y_label="row"),
        Histogram("hist", np.arange(4.0), np.array([1, 2, 3]), unit="mm"),
        ResultTable("table", Table({"a": np.array(["x", "ü"]), "b": np.array([1.5, 2.5])}, {"b": "mm"})),
        Number("n", 1.5, "mm", 0.1),
        Text("note", "A sentence."),
        Text("note", "Another of the same name."),
    )
    finished = execute("example.inversion", [cloud()], {}, job=Job(), host=host)
    result = Result({"deep": {"x": np.float32(1.5), "bad": float("nan")}}, outputs, ("careful",))
    write_run(Finished(result, finished.record), tmp_path / "out", host=host, job=Job())
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == sorted(
        [
            "record.json",
            "result.json",
            "cloud-with-odd-name.ply",
            "loss.csv",
            "s.csv",
            "h.csv",
            "hist.csv",
            "table.csv",
            "note.txt",
            "note-2.txt",
        ]
    )
    assert (tmp_path / "out" / "loss.csv").read_text().splitlines()[0] == "step,train (eV),test (eV)"
    plain = json.loads((tmp_path / "out" / "result.json").read_text())
    assert plain["deep"] == {"x": 1.5, "bad": None} and plain["numbers"]["n"]["unit"] == "mm"
    assert plain["warnings"] == ["careful"]
    assert records.read_record(tmp_path / "out").analysis == "example.inversion"


def test_tables_keep_full_precision(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(5)
    write_table(Table({"x": values}), tmp_path / "t.csv")
    again = np.loadtxt(tmp_path / "t.csv", skiprows=1)
    assert np.array_equal(again, values)
    assert table_of(Number("n", 1.0)) is None


def test_atomic_leaves_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic(path) as draft:
        draft.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_records_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        records.read_record(tmp_path)
    (tmp_path / "record.json").write_text("{}")
    with pytest.raises(UserError, match="is not a record"):
        records.read_record(tmp_path)


def test_file_hash_of_files_and_folders(tmp_path: Path) -> None:
    import hashlib

    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"abc")
    assert records.file_hash(tmp_path / "d" / "a") == hashlib.sha256(b"abc").hexdigest()
    before = records.file_hash(tmp_path / "d")
    (tmp_path / "d" / "b").write_bytes(b"")
    assert records.file_hash(tmp_path / "d") != before
    assert records.file_hash(tmp_path / "gone") == ""
    (tmp_path / "d" / os.fsdecode(b"\xff")).write_bytes(b"a name that is no Unicode")
    assert len(records.file_hash(tmp_path / "d")) == 64


def test_file_stems_are_safe() -> None:
    assert file_stem("../../etc/passwd") == "etc-passwd"
    assert file_stem("\n") == "n" and file_stem("...") == "output" and file_stem("Größe 3") == "Größe-3"


def test_outputs_that_would_have_one_file_name_do_not_overwrite_each_other(
    host: PluginHost, tmp_path: Path
) -> None:
    outputs = (
        Text("a/b", "1"),
        Text("a:b", "2"),
        Text("A b", "3"),
        Text("a-b-2", "4"),
        Text("x" * 300, "long"),
        Number("n", 1.0),
        Number("n", 2.0),
    )
    finished = execute("example.inversion", [cloud()], {}, job=Job(), host=host)
    paths = write_run(Finished(Result({}, outputs), finished.record), tmp_path, host=host, job=Job())
    assert len({p.name.casefold() for p in paths}) == len(paths) == 7
    assert sorted(p.read_text().strip() for p in paths if p.suffix == ".txt") == ["1", "2", "3", "4", "long"]
    numbers = json.loads((tmp_path / "result.json").read_text())["numbers"]
    assert [n["value"] for n in numbers.values()] == [1.0, 2.0]


def test_columns_of_one_name_are_all_kept() -> None:
    x = np.arange(2.0)
    tables = [
        table_of(Curve("c", x, {"loss": x + 1, "other": x + 2}, x_label="loss")),
        table_of(Scatter("s", x, x + 1, color=x + 2, labels=("a", "b"), x_label="label", color_label="y")),
        table_of(Heatmap("h", np.arange(6.0).reshape(2, 3), column_labels=("a", "a", "row"))),
    ]
    assert [len(t.columns) for t in tables if t] == [3, 4, 4]
    assert tables[2] is not None and [v[-1] for v in list(tables[2].columns.values())[1:]] == [3, 4, 5]


def test_what_no_plugin_writes_is_written_as_arrays(host: PluginHost, tmp_path: Path) -> None:
    from core.data import Transform, content_hash, decode

    matrix = Transform(np.diag([2.0, 2.0, 2.0, 1.0]))
    finished = execute("example.inversion", [cloud()], {}, job=Job(), host=host)
    result = Result({}, (Layer("pose", matrix),))
    write_run(Finished(result, finished.record), tmp_path, host=host, job=Job())
    with np.load(tmp_path / "pose.npz") as stored:
        again = decode(json.loads(str(stored["tree"])), [stored["0"]])
    assert content_hash(again) == content_hash(matrix)


def test_records_with_paths_that_are_no_unicode_and_with_impossible_settings(
    host: PluginHost, tmp_path: Path
) -> None:
    record = msgspec.convert(
        dict(execute("example.inversion", [cloud()], {}, job=Job(), host=host).record), records.Record
    )
    odd = msgspec.structs.replace(
        record, inputs=(msgspec.structs.replace(record.inputs[0], path="/x/b\udcff.ply"),)
    )
    (tmp_path / "record.json").write_bytes(records.to_json(odd, relative_to=Path("/x/out")))
    assert records.read_record(tmp_path).inputs[0].path == "../b\udcff.ply"
    for change in ({"seed": -1}, {"threads": 0}):
        (tmp_path / "record.json").write_bytes(records.to_json(msgspec.structs.replace(record, **change)))
        with pytest.raises(UserError, match="is not a record"):
            records.read_record(tmp_path)


def test_relative_paths_follow_links(tmp_path: Path) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "far" / "x.ply").touch()
    (tmp_path / "link").symlink_to(tmp_path / "far" / "deep")
    (tmp_path / "out").mkdir()
    text = records.relative_path(tmp_path / "link" / ".." / "x.ply", tmp_path / "out")
    assert (tmp_path / "out" / text).samefile(tmp_path / "far" / "x.ply")


def test_addresses_name_one_object_of_a_file(host: PluginHost, tmp_path: Path) -> None:
    from core.opening import address, items_of, open_path, split_address
    from core.running import open_inputs

    ring = items_of(open_path("sample:scans.ring", job=Job(), host=host))
    assert [address(i.source) for i in ring if i.source] == ["sample:scans.ring", "sample:scans.ring::2"]
    assert split_address("a.ply::2") == ("a.ply", 1) and split_address("a.ply::0") == ("a.ply::0", None)
    odd = tmp_path / "odd::3"
    odd.write_text("1 2 3\n")
    assert split_address(str(odd)) == (str(odd), None), "a file of that name wins"
    (cloud_of_ring,) = open_inputs("example.inversion", ["sample:scans.ring::2"], job=Job(), host=host)
    assert np.array_equal(cloud_of_ring.data.points, ring[1].data.points)
    with pytest.raises(UserError, match="holds a mesh"):
        open_inputs("example.inversion", ["sample:scans.ring::1"], job=Job(), host=host)
    with pytest.raises(UserError, match="no number 9"):
        open_inputs("example.inversion", ["sample:scans.ring::9"], job=Job(), host=host)
