"""Ends everything that a bridge has started, also when whoever started it was killed.

Every process that a model starts inherits an environment variable with a token, by which it is found again even if it
has left the group or has lost its parents. As a program this file waits until its standard input closes, which it
does when our process ends in whatever way, then ends all that carry the token and removes the bridge's folder.
"""

import contextlib
import os
import shutil
import signal
import sys
import time

VARIABLE = "EQUISCOPE_BRIDGE"


def carriers(token: str) -> list[int]:
    """The processes that carry a token; [] where the system does not tell."""
    mark = f"{VARIABLE}={token}".encode()
    found = []
    try:
        names = os.listdir("/proc")
    except OSError:
        return []
    for name in names:
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def end_all(token: str) -> None:
    """Kill all that carry a token, and their groups; returns when none is left, or after half a second."""
    for _ in range(50):
        found = carriers(token)
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                group = os.getpgid(pid)
                if group != os.getpgrp():
                    os.killpg(group, signal.SIGKILL)
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def main() -> None:
    """Wait for the end of standard input; the token and the bridge's private folder are the arguments."""
    while os.read(0, 1024):
        pass
    end_all(sys.argv[1])
    shutil.rmtree(sys.argv[2], ignore_errors=True)


if __name__ == "__main__":
    main()
