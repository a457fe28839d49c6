"""Errors whose text is meant for the user: one sentence that says what, where and the way out."""

from __future__ import annotations

import re
from pathlib import Path

LONGEST = 400
"""Characters of a fault in a sentence."""
LONGEST_NAME = 200
"""Characters that a name out of a file (of an object, of a column) may have."""
_ADDRESS = re.compile(r"<(?:\w+\.)*(\w+) object at 0x[0-9a-f]+>")


class UserError(Exception):
    """A refusal or failure explained in one sentence. `str(error)` is what the user reads.

    Whatever a file has put into the sentence, it stays one line: what does not print is written out.
    """

    def __init__(self, text: object = "") -> None:
        super().__init__(printable(str(text)))


class ReadError(UserError):
    """A file that cannot be opened.

    Parameters
    ----------
    path
        The file or folder at fault; only its name is shown, quoted so that odd characters are visible.
    fault
        What is wrong, as the end of "NAME …": ``"ends after 3 of its 10 slices"``.
    remedy
        What to do, as an imperative: ``"copy the file again"``.
    """

    def __init__(self, path: str | Path, fault: str, remedy: str) -> None:
        self.path = Path(path)
        self.fault = fault
        self.remedy = remedy
        super().__init__(f"{self.path.name or path} {_short(printable(fault))}; {remedy}.")

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        return type(self), (str(self.path), self.fault, self.remedy)


class HoldsCode(ReadError):
    """A file that is a program: it was not run, and runs only where the user says that she trusts it."""


class WriteError(ReadError):
    """A file that cannot be written. Same three parts as `ReadError`."""


class Refused(UserError):
    """An analysis that declines its input for a stated scientific reason."""


class Cancelled(Exception):
    """Raised by `Job.check` once the user has asked a job to stop."""


def _short(text: str) -> str:
    """A fault without the innards of a library, and without the bulk of what a file quotes."""
    text = _ADDRESS.sub(r"\1", text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 40]}…{text[-39:]}"


def printable(name: str) -> str:
    """`name` with control characters (line breaks, escapes) written out, so a message stays one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
