"""The one table of colours. No Qt here, so that plots, reports and tests can read it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours by meaning, each "#rrggbb"."""

    name: str
    dark: bool
    window: str
    """Behind everything: gaps, menu bar, headers, status line."""
    panel: str
    """Docks, lists, cards' surroundings, menus."""
    field: str
    """What can be typed in or chosen from; cards."""
    hover: str
    line: str
    text: str
    muted: str
    disabled: str
    accent: str
    """Selected, or the main action."""
    on_accent: str
    accent_hover: str
    selection: str
    """Background of a selected row."""
    good: str
    warn: str
    bad: str
    axial: str = "#e0615a"
    sagittal: str = "#e3c34b"
    coronal: str = "#63b96b"
    # Viewports look alike in both themes: pictures are judged on black.
    view: str = "#000000"
    paper: str = "#ffffff"
    """Behind a figure that is to be printed."""
    view_top: str = "#2a2f37"
    view_bottom: str = "#0e1013"
    view_text: str = "#e4e6ea"
    view_muted: str = "#9aa1ab"
    view_line: str = "#363b42"

    @property
    def view3d(self) -> str:
        """Stripe of 3-D views."""
        return self.accent

    def stripe(self, kind: str) -> str:
        """Colour of a view's square and crosshair line: "axial", "sagittal", "coronal" or "3d"."""
        return {"axial": self.axial, "sagittal": self.sagittal, "coronal": self.coronal}.get(
            kind, self.view3d
        )


DARK = Theme(
    name="dark",
    dark=True,
    window="#1b1d21",
    panel="#23262b",
    field="#2b2f35",
    hover="#32373e",
    line="#363b42",
    text="#e4e6ea",
    muted="#a7aeb8",
    disabled="#7a818c",
    accent="#5b9dff",
    on_accent="#0c1420",
    accent_hover="#79afff",
    selection="#2a3d5c",
    good="#58b368",
    warn="#e0a84a",
    bad="#ee7a72",
)

LIGHT = Theme(
    name="light",
    dark=False,
    window="#eef0f3",
    panel="#ffffff",
    field="#f4f5f7",
    hover="#e6e9ee",
    line="#d5d9df",
    text="#1d2126",
    muted="#555e6c",
    disabled="#828a95",
    accent="#2166d1",
    on_accent="#ffffff",
    accent_hover="#1a57b5",
    selection="#d6e4fa",
    good="#1f7233",
    warn="#855500",
    bad="#b5302a",
)

THEMES = {t.name: t for t in (DARK, LIGHT)}
VIEW_NAMES = {"axial": "Axial", "sagittal": "Sagittal", "coronal": "Coronal", "3d": "3-D"}
