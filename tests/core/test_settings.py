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


def test_two_windows_do_not_undo_each_other(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    first, second = Settings(path), Settings(path)
    first.set("theme", "light")
    second.set("text-scale", 1.5)
    first.add_recent("/a")
    second.add_recent("/b")
    third = Settings(path)
    assert third.get("theme") == "light" and third.get("text-scale") == 1.5
    assert third.recent == ["/b", "/a"]
    second.forget("text-scale")
    first.set("nose-left", False)
    assert Settings(path).get("text-scale") is None and Settings(path).get("theme") == "light"
    first.clear_recent()
    assert Settings(path).recent == []


def test_a_dialog_starts_in_the_first_folder_that_is_one(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    assert settings.folder("picture", "export") == Path.home()
    settings.set("export", "/data/out")
    assert settings.folder("picture", "export") == Path("/data/out")
    settings.set("picture", ["no folder"])
    assert settings.folder("picture", "export") == Path("/data/out")
    settings.set("picture", "/data/figures")
    assert settings.folder("picture", "export") == Path("/data/figures")


def test_values_of_the_wrong_sort_are_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"a": "x", "b": 99, "c": true, "d": [1], "recent": 5, "recent-length": 1e9}')
    settings = Settings(path)
    assert settings.number("a", 1.0, 0, 2) == 1.0
    assert settings.number("b", 1.0, 0, 2) == 1.0
    assert settings.number("c", 1.0, 0, 2) == 1.0
    assert settings.choice("d", ("auto", "gl")) == "auto"
    assert settings.flag("d", True) and settings.flag("c", False)
    assert settings.recent == [] and settings.recent_length == 12


def test_a_file_that_breaks_meanwhile_loses_nothing_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    settings = Settings(path)
    settings.set("theme", "light")
    path.write_text("{ broken")
    settings.set("crosshair", False)
    assert Settings(path).get("theme") == "light" and Settings(path).get("crosshair") is False


def test_the_recent_list_is_as_long_as_it_was_chosen(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("recent-length", 2)
    for name in "abc":
        settings.add_recent(name)
    assert settings.recent == ["c", "b"]
