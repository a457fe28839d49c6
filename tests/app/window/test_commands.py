"""Commands are asked again once for what several signals tell, and never seen as they were before."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QApplication, QWidget

from app.window.commands import Commands


def test_refreshing_is_put_off_until_somebody_looks(qtbot: Any) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    commands, asked, reason = Commands(window), [], ["nothing is open"]
    action = commands.add(
        "a",
        "A",
        lambda: None,
        group="Test",
        why_not=lambda: asked.append(1) or reason[0],  # type: ignore[func-returns-value]
    )
    on = [False]
    commands.add("b", "B", lambda: None, group="Test", checked=lambda: on[0])
    for _ in range(5):
        commands.refresh()
    assert not asked
    QApplication.processEvents()
    assert len(asked) == 1 and not action.isEnabled() and action.toolTip() == "Nothing is open"
    reason[0], on[0] = "", True
    commands.refresh()
    assert commands["a"].isEnabled() and commands["b"].isChecked() and len(asked) == 2, "seen at once"
    QApplication.processEvents()
    assert len(asked) == 2, "and not asked again"
    reason[0] = "it is gone"
    commands.refresh()
    assert commands.action("a").isEnabled(), "who sets it does not ask"
    assert [a.isEnabled() for a in commands] == [False, True]
    commands.refresh()
    assert commands.get("a") is action and len(asked) == 4
