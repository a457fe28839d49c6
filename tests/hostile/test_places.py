"""Folders and names made to hurt: pipes, devices, circles, names that are no text, and names that are markup."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest

from core.errors import ReadError, UserError
from core.files import ordinary
from core.plugins import PluginHost
from tests.files import others
from tests.files.seeds import Seed, every
from tests.hostile.conftest import Harmless
from tests.plugins.volumes.series import write_series

pytestmark = pytest.mark.skipif(os.name != "posix", reason="pipes and devices of POSIX")
PIXELS = np.arange(60, dtype="u2").reshape(3, 4, 5)


@pytest.fixture(scope="module")
def seeds() -> list[Seed]:
    """A sound file of every format."""
    return [s for s in every() if "." in s.target and s.main != "."]


def test_a_dicom_folder_full_of_traps(tmp_path: Path, harmless: Harmless) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "scan"
    folder.mkdir()
    (first, *_) = write_series(folder, PIXELS)
    moved = elsewhere / first.name
    first.rename(moved)
    first.symlink_to(moved)  # as DataLad keeps files
    os.mkfifo(folder / "pipe.dcm")
    (folder / "zero.dcm").symlink_to("/dev/zero")
    (folder / "random.dcm").symlink_to("/dev/random")
    (folder / "terminal.dcm").symlink_to("/dev/tty")
    (folder / "circle.dcm").symlink_to(folder / "circle.dcm")
    (folder / "nowhere.dcm").symlink_to(folder / "no such file")
    (folder / "secret.dcm").symlink_to("/etc/passwd")
    (folder / "up").symlink_to(folder.parent, target_is_directory=True)
    (folder / "self").symlink_to(folder, target_is_directory=True)
    (folder / "folder.dcm").mkdir()
    (folder / "a\nb\u202e<b>.dcm").write_bytes(b"junk" * 100)
    (folder / os.fsdecode(b"\xff\xfe.dcm")).write_bytes(b"")
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)
        try:
            listener.bind("socket.dcm")
        finally:
            os.chdir("/")
        from core.jobs import Job
        from plugins.volumes import dicom

        (loaded,) = dicom.read(folder, job=Job())
    assert loaded.data.array.shape == (5, 4, 3)
    assert any("links to files outside the folder" in w for w in loaded.warnings)
    assert dicom.sniff(folder, b"") == 100
    for link in ("secret.dcm",):  # the judge allows no file outside, not even to look at
        (folder / link).unlink()
    first.unlink()
    moved.rename(first)
    assert harmless(folder, "any", outcome="opened") == ""
    assert harmless(folder, "volumes.dicom", outcome="opened") == ""


@pytest.mark.parametrize(
    "kind", ["pipe", "zero", "random", "terminal", "circle", "nowhere", "socket", "folder"]
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, harmless: Harmless, kind: str) -> None:
    host = PluginHost(safe=True)
    names = {f"a{p.lstrip('*')}" for r in host.readers for p in r.patterns if p.startswith("*.")}
    path = tmp_path / "trap"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(tmp_path)
            try:
                listener.bind("trap")
            finally:
                os.chdir("/")
    elif kind == "folder":
        path.mkdir()
    else:
        where = {"zero": "/dev/zero", "random": "/dev/random", "terminal": "/dev/tty"}
        path.symlink_to(where.get(kind, path if kind == "circle" else tmp_path / "no such file"))
    assert len(names) > 60
    for name in sorted(names):
        named = path.rename(path.with_name(name))
        if kind == "circle":
            named.unlink()
            named.symlink_to(named)
        assert harmless(named, "any", outcome="refused")
        path = named


def test_what_a_file_needs_beside_it_is_a_trap(tmp_path: Path, harmless: Harmless, seeds: list[Seed]) -> None:
    """The header is sound; its values, its surface or its shard is a pipe or a device."""
    tried = 0
    for seed in seeds:
        for trap in [n for n in seed.files if n != seed.main]:
            for how in ("pipe", "zero", "circle"):
                folder = tmp_path / f"{tried}"
                folder.mkdir()
                for name, content in seed.files.items():
                    (folder / name).write_bytes(content)
                (folder / trap).unlink()
                if how == "pipe":
                    os.mkfifo(folder / trap)
                else:
                    (folder / trap).symlink_to("/dev/zero" if how == "zero" else folder / trap)
                assert harmless(folder / seed.main, seed.target, outcome="refused"), (seed.id, trap, how)
                tried += 1
    assert tried >= 21


def test_a_session_of_traps(tmp_path: Path, harmless: Harmless) -> None:
    folder = others.session(tmp_path)
    tree = json.loads((folder / "session.json").read_text())
    (entry,) = [e for e in tree["items"] if "file" in e]
    (tmp_path / "ring.edgelist").unlink()
    os.mkfifo(tmp_path / "ring.edgelist")
    harmless(folder, "session", outcome="opened")
    (folder / entry["file"]).unlink()
    os.mkfifo(folder / entry["file"])
    harmless(folder, "session", outcome="opened")
    (folder / "session.json").unlink()
    os.mkfifo(folder / "session.json")
    assert harmless(folder, "session", outcome="refused")
    for name, target in (("record.json", "record"), ("presets.json", "presets")):
        os.mkfifo(tmp_path / name)
        assert harmless(tmp_path / name, target, outcome="refused")
    with pytest.raises(ReadError, match="no ordinary file"):
        ordinary(tmp_path / "record.json")


ODD = "-<b>x<br>&amp;\n\t\x07\u202e%s{0}'\" "


def test_odd_names_open_like_any_other(tmp_path: Path, harmless: Harmless, seeds: list[Seed]) -> None:
    tried = 0
    for seed in seeds:
        if len(seed.files) > 1 or not seed.main.partition(".")[2]:
            continue
        _stem, _, ending = seed.main.partition(".")
        long = "n" * (255 - len(ending) - 1)
        for name in (
            ODD + seed.main,
            f"{os.fsdecode(bytes([255, 254]))}{seed.main}",
            f"{long}.{ending}",
            f"-{seed.main}",
        ):
            if seed.target == "scans.freesurfer":
                continue
            path = tmp_path / name
            path.write_bytes(next(iter(seed.files.values())))
            harmless(path, seed.target, outcome="opened")
            path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 3])
            harmless(path, seed.target)
            path.unlink()
            tried += 1
    assert tried > 200


def test_a_sentence_stays_one_line_whatever_it_quotes() -> None:
    for error in (
        UserError("a\nb\x1b[31m\u202ec\udcff."),
        ReadError("a\nb", "holds \n\x00 " + "x" * 5000, "copy it\nagain"),
        ReadError("a", "fails (<some.thing.Deep object at 0x7fabc>)", "copy it"),
    ):
        assert str(error).isprintable() and len(str(error)) < 600 and "0x7f" not in str(error)
