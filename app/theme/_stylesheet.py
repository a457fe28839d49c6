"""One stylesheet from one table of tokens. Pure text: tested without an application."""

from __future__ import annotations

from collections.abc import Mapping

from app.theme._metrics import Metrics
from app.theme._tokens import Theme

FIXED = '"DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace'
"""Fonts of fixed pitch, the first that is there."""
MARKS = {
    "down": ("M3 4.5 L6 7.5 L9 4.5", "muted"),
    "up": ("M3 7.5 L6 4.5 L9 7.5", "muted"),
    "right": ("M4.5 3 L7.5 6 L4.5 9", "muted"),
    "check": ("M2.5 6.2 L5 8.7 L9.5 3.6", "on_accent"),
    "close": ("M3 3 L9 9 M9 3 L3 9", "muted"),
    "tick": ("M2 6.2 L4.8 9 L10 3.2", "text"),
    "tick-disabled": ("M2 6.2 L4.8 9 L10 3.2", "disabled"),
    "dot": ("M6 5 A1 1 0 1 1 6 7 A1 1 0 1 1 6 5", "on_accent"),
}
"""Small drawn marks: path in a 12×12 box, and the token of its colour."""


def stylesheet(theme: Theme, metrics: Metrics | None = None, marks: Mapping[str, str] | None = None) -> str:
    """The application's stylesheet.

    `marks` maps the names of `MARKS` to image files; without it the platform's arrows are used.
    """
    t, m = theme, metrics or Metrics()
    px = m.px
    pad = (m.row - m.font) // 2 - px(3)
    # A radius above half of the size is ignored, and the handle turns square: round halves, not wholes.
    groove, half, mark = px(4), px(6), px(14)
    parts = [
        f"""
QWidget {{ color: {t.text}; }}
QMainWindow, QDialog, QSplitter {{ background: {t.window}; }}
QMainWindow::separator {{ background: {t.line}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QSplitter::handle {{ background: {t.line}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:vertical {{ height: 1px; }}
QToolTip {{ background: {t.field}; color: {t.text}; border: 1px solid {t.line}; padding: {px(4)}px {px(8)}px; }}

QMenuBar {{ background: {t.window}; color: {t.muted}; border-bottom: 1px solid {t.line}; padding: {px(1)}px {px(4)}px; }}
QMenuBar::item {{ background: transparent; padding: {px(5)}px {px(8)}px; border-radius: {m.radius}px; }}
QMenuBar::item:selected, QMenuBar::item:pressed {{ background: {t.hover}; color: {t.text}; }}
QMenu {{ background: {t.panel}; border: 1px solid {t.line}; padding: {px(4)}px; }}
QMenu::item {{ padding: {px(5)}px {px(24)}px {px(5)}px {px(24)}px; border-radius: {m.radius}px; }}
QMenu::item:selected {{ background: {t.selection}; }}
QMenu::item:disabled {{ color: {t.disabled}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: {px(4)}px {px(8)}px; }}

QStatusBar {{ background: {t.window}; color: {t.muted}; border-top: 1px solid {t.line}; font-size: {m.small}px; }}
QStatusBar::item {{ border: none; }}
QSizeGrip {{ image: none; }}
QStatusBar QLabel {{ color: {t.muted}; font-size: {m.small}px; padding: 0 {px(8)}px; }}

QDockWidget {{ color: {t.text}; font-weight: 600; titlebar-close-icon: none; titlebar-normal-icon: none; }}
QDockWidget::title {{ background: {t.panel}; border-bottom: 1px solid {t.line}; padding: {px(7)}px {px(12)}px; text-align: left; }}
QDockWidget > QWidget {{ background: {t.panel}; }}

QFrame[role="plain"] {{ background: transparent; border: none; }}
QFrame[role="panel"], QScrollArea, QScrollArea > QWidget > QWidget {{ background: {t.panel}; border: none; }}
QFrame[role="bar"] {{ background: {t.panel}; border: none; border-top: 1px solid {t.line}; }}
QFrame[role="header"] {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.line}; min-height: {m.header}px; max-height: {m.header}px; }}
QFrame[role="strip"] {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.line}; }}
QFrame[role="strip"] QPushButton {{ min-height: {m.row - px(4)}px; }}
QFrame[role="card"] {{ background: {t.field}; border: 1px solid {t.line}; border-radius: {px(8)}px; }}
QFrame[role="error"] {{ background: {t.field}; border: 1px solid {t.bad}; border-radius: {px(8)}px; }}
QFrame[role="card"] QLabel, QFrame[role="error"] QLabel {{ background: transparent; }}
QFrame[role="card"] QLabel:focus, QFrame[role="error"] QLabel:focus {{ background: {t.selection}; }}
QFrame[role="figure"] {{ background: {t.panel}; border: 1px solid transparent; }}
QFrame[role="card"] QFrame[role="figure"] {{ background: transparent; }}
QFrame[role="figure"]:focus {{ border-color: {t.accent}; }}
QLabel[role="readout"] {{ background: {t.window}; color: {t.text}; border: 1px solid {t.line}; border-radius: {m.radius}px; padding: {px(3)}px {px(7)}px; font-size: {m.small}px; }}
QFrame[role="tools"] {{ background: {t.panel}; border: none; }}
QFrame[role="tools"] QToolButton {{ color: {t.muted}; }}
QFrame[role="tools"] QToolButton:hover, QFrame[role="tools"] QToolButton:checked {{ color: {t.text}; }}
QFrame[role="tools"] QToolButton:disabled {{ color: {t.disabled}; }}
QFrame[role="tools"] QToolButton[popupMode="2"] {{ padding-right: {px(20)}px; }}
QFrame[role="line"] {{ background: {t.line}; border: none; min-height: 1px; max-height: 1px; }}

QLabel {{ background: transparent; }}
QLabel:focus {{ background: {t.selection}; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="small"] {{ color: {t.muted}; font-size: {m.small}px; }}
QLabel[role="heading"] {{ font-weight: 600; }}
QLabel[role="title"] {{ font-size: {m.big}px; font-weight: 600; }}
QLabel[role="big"] {{ font-size: {m.big}px; font-weight: 600; }}
QLabel[role="good"] {{ color: {t.good}; font-weight: 600; }}
QLabel[role="warn"] {{ color: {t.warn}; font-weight: 600; }}
QLabel[role="bad"] {{ color: {t.bad}; font-weight: 600; }}
QLabel[role="key"] {{ color: {t.muted}; border: 1px solid {t.line}; border-radius: {px(3)}px; padding: 0 {px(5)}px; font-size: {m.small}px; }}
""",
        f"""
QPushButton {{ background: {t.field}; border: 1px solid {t.line}; border-radius: {m.radius}px; padding: 0 {px(12)}px; min-height: {m.header - 2}px; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:pressed {{ background: {t.line}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton:disabled {{ color: {t.disabled}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600; }}
QPushButton[role="primary"]:hover {{ background: {t.accent_hover}; border-color: {t.accent_hover}; }}
QPushButton[role="primary"]:focus {{ border-color: {t.text}; }}
QPushButton[role="primary"]:disabled {{ background: {t.field}; color: {t.disabled}; border-color: {t.line}; }}
QPushButton[role="quiet"], QPushButton[role="link"] {{ background: transparent; border-color: transparent; }}
QPushButton[role="square"] {{ padding: 0; min-width: {m.row - 2}px; max-width: {m.row - 2}px; min-height: {m.row - 2}px; max-height: {m.row - 2}px; }}
QPushButton[role="quiet"]:hover {{ background: {t.hover}; }}
QPushButton[role="link"] {{ color: {t.accent}; padding: 0; min-height: 0; }}
QPushButton[role="link"]:hover {{ color: {t.accent_hover}; }}
QPushButton[role="quiet"]:focus, QPushButton[role="link"]:focus {{ border-color: {t.accent}; }}
QPushButton[role="status"] {{ background: transparent; border: 1px solid transparent; color: {t.muted}; font-size: {m.small}px; padding: 0 {px(7)}px; min-height: 0; }}
QPushButton[role="status"]:hover {{ color: {t.text}; }}
QPushButton[role="status"]:focus {{ border-color: {t.accent}; color: {t.text}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: {m.radius}px; padding: {px(4)}px {px(6)}px; }}
QToolButton:hover {{ background: {t.hover}; }}
QToolButton:checked {{ background: {t.selection}; }}
QToolButton:focus {{ border-color: {t.accent}; }}

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{ background: {t.field}; border: 1px solid {t.line}; border-radius: {m.radius}px; selection-background-color: {t.selection}; selection-color: {t.text}; }}
QLineEdit, QComboBox {{ min-height: {m.row - 2 * pad - 2}px; padding: {pad}px {px(8)}px; }}
QSpinBox, QDoubleSpinBox {{ min-height: {m.row - 2}px; max-height: {m.row - 2}px; padding: 0 {px(2)}px 0 {px(6)}px; }}
QAbstractSpinBox QLineEdit {{ background: transparent; border: none; padding: 0; min-height: 0; }}
QPlainTextEdit[role="code"], QTextEdit[role="code"], QLineEdit[role="code"] {{ font-family: {FIXED}; font-size: {m.small}px; }}
QPlainTextEdit, QTextEdit {{ padding: {px(4)}px; }}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {t.accent}; }}
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {{ color: {t.disabled}; }}
QLineEdit[invalid="true"] {{ border-color: {t.bad}; }}
QComboBox QAbstractItemView {{ background: {t.panel}; border: 1px solid {t.line}; selection-background-color: {t.selection}; selection-color: {t.text}; outline: none; }}

QCheckBox, QRadioButton {{ spacing: {px(8)}px; background: transparent; min-height: {m.row - px(6)}px; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: {mark}px; height: {mark}px; background: {t.field}; border: 1px solid {t.muted}; border-radius: {px(3)}px; }}
QRadioButton::indicator {{ border-radius: {(mark + 2) // 2}px; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{ background: {t.accent}; border-color: {t.accent}; }}
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled {{ border-color: {t.line}; }}
QCheckBox:focus, QRadioButton:focus {{ color: {t.accent}; }}
QCheckBox::indicator:focus, QRadioButton::indicator:focus {{ border: 2px solid {t.accent}; width: {mark - 2}px; height: {mark - 2}px; }}
QCheckBox::indicator:checked:focus, QRadioButton::indicator:checked:focus {{ border-color: {t.text}; }}

QPushButton::menu-indicator {{ width: 0; }}
QSlider::groove:horizontal {{ height: {groove}px; background: {t.line}; border-radius: {px(2)}px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: {px(2)}px; }}
QSlider::handle:horizontal {{ width: {2 * half}px; height: {2 * half}px; margin: -{(2 * half - groove + 1) // 2}px 0; background: {t.text}; border-radius: {half}px; }}
QSlider::handle:horizontal:focus {{ background: {t.accent}; border: {px(2)}px solid {t.text}; }}
QProgressBar {{ background: {t.line}; border: none; border-radius: {px(2)}px; max-height: {px(4)}px; min-height: {px(4)}px; color: transparent; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: {px(2)}px; }}
""",
        f"""
QTreeView, QListView, QTableView {{ background: {t.panel}; border: 1px solid transparent; outline: none; gridline-color: {t.line}; alternate-background-color: {t.panel}; }}
QTreeView:focus, QListView:focus, QTableView:focus, QScrollArea:focus, QTextBrowser:focus {{ border: 1px solid {t.accent}; }}
QTreeView::item, QListView::item {{ height: {m.row}px; padding: 0 {px(4)}px; border: none; }}
QTableView::item {{ padding: 0 {px(8)}px; border: none; }}
QTreeView::item:hover, QListView::item:hover, QTableView::item:hover {{ background: {t.hover}; }}
QTreeView::item:selected, QListView::item:selected, QTableView::item:selected {{ background: {t.selection}; color: {t.text}; }}
QTreeView::branch {{ background: transparent; }}
QTreeView::branch:selected {{ background: {t.selection}; }}
QHeaderView {{ background: {t.panel}; border: none; }}
QHeaderView::section {{ background: {t.panel}; color: {t.muted}; font-size: {m.small}px; border: none; border-bottom: 1px solid {t.line}; padding: {px(5)}px {px(8)}px; }}
QTableCornerButton::section {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.line}; }}

QTabWidget::pane {{ border: none; border-top: 1px solid {t.line}; }}
QTabBar {{ background: {t.window}; border: none; }}
QTabBar::tab {{ background: transparent; color: {t.muted}; padding: {px(6)}px {px(12)}px; border: none; border-bottom: 2px solid transparent; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom-color: {t.accent}; }}
QTabBar::tab:hover {{ color: {t.text}; }}

QScrollBar {{ background: transparent; border: none; }}
QScrollBar:vertical {{ width: {px(10)}px; margin: 0; }}
QScrollBar:horizontal {{ height: {px(10)}px; margin: 0; }}
QScrollBar::handle {{ background: {t.line}; border-radius: {px(3)}px; margin: {px(2)}px; }}
QScrollBar::handle:vertical {{ min-height: {px(24)}px; }}
QScrollBar::handle:horizontal {{ min-width: {px(24)}px; }}
QScrollBar::handle:hover {{ background: {t.muted}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QAbstractScrollArea::corner {{ background: transparent; }}
""",
    ]
    if marks:
        parts.append(
            f"""
QPushButton::menu-indicator {{ image: url("{marks["down"]}"); width: {px(12)}px; height: {px(12)}px; subcontrol-origin: padding; subcontrol-position: center right; right: {px(6)}px; }}
QPushButton[menu="true"] {{ padding-right: {px(22)}px; }}
QToolButton::menu-indicator {{ image: url("{marks["down"]}"); width: {px(12)}px; height: {px(12)}px; subcontrol-origin: padding; subcontrol-position: center right; right: {px(4)}px; }}
QComboBox::drop-down {{ border: none; width: {px(22)}px; }}
QComboBox::down-arrow {{ image: url("{marks["down"]}"); width: {px(12)}px; height: {px(12)}px; }}
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {{ border: none; background: transparent; width: {px(16)}px; }}
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{marks["up"]}"); width: {px(10)}px; height: {px(10)}px; }}
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{marks["down"]}"); width: {px(10)}px; height: {px(10)}px; }}
QCheckBox::indicator:checked {{ image: url("{marks["check"]}"); }}
QTreeView::branch:has-children:closed {{ image: url("{marks["right"]}"); }}
QTreeView::branch:has-children:open {{ image: url("{marks["down"]}"); }}
QTabBar::close-button {{ image: url("{marks["close"]}"); }}
QRadioButton::indicator:checked {{ image: url("{marks["dot"]}"); }}
QMenu::indicator {{ width: {px(12)}px; height: {px(12)}px; left: {px(6)}px; }}
QMenu::indicator:checked {{ image: url("{marks["tick"]}"); }}
QMenu::indicator:checked:disabled {{ image: url("{marks["tick-disabled"]}"); }}
QMenu::right-arrow {{ image: url("{marks["right"]}"); width: {px(12)}px; height: {px(12)}px; }}
"""
        )
    return "".join(parts)
