"""CSV: delimiters, headers, decimals, units, missing cells, signals, and files that are none."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.data import Signal, Table
from core.errors import ReadError
from core.jobs import Job
from plugins.signals import text, write


def load(path: Path, content: str | bytes, **options: Any) -> Any:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (item,) = text.read(path, job=Job(), **options)
    return item


@pytest.mark.parametrize(
    ("content", "delimiter", "decimal"),
    [
        ("a,b\n1.5,2\n3,-4e3\n", ",", "."),
        ("a;b\n1,5;2\n3;-4e3\n", ";", ","),
        ("a;b\n1.5;2\n3;-4e3\n", ";", "."),
        ("a\tb\n1,5\t2\n3\t-4e3\n", "tab", ","),
        ("a|b\n1.5|2\n3|-4e3\n", "|", "."),
        ("a b\n1.5   2\n3 -4e3\n", "space", "."),
        ("1.5,2\n3,-4e3\n", ",", "."),
        ('"a","b"\n"1.5","2"\n"3","-4e3"\n', ",", "."),
        ("# made by a program\na,b\n1.5,2\n3,-4e3", ",", "."),
        ("a,b\r\n1.5,2\r\n\r\n3,-4e3\r\n", ",", "."),
    ],
)
def test_layouts(tmp_path: Path, content: str, delimiter: str, decimal: str) -> None:
    item = load(tmp_path / "x.csv", content)
    assert item.metadata == {"delimiter": delimiter, "decimal": decimal}
    columns = item.data.columns
    assert list(columns) == (
        ["a", "b"] if "a" in content.replace("made", "").replace("program", "") else ["column 1", "column 2"]
    )
    first, second = columns.values()
    np.testing.assert_array_equal(first, [1.5, 3])
    np.testing.assert_array_equal(second, [2, -4000])


def test_texts_units_and_missing_cells(tmp_path: Path) -> None:
    content = 'name,mass (kg),ok,note\n"Smith, A",1.5,true,"say ""x"""\nB,NA,false,\nC,,true,"two\nlines"\n'
    item = load(tmp_path / "x.csv", content)
    table = item.data
    assert isinstance(table, Table) and table.units == {"mass": "kg"}
    assert table.columns["name"].tolist() == ["Smith, A", "B", "C"]
    np.testing.assert_array_equal(table.columns["mass"], [1.5, np.nan, np.nan])
    assert table.columns["ok"].tolist() == [True, False, True]
    assert table.columns["note"].tolist() == ['say "x"', "", "two\nlines"]


def test_only_texts(tmp_path: Path) -> None:
    assert load(tmp_path / "x.csv", "city,land\nBern,CH\nRom,IT\n").data.columns["city"].tolist() == [
        "Bern",
        "Rom",
    ]


def test_encodings(tmp_path: Path) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        item = load(tmp_path / "x.csv", "Größe,b\n1,2\n3,4\n".encode(encoding))
        assert "Größe" in item.data.columns
        assert bool(item.warnings) == (encoding == "cp1252")


def test_rows_of_other_lengths(tmp_path: Path) -> None:
    item = load(tmp_path / "x.csv", "a,b,c\n1,2,3\n4,5\n6,7,8,\n")
    assert "1 rows have fewer cells" in item.warnings[0]
    np.testing.assert_array_equal(item.data.columns["c"], [3, np.nan, 8])
    with pytest.raises(ReadError, match="4 cells in row 2"):
        load(tmp_path / "x.csv", "a,b,c\n1,2,3\n4,5,6,7\n")


def test_a_time_column_makes_a_signal(tmp_path: Path) -> None:
    rows = "".join(f"{10 * i},{i * i},{-i}\n" for i in range(5))
    item = load(tmp_path / "x.csv", f"time (ms),x (mV),y (mV)\n{rows}")
    signal = item.data
    assert isinstance(signal, Signal)
    assert signal.rate == pytest.approx(100) and signal.times is None
    assert signal.channels == ("x", "y") and signal.unit == "mV"
    np.testing.assert_array_equal(signal.values[:, 0], [0, 1, 4, 9, 16])
    assert isinstance(load(tmp_path / "x.csv", f"time (ms),x,y\n{rows}", form="table").data, Table)
    assert isinstance(load(tmp_path / "x.csv", f"step,x,y\n{rows}").data, Table)
    assert isinstance(load(tmp_path / "x.csv", f"step (s),x,y\n{rows}", form="signal").data, Signal)

    uneven = load(tmp_path / "x.csv", "t,x\n1,2\n2,3\n4,5\n")
    np.testing.assert_array_equal(uneven.data.times, [1, 2, 4])
    assert "not evenly" in uneven.warnings[0]
    falling = load(tmp_path / "x.csv", "t,x\n1,2\n0,3\n4,5\n")
    assert isinstance(falling.data, Table)
    with pytest.raises(ReadError, match="are not times that rise"):
        load(tmp_path / "x.csv", "t,x\n1,2\n0,3\n4,5\n", form="signal")


