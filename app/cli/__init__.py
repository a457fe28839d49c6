"""The command line: one module a group of subcommands, all of them thin over `core.tasks`."""

from app.cli._main import run

__all__ = ["run"]
