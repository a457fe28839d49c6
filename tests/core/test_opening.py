"""The choice of a reader and what happens when a file is not what it says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from core.data import PointCloud
from core.errors import ReadError, UserError
from core.jobs import Job
from core.opening import AmbiguousFile, expand, items_of, open_path
from core.plugins import PluginHost

READERS = """
api = 1
id = "t"
title = "T"
[[readers]]
id = "t.one"
title = "One"
kind = "pointcloud"
patterns = ["*.one", "*.both"]
sniff = "t.code:sniff_one"
read = "t.code:read_one"
[[readers]]
id = "t.two"
title = "Two"
kind = "pointcloud"
patterns = ["*.two", "*.both"]
sniff = "t.code:sniff_two"
read = "t.code:read_two"
[[readers]]
id = "t.box"
title = "Box"
kind = "pointcloud"
folders = true
sniff = "t.code:sniff_box"
read = "t.code:read_one"
"""
CODE = """
import numpy as np
from core.data import Loaded, PointCloud
def sniff_one(path, head):
    if b"BOOM" in head: raise RuntimeError("sniffer broke")
    return 100 if head.startswith(b"ONE") else 50 if b"either" in head else 0
def sniff_two(path, head):
    return 100 if head.startswith(b"TWO") else 50 if b"either" in head else 0
def sniff_box(path, head):
    return 80 if (path / "box.txt").exists() else 0
def read_one(path, *, scale: float = 1.0, job):
    if path.is_file() and b"broken" in path.read_bytes(): raise KeyError("tag 7")
    if path.is_file() and b"hollow" in path.read_bytes(): return []
    return [Loaded("p", PointCloud(np.full((2, 3), scale))), Loaded("child", PointCloud(np.ones((1, 3))), parent=0)]
def read_two(path, *, job):
    return [Loaded("two", PointCloud(np.zeros((2, 3))))]
"""


@pytest.fixture
def host(tmp_path: Path) -> PluginHost:
    folder = tmp_path / "plugins"
    (folder / "t").mkdir(parents=True)
    (folder / "t" / "__init__.py").write_text("")
    (folder / "t" / "code.py").write_text(CODE)
    (folder / "t" / "plugin.toml").write_text(READERS)
    import sys

    for name in [m for m in sys.modules if m == "t" or m.startswith("t.")]:
        del sys.modules[name]
    sys.path[:] = [p for p in sys.path if not p.endswith("/plugins")]
    return PluginHost(folders=[folder])


def write(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_pattern_and_sniffer_choose(host: PluginHost, tmp_path: Path) -> None:
    assert open_path(write(tmp_path / "a.one", "ONE"), job=Job(), host=host).reader == "t.one"
    assert open_path(write(tmp_path / "A.BOTH", "TWO"), job=Job(), host=host).reader == "t.two"


def test_contents_beat_a_wrong_ending_with_a_remark(host: PluginHost, tmp_path: Path) -> None:
    opened = open_path(write(tmp_path / "a.one", "TWO"), job=Job(), host=host)
    assert opened.reader == "t.two" and opened.loaded[0].warnings == (
        "a.one is a Two by its contents, whatever its name says.",
    )
    assert open_path(write(tmp_path / "a.unknown", "ONE"), job=Job(), host=host).reader == "t.one"


def test_a_tie_asks(host: PluginHost, tmp_path: Path) -> None:
    path = write(tmp_path / "a.both", "either")
    with pytest.raises(AmbiguousFile, match=r"One \(--reader t\.one\) or Two") as caught:
        open_path(path, job=Job(), host=host)
    assert caught.value.candidates == [["t.one", "One"], ["t.two", "Two"]]
    assert open_path(path, job=Job(), host=host, reader="t.two").reader == "t.two"


def test_options_are_checked_and_used(host: PluginHost, tmp_path: Path) -> None:
    path = write(tmp_path / "a.one", "ONE")
    opened = open_path(path, job=Job(), host=host, options={"scale": 3})
    assert opened.loaded[0].data.points[0, 0] == 3
    with pytest.raises(UserError, match="scale is a number"):
        open_path(path, job=Job(), host=host, options={"scale": "big"})
    with pytest.raises(UserError, match="no parameter of"):
        open_path(path, job=Job(), host=host, options={"size": 3})


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.one", "", "is empty"),
        ("a.one", "nothing", "by its name it should be One, but its contents are not"),
        ("a.one", "BOOM", "should be One"),
        ("a.one", "ONE broken", "cannot be read as One (KeyError: 'tag 7')"),
        ("a.one", "ONE hollow", "holds nothing"),
        ("a.zzz", "nothing", "of a type that nothing here opens"),
        ("a\nb.zzz", "nothing", "a\\nb.zzz is of a type"),
    ],
)
def test_bad_files_are_one_sentence(
    host: PluginHost, tmp_path: Path, name: str, content: str, text: str
) -> None:
    with pytest.raises(ReadError) as caught:
        open_path(write(tmp_path / name, content), job=Job(), host=host)
    assert text in str(caught.value) and "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_paths_that_are_no_files(host: PluginHost, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="does not exist; check the path"):
        open_path(tmp_path / "gone.one", job=Job(), host=host)
    with pytest.raises(ReadError, match="is a folder that no reader knows"):
        open_path(tmp_path, job=Job(), host=host)
    os.mkfifo(tmp_path / "pipe.one")
    with pytest.raises(ReadError, match="is no ordinary file"):
        open_path(tmp_path / "pipe.one", job=Job(), host=host)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(host: PluginHost, tmp_path: Path) -> None:
    path = write(tmp_path / "a.one", "ONE")
    path.chmod(0)
    with pytest.raises(ReadError, match="may not be read by you"):
        open_path(path, job=Job(), host=host)


def test_folders_are_walked_or_claimed(host: PluginHost, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "sub" / "box").mkdir(parents=True)
    (data / ".hidden").mkdir()
    write(data / "b.one", "ONE")
    write(data / "sub" / "a.two", "TWO")
    write(data / "notes.md", "no")
    write(data / ".hidden" / "c.one", "ONE")
    write(data / "sub" / "box" / "box.txt", "")
    write(data / "sub" / "box" / "d.one", "ONE")
    (data / "link.one").symlink_to(data / "b.one")
    found = expand([data, tmp_path / "x.one"], host=host)
    assert [p.relative_to(tmp_path).as_posix() for p in found] == [
        "data/b.one",
        "data/sub/a.two",
        "data/sub/box",
        "x.one",
    ]
    (tmp_path / "bare").mkdir()
    with pytest.raises(ReadError, match="holds no file that anything here opens"):
        expand([tmp_path / "bare"], host=host)


def test_items_link_parents_and_sources(host: PluginHost, tmp_path: Path) -> None:
    opened = open_path(write(tmp_path / "a.one", "ONE"), job=Job(), host=host)
    first, child = items_of(opened)
    assert child.parent == first.id and first.source is not None and first.source.index == 0
    assert (
        first.source.path == str(tmp_path / "a.one") and child.source is not None and child.source.index == 1
    )
    assert isinstance(first.data, PointCloud) and np.all(first.data.points == 1)


def test_what_a_session_keeps_is_not_opened_with_a_folder(host: PluginHost, tmp_path: Path) -> None:
    for name in ("s.equiscope", "s.equiscope.bak"):
        (tmp_path / "data" / name / "data").mkdir(parents=True)
        write(tmp_path / "data" / name / "data" / "a.one", "ONE")
    write(tmp_path / "data" / "b.one", "ONE")
    assert expand([tmp_path / "data"], host=host) == [tmp_path / "data" / "b.one"]
