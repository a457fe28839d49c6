from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from app.theme import DARK, LIGHT, THEMES, Metrics, apply_theme, color, current_theme, stylesheet

APP = Path(__file__).resolve().parents[3] / "app"


def luminance(value: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    channels = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_text_can_be_read_on_every_background(theme):
    for background in (theme.window, theme.panel, theme.field, theme.selection):
        assert contrast(theme.text, background) >= 7
    for background in (theme.window, theme.panel, theme.field):
        assert contrast(theme.muted, background) >= 4.3
    assert contrast(theme.on_accent, theme.accent) >= 4.5
    for token in (theme.good, theme.warn, theme.bad):
        assert contrast(token, theme.panel) >= 3.5


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_tokens_are_colours_and_the_stylesheet_uses_no_others(theme):
    tokens = {getattr(theme, f.name) for f in fields(theme) if f.name not in ("name", "dark")}
    assert all(re.fullmatch(r"#[0-9a-f]{6}", token) for token in tokens)
    assert set(re.findall(r"#[0-9a-fA-F]{3,8}\b", stylesheet(theme))) <= tokens


def test_colour_literals_stand_in_the_table_only():
    for folder in ("theme", "viewports"):
        for path in (APP / folder).rglob("*.py"):
            if path.name != "_tokens.py":
                found = re.findall(r"[\"']#[0-9a-fA-F]{6}[\"']", path.read_text(encoding="utf-8"))
                assert not found, f"{path.name}: {found}"


def test_sizes_follow_the_font():
    assert (Metrics(13).row, Metrics(13).header, Metrics(13).small, Metrics(13).big) == (28, 30, 12, 24)
    assert Metrics(26).row == 56
    assert "font-size: 24px" in stylesheet(DARK, Metrics(26))


def test_applying_switches_live_and_without_complaints(qapp, capfd):
    from PySide6.QtWidgets import QComboBox

    combo = QComboBox()
    try:
        apply_theme(qapp, LIGHT)
        assert current_theme() is LIGHT
        assert qapp.palette().window().color() == color(LIGHT.window)
        combo.ensurePolished()
        apply_theme(qapp, DARK, scale=2)
        assert qapp.palette().window().color() == color(DARK.window)
        assert qapp.font().pixelSize() == 26
        assert "Could not parse" not in capfd.readouterr().err
    finally:
        combo.deleteLater()
        apply_theme(qapp, DARK)
        qapp.setStyleSheet("")


def test_another_theme_does_not_set_the_style_again(qapp, monkeypatch):
    apply_theme(qapp, DARK)
    calls = []
    monkeypatch.setattr(type(qapp), "setStyle", lambda *_: calls.append(1))
    apply_theme(qapp, LIGHT)
    apply_theme(qapp, DARK)
    assert not calls


@pytest.mark.parametrize("font", range(8, 27))
def test_round_things_are_round_at_every_font_size(font):
    sheet = stylesheet(DARK, Metrics(font))
    for name, border in (
        (r"QSlider::handle:horizontal", 0),
        (r"QCheckBox::indicator, QRadioButton::indicator", 1),
    ):
        body = re.search(name + r" \{ ([^}]*)\}", sheet)[1]
        size = int(re.search(r"width: (\d+)px", body)[1]) + 2 * border
        assert int(re.search(r"height: (\d+)px", body)[1]) + 2 * border == size
        radii = [int(re.search(r"border-radius: (\d+)px", body)[1])]
        if border:
            radii.append(int(re.search(r"QRadioButton::indicator \{ border-radius: (\d+)px", sheet)[1]))
        assert max(radii) <= size / 2, "Qt draws corners with a larger radius square"
        assert max(radii) >= size / 2 - 0.5


def test_ticks_of_menus_are_drawings_in_the_colours_of_the_theme(qapp):
    apply_theme(qapp, LIGHT)
    for state, token in (("checked", LIGHT.text), ("checked:disabled", LIGHT.disabled)):
        path = re.search(rf'QMenu::indicator:{state} {{ image: url\("([^"]+)"\)', qapp.styleSheet())[1]
        assert path.endswith(".svg") and token in Path(path).read_text(encoding="utf-8")
    apply_theme(qapp, DARK)
