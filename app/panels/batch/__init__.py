"""The dock "Batch": what becomes of the cases of a batch that this window, or a command line, runs."""

from app.panels.batch.panel import BatchPanel

__all__ = ["BatchPanel"]
