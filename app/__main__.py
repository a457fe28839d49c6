"""`equiscope` and `python -m app`: the command line, and the way into the window.

Kept light: a subcommand imports what it needs when it runs.
"""

from __future__ import annotations

import io
import os
import sys
import time

STARTED = time.perf_counter()
"""When this process began to run our code; `--report-startup` counts from here."""


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return its exit code: 0 done, 1 failed or refused, 2 wrong use."""
    from app.cli import run

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name that the terminal cannot spell is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        code = run(sys.argv[1:] if arguments is None else arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except BrokenPipeError:  # `equiscope list … | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("equiscope: stopped", file=sys.stderr)
        return 130


def main_gui() -> int:
    """The window without a console, for `equiscope-gui`."""
    return main(["--window", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
