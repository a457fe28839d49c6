"""Files of movies: as many frames as asked, whole or not there at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from app.movies.encode import FORMATS, encode, format_of
from core.errors import Cancelled, WriteError

COUNT, SHAPE = 7, (33, 50)
ROOT = Path(__file__).resolve().parents[3]


def frames(count=COUNT):
    for k in range(count):
        frame = np.zeros((*SHAPE, 3), np.uint8)
        frame[:, 5 * k : 5 * k + 5] = (255, 40 * k, 0)
        yield frame


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animated_pictures_hold_every_frame(tmp_path, suffix):
    path = tmp_path / f"m{suffix}"
    encode(path, frames(), COUNT, 8.0, {"Title": "a run"})
    with Image.open(path) as picture:
        assert picture.n_frames == COUNT and picture.size == (SHAPE[1], SHAPE[0])
        total = 0
        for k in range(COUNT):
            picture.seek(k)
            pixels = np.asarray(picture.convert("RGB")).astype(int)
            bright = pixels[16, :, 0] > 128
            assert abs(np.flatnonzero(bright).mean() - (5 * k + 2)) < 1
            total += picture.info["duration"]
        assert total == pytest.approx(1000 * COUNT / 8.0, abs=10)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_a_gif_says_what_it_shows(tmp_path):
    encode(tmp_path / "m.gif", frames(), COUNT, 8.0, {"Software": "Equiscope 1", "Title": "Kopf ä"})
    with Image.open(tmp_path / "m.gif") as picture:
        assert "Equiscope 1" in picture.info["comment"].decode()


def test_a_webp_says_what_it_shows(tmp_path):
    info = {"Software": "Equiscope 1", "Title": "Kopf ä", "Description": "Shown: <a> & \x00b."}
    encode(tmp_path / "m.webp", frames(), COUNT, 8.0, info)
    with Image.open(tmp_path / "m.webp") as picture:
        packet = ElementTree.fromstring(picture.info["xmp"])
    texts = [t for e in packet.iter() if (t := (e.text or "").strip())]
    assert texts == ["Equiscope 1", "Kopf ä", "Shown: <a> & b."]


def test_ogg_video(tmp_path):
    path = tmp_path / "m.ogv"
    encode(path, frames(), COUNT, 10.0, {})
    data = path.read_bytes()
    assert data.startswith(b"OggS") and b"\x80theora" in data[:200]
    # The identification header: rate as a fraction, and the size of the picture (Theora specification, 6.2).
    head = data[data.index(b"\x80theora") :]
    width, height = int.from_bytes(head[14:17], "big"), int.from_bytes(head[17:20], "big")
    rate = int.from_bytes(head[22:26], "big") / int.from_bytes(head[26:30], "big")
    assert (width, height) == (SHAPE[1], SHAPE[0]) and rate == 10
    # A packet a frame, after three headers: the lacing values below 255 end packets.
    packets, at = 0, 0
    while at < len(data):
        segments = data[at + 27 : at + 27 + data[at + 26]]
        packets += sum(s < 255 for s in segments)
        at += 27 + len(segments) + sum(segments)
    assert packets == 3 + COUNT


def test_a_folder_of_pictures(tmp_path):
    encode(tmp_path / "film", frames(), COUNT, 8.0, {"Title": "a run"})
    names = sorted(p.name for p in (tmp_path / "film").iterdir())
    assert names[0] == "film-0001.png" and len(names) == COUNT
    with Image.open(tmp_path / "film" / names[3]) as picture:
        assert picture.info["Title"] == "a run"
        assert np.asarray(picture)[16, 17].tolist() == [255, 120, 0]
    with pytest.raises(WriteError, match="there already"):
        encode(tmp_path / "film", frames(), COUNT, 8.0, {})


@pytest.mark.parametrize("name", ["m.gif", "m.webp", "m.ogv", "m"])
def test_what_breaks_off_leaves_nothing(tmp_path, name):
    def broken():
        for k, frame in enumerate(frames()):
            if k == 3:
                raise Cancelled
            yield frame

    with pytest.raises(Cancelled):
        encode(tmp_path / name, broken(), COUNT, 8.0, {})
    assert not list(tmp_path.iterdir())


def test_refusals_are_sentences(tmp_path):
    with pytest.raises(WriteError, match=r"\.mp4 cannot be written"):
        encode(tmp_path / "m.mp4", frames(), COUNT, 8.0, {})
    with pytest.raises(WriteError, match="cannot be written"):
        encode(tmp_path / "no" / "m.gif", frames(), COUNT, 8.0, {})
    assert format_of(Path("x.GIF")) is FORMATS[0] and format_of(Path("x.avi")) is None


def test_the_encoder_is_a_process_that_reads_frames(tmp_path):
    wish = {"path": str(tmp_path / "m.gif"), "size": SHAPE, "count": COUNT, "fps": 8.0, "info": {}}
    command = [sys.executable, "-m", "app.movies.encode", json.dumps(wish)]
    data = b"".join(f.tobytes() for f in frames())
    short = subprocess.run(command, input=data[:-1], capture_output=True, cwd=ROOT, timeout=60)
    assert short.returncode == 3 and not list(tmp_path.iterdir())
    whole = subprocess.run(command, input=data, capture_output=True, cwd=ROOT, timeout=60)
    assert whole.returncode == 0, whole.stderr
    with Image.open(tmp_path / "m.gif") as picture:
        assert picture.n_frames == COUNT
