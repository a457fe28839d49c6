"""XML from strangers: what no file of data needs is refused before a library acts on it.

Entities are how XML takes memory ("billion laughs") and reads other files; a document type may name a URL. expat
itself is asked, so that neither an encoding nor the way a thing is quoted hides it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.parsers import expat

from core.errors import ReadError, printable

DEPTH = 200
"""Elements inside each other that a file may have."""
_AGAIN = "copy or download the file again"


class _Seen(Exception):
    """The root element has begun: nothing can be declared any more."""


def check_xml(
    path: Path,
    data: bytes,
    *,
    whole: bool = True,
    started: Callable[[str, dict[str, str]], None] | None = None,
) -> None:
    """Let `data` pass if it declares no document type and no entities.

    Parameters
    ----------
    whole : also refuse what is damaged or nested deeper than `DEPTH`; else only what stands before the root element
        is looked at, where declarations have to be.
    started : called with the name and attributes of every element.

    Raises
    ------
    ReadError : `path` is at fault, in one sentence.
    """
    parser = expat.ParserCreate()
    depth = 0

    def declared(*args: Any) -> None:
        raise ReadError(
            path, "declares a document type or entities, which no such file needs", "remove the DOCTYPE"
        )

    def opened(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        if not whole:
            raise _Seen
        depth += 1
        if depth > DEPTH:
            raise ReadError(path, f"is nested deeper than {DEPTH} elements", "check where it comes from")
        if started is not None:
            started(name, attributes)

    def closed(name: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    try:
        parser.Parse(data, True)
    except _Seen:
        pass
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise ReadError(path, f"is damaged or cut short ({printable(str(error))[:100]})", _AGAIN) from None
