"""What the command line asks of the window: `run_window`, `render_window`, `show`; as users type them.

`sample:ID` is a path everywhere (core.opening.SAMPLE); `theme=None` is the user's setting; `show` renders the
centre alone, with the reader options of the command line; what cannot be opened is one line and exit code 1.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]


def equiscope(*arguments: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "QT_QPA_PLATFORM": "offscreen",
        "EQUISCOPE_VIEWPORT": "image",
        "EQUISCOPE_CONFIG": str(cwd / "config"),
    }
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        timeout=200,
    )
    assert done.returncode == code, f"{done.returncode}: {done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr + done.stdout
    return done


def picture(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(float)


def test_start_and_end_with_the_milestones(tmp_path: Path) -> None:
    out = equiscope("--report-startup", "--quit-after-start", cwd=tmp_path).stdout
    assert "painted" in out and "ms" in out


def test_window_rendered_with_samples(tmp_path: Path) -> None:
    equiscope(
        *("sample:volumes.phantom", "sample:scans.ring", "--screenshot", "w.png", "--size", "1200x800"),
        cwd=tmp_path,
    )
    pixels = picture(tmp_path / "w.png")
    assert pixels.shape == (800, 1200, 3) and pixels.std() > 20


@pytest.mark.parametrize("layout", ["four", "axial", "3d"])
def test_show_a_volume(tmp_path: Path, layout: str) -> None:
    equiscope(
        *("show", "sample:volumes.phantom", "--screenshot", "v.png", "--size", "600x400", "--layout", layout),
        cwd=tmp_path,
    )
    pixels = picture(tmp_path / "v.png")
    assert pixels.shape == (400, 600, 3) and pixels.std() > 15


def test_show_a_checkpoint_as_its_tree(tmp_path: Path) -> None:
    equiscope(
        "show", "sample:checkpoints.cnn-pair", "--screenshot", "c.png", "--size", "700x500", cwd=tmp_path
    )
    assert picture(tmp_path / "c.png").std() > 5


def test_show_passes_reader_options(tmp_path: Path) -> None:
    (tmp_path / "p.xyz").write_text("\n".join(f"{i} {i * i} {i % 3}" for i in range(40)))
    equiscope(
        "show", "p.xyz", "--reader", "scans.xyz", "--screenshot", "p.png", "--size", "400x300", cwd=tmp_path
    )
    assert picture(tmp_path / "p.png").std() > 1
    done = equiscope("show", "p.xyz", "--reader", "scans.stl", "--screenshot", "q.png", cwd=tmp_path, code=1)
    assert len(done.stderr.strip().splitlines()) == 1 and "p.xyz" in done.stderr
    assert not (tmp_path / "q.png").exists()


def test_show_makes_movies(tmp_path: Path) -> None:
    out = equiscope(
        *("show", "sample:volumes.beating", "--movie", "beat.gif", "--turntable", "turn.webp"),
        *("--size", "200x160", "--frames", "4"),
        cwd=tmp_path,
    ).stdout
    assert "beat.gif: 4 frames" in out and "turn.webp: 4 frames" in out
    for name in ("beat.gif", "turn.webp"):
        with Image.open(tmp_path / name) as movie:
            assert movie.n_frames == 4 and movie.size == (200, 160)
            first = np.asarray(movie.convert("RGB")).astype(float)
            movie.seek(1)
            assert np.abs(np.asarray(movie.convert("RGB")) - first).mean() > 0.1
    done = equiscope("show", "sample:scans.ring", "--movie", "no.gif", cwd=tmp_path, code=1)
    assert "changes with time" in done.stderr and not (tmp_path / "no.gif").exists()


def test_show_sweeps_through_all_slices_or_says_why_not(tmp_path: Path) -> None:
    sample = ("show", "sample:volumes.beating", "--size", "120x100")
    out = equiscope(*sample, "--layout", "axial", "--sweep", "through.gif", cwd=tmp_path).stdout
    assert "through.gif: 40 frames" in out, "as many as there are slices"
    for wish, reason in (
        (("--layout", "3d"), "has no slices"),
        (("--frames", "100", "--seconds", "1"), "100 frames a second are more than this file can hold (50)"),
    ):
        done = equiscope(*sample, *wish, "--sweep", "no.gif", cwd=tmp_path, code=1)
        assert reason in done.stderr and len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "no.gif").exists()
    done = equiscope(*sample, "--screenshot", "s.png", "--frames", "4", cwd=tmp_path, code=2)
    assert "--frames and --seconds go with" in done.stderr


def test_no_display_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run([sys.executable, "-m", "app"], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 1 and done.stderr.startswith("equiscope: There is no display")
    assert len(done.stderr.splitlines()) == 1


def test_a_bad_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.nii.gz").write_text("no brain")
    for command in (["show", "bad.nii.gz", "--screenshot", "b.png"], ["bad.nii.gz", "--screenshot", "b.png"]):
        done = equiscope(*command, cwd=tmp_path, code=1)
        assert len(done.stderr.strip().splitlines()) == 1 and "bad.nii.gz" in done.stderr