def test_names_are_unique(tmp_path: Path) -> None:
    assert list(load(tmp_path / "x.csv", "a,a,\n1,2,3\n").data.columns) == ["a", "a 2", "column 3"]


def test_no_tables(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    for content, fault in (
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x89PNG\0\0\0", "no text"),
        (b"# only\n# remarks\n", "remarks"),
        (b"a,b\n", "no rows"),
        (b"\xff\xfea", "UTF-16"),
        (("," * 20_000 + "\n").encode() * 2, "columns"),
    ):
        path.write_bytes(content)
        with pytest.raises(ReadError, match=fault) as caught:
            text.read(path, job=Job())
        assert "\n" not in str(caught.value)
    with pytest.raises(ReadError, match="cannot be read"):
        text.read(tmp_path / "none.csv", job=Job())


def test_one_long_cell_takes_no_memory(tmp_path: Path) -> None:
    """NumPy gives each text the room of the longest: 20 000 × 100 kB would be 8 GB."""
    rows = "".join(f"{i},x\n" for i in range(20_000))
    tracemalloc.start()
    item = load(tmp_path / "x.csv", f"a,b\n{rows}1,{'y' * 100_000}\n")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000
    with pytest.raises(ReadError, match="field larger"):
        load(tmp_path / "x.csv", f"a,b\n1,{'y' * 1_000_000}\n")
    assert "cut to 200" in item.warnings[0] and item.data.columns["b"][0] == "x"


def test_numbers_survive_a_round_trip(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    table = Table(
        {
            "x": rng.normal(size=9) * 1e-7,
            "n": np.arange(9.0),
            "s": np.array([f'a "{i}", b' for i in range(9)]),
        },
        {"x": "mm"},
    )
    write.write(table, tmp_path / "t.csv", job=Job(), metadata={})
    (item,) = text.read(tmp_path / "t.csv", job=Job())
    assert item.data.units == {"x": "mm"}
    for name, values in table.columns.items():
        np.testing.assert_array_equal(item.data.columns[name], values)

    values = rng.normal(size=(30, 2)).astype(np.float32)
    values[3, 1] = np.nan
    signal = Signal(values, rate=250.0, channels=("a", "b"), unit="mV")
    write.write(signal, tmp_path / "s.tsv", job=Job(), metadata={})
    (item,) = text.read(tmp_path / "s.tsv", job=Job())
    assert (
        item.data.rate == pytest.approx(250) and item.data.channels == ("a", "b") and item.data.unit == "mV"
    )
    np.testing.assert_array_equal(item.data.values.astype(np.float32), values)


def test_sniffing(tmp_path: Path) -> None:
    assert text.sniff(tmp_path / "x.csv", b"time (s),x,y,z\n0,1,2,3\n") == 70
    assert text.sniff(tmp_path / "x.csv", b"x,y,z\n1,2,3\n") == 50
    assert text.sniff(tmp_path / "x.csv", b"alone\n1\n") == 40
    assert text.sniff(tmp_path / "x.csv", b"\x89PNG\0") == 5


def test_mutated_text(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    good = b"time (s),x,name\n0,1.5,a\n0.5,2.5,b\n1.0,3.5,c\n" * 3
    path = tmp_path / "m.csv"
    for _ in range(300):
        data = bytearray(good)
        for at in rng.integers(0, len(data), size=4):
            data[at] = rng.integers(0, 256)
        path.write_bytes(bytes(data))
        try:
            assert text.read(path, job=Job())
        except ReadError as error:
            assert "\n" not in str(error)
