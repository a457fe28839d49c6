"""Putting a theme on an application: palette, font, stylesheet, and the few marks that a stylesheet needs as files."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget

from app.theme._metrics import DESIGN_FONT, Metrics
from app.theme._stylesheet import MARKS, stylesheet
from app.theme._tokens import DARK, LIGHT, Theme

_state: dict[str, Theme] = {"theme": DARK}
_folder: list[Path] = []


def current_theme() -> Theme:
    """The theme last applied (dark before that)."""
    return _state["theme"]


def system_theme() -> Theme:
    """Dark or light as the system is at the moment; dark where it does not say.

    Only while the application follows the system (`apply_theme(…, follow=True)`) or has no theme yet.
    """
    light = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Light
    return LIGHT if light else DARK


def color(value: str, alpha: float = 1.0) -> QColor:
    """A token as a `QColor`, `alpha` in 0..1."""
    made = QColor(value)
    made.setAlphaF(alpha)
    return made


def restyle(widget: QWidget) -> None:
    """Let a widget's changed dynamic property take effect."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()


def follow_system() -> Theme:
    """Let Qt say again what the system's own scheme is, and return the theme that goes with it."""
    hints = QGuiApplication.styleHints()
    if hasattr(hints, "unsetColorScheme"):
        hints.unsetColorScheme()
    return system_theme()


def apply_theme(
    application: QApplication, theme: Theme, scale: float = 1.0, *, follow: bool = False
) -> Metrics:
    """Give `application` the theme; live switching is fine. Returns the sizes that follow from the font.

    `scale` enlarges the font and everything that follows it (Ctrl +/-). With `follow` Qt's own colour scheme stays
    the system's, so that `QStyleHints.colorSchemeChanged` goes on telling of changes there.
    """
    metrics, finish = begin_theme(application, theme, scale, follow=follow)
    finish()
    return metrics


def begin_theme(
    application: QApplication, theme: Theme, scale: float = 1.0, *, follow: bool = False
) -> tuple[Metrics, Callable[[], None]]:
    """The first half of `apply_theme`, and the second: each takes a while, and events may be handled between them.

    Whoever lets that happen keeps the windows from being painted meanwhile: they have no style.
    """
    _state["theme"] = theme
    # With a stylesheet the application's style is a wrapper without a name: setting Fusion again would polish every
    # widget once more.
    style = application.style()
    if style.metaObject().className() != "QStyleSheetStyle" and style.objectName().lower() != "fusion":
        application.setStyle(QStyleFactory.create("Fusion"))
    hints = QGuiApplication.styleHints()
    if hasattr(hints, "setColorScheme") and not follow:
        hints.setColorScheme(Qt.ColorScheme.Dark if theme.dark else Qt.ColorScheme.Light)
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    size = QFontInfo(font).pixelSize()
    if QGuiApplication.platformName() == "offscreen" or size < 1:
        size = DESIGN_FONT  # the platform has no user whose size could be respected
    metrics = Metrics(max(8, round(size * scale)))
    font.setPixelSize(metrics.font)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    # Taking the old sheet off first costs less than half: when one sheet replaces another, Qt polishes each widget
    # once for every widget above it, and also those that were never shown.
    application.setStyleSheet("")
    application.setFont(font)
    application.setPalette(_palette(theme))
    sheet = stylesheet(theme, metrics, _marks(theme))
    return metrics, lambda: application.setStyleSheet(sheet)


def _palette(t: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for key, value in {
        role.Window: t.window,
        role.Base: t.panel,
        role.AlternateBase: t.field,
        role.Button: t.field,
        role.WindowText: t.text,
        role.Text: t.text,
        role.ButtonText: t.text,
        role.ToolTipBase: t.field,
        role.ToolTipText: t.text,
        role.PlaceholderText: t.muted,
        role.Highlight: t.selection,
        role.HighlightedText: t.text,
        role.Link: t.accent,
        role.LinkVisited: t.accent,
        role.Accent: t.accent,
        role.BrightText: t.bad,
        role.Light: t.hover,
        role.Midlight: t.line,
        role.Mid: t.line,
        role.Dark: t.line,
        role.Shadow: t.window,
    }.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, key, QColor(t.disabled))
    return palette


def _marks(theme: Theme) -> dict[str, str]:
    """Arrows and ticks in the theme's colours, as files: a stylesheet can only name files."""
    if not _folder:
        _folder.append(Path(tempfile.mkdtemp(prefix="equiscope-theme-")))
        atexit.register(shutil.rmtree, _folder[0], ignore_errors=True)
    paths = {}
    for name, (shape, token) in MARKS.items():
        path = _folder[0] / f"{theme.name}-{name}.svg"
        if not path.exists():
            path.write_text(
                '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 12 12" width="12" height="12">'
                f'<path d="{shape}" fill="none" stroke="{getattr(theme, token)}" stroke-width="1.6" '
                'stroke-linecap="round" stroke-linejoin="round"/></svg>',
                encoding="utf-8",
            )
        paths[name] = path.as_posix()
    return paths
