"""What a window does so that nothing is lost: its journal, and what crashed windows left."""

from app.window.recovery.recovery import Recovery

__all__ = ["Recovery"]
