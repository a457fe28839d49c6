from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFrame, QVBoxLayout

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


SURFACES = ("window", "panel", "field")
USES = {
    "text": (*SURFACES, "hover", "selection"),
    "muted": (*SURFACES, "hover", "selection"),
    **dict.fromkeys(("accent", "accent_hover", "good", "warn", "bad"), SURFACES),
    "on_accent": ("accent", "accent_hover"),
    "view_text": ("view", "view_top", "view_bottom"),
    "view_muted": ("view", "view_top", "view_bottom"),
}
"""On which backgrounds each colour of text stands."""


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
@pytest.mark.parametrize("token", USES)
def test_text_can_be_read_on_every_background(theme, token):
    for background in USES[token]:
        ratio = contrast(getattr(theme, token), getattr(theme, background))
        assert ratio >= 4.5, f"{theme.name}: {token} on {background} has {ratio:.2f}"


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda t: t.name)
def test_what_is_grey_and_what_has_the_focus_can_be_told(theme):
    for background in ("window", "panel", "field"):
        # What cannot be used is no text to read (WCAG 1.4.3), but it is to be seen; its reason is in `muted`.
        assert contrast(theme.disabled, getattr(theme, background)) >= 3
        assert contrast(theme.muted, getattr(theme, background)) > contrast(
            theme.disabled, getattr(theme, background)
        )
        assert contrast(theme.accent, getattr(theme, background)) >= 3, "the frame of what has the focus"


def test_every_colour_of_text_in_the_stylesheet_is_one_of_those():
    for theme in THEMES.values():
        known = {getattr(theme, name) for name in (*USES, "disabled")}
        used = set(re.findall(r"(?<![-\w])(?:color|selection-color): (#[0-9a-f]{6})", stylesheet(theme)))
        assert used <= known, "add where the new one stands to USES"


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


@pytest.mark.parametrize("role", ["", "card", "error"])
def test_a_label_that_has_the_focus_is_seen(qapp, qtbot, role):
    from app.forms.widgets import label

    apply_theme(qapp, DARK)
    frame = QFrame()
    frame.setProperty("role", role)
    qtbot.addWidget(frame)
    words = label("One can copy this", selectable=True)
    QVBoxLayout(frame).addWidget(words)
    frame.show()
    corner = words.mapTo(frame, words.rect().bottomRight())
    assert frame.grab().toImage().pixelColor(corner).name() != DARK.selection
    words.setFocus()
    qtbot.waitUntil(words.hasFocus)
    assert frame.grab().toImage().pixelColor(corner).name() == DARK.selection


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
