"""Settings: odd values and broken files cost no start."""

from __future__ import annotations

from pathlib import Path

from core.settings import Settings


def test_paths_that_are_no_unicode_are_remembered(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.add_recent("/data/b\udcff.ply")
    settings.add_recent("/data/würfel.ply")
    assert Settings(tmp_path / "settings.json").recent == ["/data/würfel.ply", "/data/b\udcff.ply"]


def test_broken_settings_are_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("{", "[1]", '{"recent": null}', '{"recent": 7}'):
        path.write_text(text)
        assert Settings(path).recent == []
    path.write_text("{")
    Settings(path).set("theme", "dark")
    assert Settings(path).get("theme") == "dark" and (tmp_path / "settings.json.broken").exists()
