"""The look: one table of colours, one stylesheet built from it, the sizes that follow the font.

    from app.theme import DARK, LIGHT, Metrics, apply_theme, current_theme

    apply_theme(application, DARK)            # palette, font, stylesheet, Qt's own colour scheme
    theme = current_theme(); theme.accent      # a "#rrggbb"; no colour literal stands anywhere else
    m = Metrics.of(widget.font()); m.row       # 28 at 13 px, follows the font

Widgets say what they are by dynamic properties, and the stylesheet does the rest:

    label.setProperty("role", …)     # "muted", "heading", "small", "title", "big", "good", "warn", "bad", "key", "readout"
    button.setProperty("role", …)    # "primary" (one a panel), "quiet", "link", "square", "status"
    frame.setProperty("role", …)     # "card", "error", "panel", "header", "bar", "strip", "tools", "figure", "line", "plain"
    edit.setProperty("role", "code")    # of fixed pitch: logs, tracebacks, the console

After changing a property of a widget that is already shown call `restyle(widget)`.
"""

from app.theme._apply import (
    apply_theme,
    begin_theme,
    color,
    current_theme,
    follow_system,
    restyle,
    system_theme,
)
from app.theme._metrics import BIG, SMALL, SPACE, Metrics
from app.theme._stylesheet import stylesheet
from app.theme._tokens import DARK, LIGHT, THEMES, VIEW_NAMES, Theme

__all__ = [
    "BIG",
    "DARK",
    "LIGHT",
    "Metrics",
    "SMALL",
    "SPACE",
    "THEMES",
    "Theme",
    "VIEW_NAMES",
    "apply_theme",
    "begin_theme",
    "color",
    "current_theme",
    "follow_system",
    "restyle",
    "stylesheet",
    "system_theme",
]
