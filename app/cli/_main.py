"""Reads the command line and hands over to a subcommand."""

from __future__ import annotations

import argparse
import importlib
import math
import re
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from core import __version__
from core.errors import Cancelled, UserError
from core.jobs import JobFailed

EPILOG = """\
commands:
  equiscope [FILE…]               open the window
  equiscope info FILE…            say what a file holds
  equiscope list WHAT             analyses, models, readers, writers, samples or plugins
  equiscope run ANALYSIS INPUT…   run an analysis; `equiscope run ANALYSIS --help` lists its parameters
  equiscope batch ANALYSIS INPUT… run it over hundreds of inputs, on this machine or a cluster
  equiscope replay RECORD         run a record again and compare
  equiscope show FILE…            render files into a picture, without a screen
  equiscope export FILE OUT       write what a file holds in another format
  equiscope doctor                say what this machine can do

exit codes: 0 done, 1 the work failed or was refused (one line says why), 2 wrong use
For research only; not a medical device.
"""


class Parser(argparse.ArgumentParser):
    """Argparse whose errors name the way out and whose exit code is 2; "-1,0,0" and "-1e-5" are values."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Argparse takes what begins with a dash for an option unless it looks like a number to this pattern.
        self._negative_number_matcher = re.compile(r"^-(\d|\.\d)[\d.,eE+-]*$")

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"equiscope: {message}; see {self.prog} --help\n")


def run(arguments: list[str]) -> int:
    """Run one command line; returns the exit code."""
    commands = {
        "info": "_info:main",
        "list": "_list:main",
        "run": "_run:main",
        "batch": "_batch:main",
        "replay": "_run:replay",
        "show": "_show:main",
        "export": "_export:main",
        "doctor": "_doctor:main",
    }
    try:
        if arguments and arguments[0] in commands:
            module, _, name = commands[arguments[0]].partition(":")
            command: Callable[[list[str]], int] = getattr(importlib.import_module(f"app.cli.{module}"), name)
            return command(arguments[1:])
        return _window(arguments, set(commands))
    except SystemExit as stop:
        return int(stop.code or 0)
    except Cancelled:
        print("equiscope: stopped", file=sys.stderr)
        return 1
    except JobFailed as error:
        print(f"equiscope: {error}", file=sys.stderr)
        if error.details and not error.refusal:
            print(f"equiscope: details are in {write_log(error.details)}", file=sys.stderr)
        return 1
    except UserError as error:
        print(f"equiscope: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        raise
    except Exception as error:  # a fault of ours: the user reads one line, the traceback goes to the log
        import traceback

        reason = next(iter(str(error).strip().splitlines()), "no message")
        where = write_log("".join(traceback.format_exception(error)))
        print(
            f"equiscope: internal error ({type(error).__name__}: {reason}); details are in {where}",
            file=sys.stderr,
        )
        return 1


def _window(arguments: list[str], commands: set[str]) -> int:
    parser = Parser(prog="equiscope", epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="files, folders or sample:ID to open in the window"
    )
    parser.add_argument("--version", action="version", version=f"equiscope {__version__}")
    parser.add_argument("--safe", action="store_true", help="only built-in plugins, software viewports")
    parser.add_argument(
        "--report-startup", action="store_true", help="print when each step of the start was done"
    )
    parser.add_argument("--quit-after-start", action="store_true", help="end once the window is painted")
    parser.add_argument(
        "--screenshot", metavar="PNG", help="render the window into a picture instead of opening it"
    )
    parser.add_argument("--size", default="1600x1000", help="of the picture, WxH (default %(default)s)")
    parser.add_argument("--theme", choices=("dark", "light"), help="colours of the window")
    parser.add_argument("--window", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    for name in options.files[:1]:
        # A mistyped command would otherwise be taken for a file that does not exist.
        import difflib
        from pathlib import Path

        close = difflib.get_close_matches(name, sorted(commands), n=1, cutoff=0.75)
        if close and not Path(name).exists():
            parser.error(f"there is no command or file {name!r}; did you mean {close[0]}?")
        if name.isidentifier() and not Path(name).exists():
            parser.error(f"there is no command or file {name!r}")
    from app import window

    if options.screenshot:
        from pathlib import Path

        return window.render_window(
            options.files,
            Path(options.screenshot),
            size=parse_size(parser, options.size),
            theme=options.theme,
        )
    if _no_display():
        raise UserError(
            "There is no display to open a window on; `equiscope show` and --screenshot render without one."
        )
    return window.run_window(
        options.files,
        safe=options.safe,
        report_startup=options.report_startup,
        quit_after_start=options.quit_after_start,
        theme=options.theme,
    )


def _no_display() -> bool:
    """Qt would abort the process instead of saying so."""
    import os

    named = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return sys.platform.startswith("linux") and not named


def parse_size(parser: argparse.ArgumentParser, text: str) -> tuple[int, int]:
    """ "1600x1000" as numbers; wrong use otherwise."""
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()) or not (
        64 <= int(width) <= 8192 and 64 <= int(height) <= 8192
    ):
        parser.error(f"--size is WIDTHxHEIGHT between 64 and 8192, not {text!r}")
    return int(width), int(height)


def print_json(value: Any) -> None:
    """Print readable JSON; NaN and infinities become null, as in `result.json`."""
    import json

    def plain(v: Any) -> Any:
        if isinstance(v, float):
            return v if math.isfinite(v) else None
        if isinstance(v, dict):
            return {k: plain(x) for k, x in v.items()}
        return [plain(x) for x in v] if isinstance(v, (list, tuple)) else v

    print(json.dumps(plain(value), indent=2, ensure_ascii=False))


def write_log(text: str) -> str:
    """Keep a traceback in the program's log file, or on standard error where there can be none; returns where."""
    import datetime
    from pathlib import Path

    import platformdirs

    path = Path(platformdirs.user_log_dir("equiscope", False)) / "equiscope.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"--- {datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')}\n{text}\n")
    except OSError as error:
        return f"no log, since {path} cannot be written ({error.strerror or error})"
    return str(path)
