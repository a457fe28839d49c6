"""From one format of `session.json` to the next: pure functions of the JSON, which touch no file.

Golden sessions of every format stand in `tests/core/golden_sessions`; all of them must open for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From format n to n + 1."""


def migrated(tree: dict[str, Any], to: int) -> dict[str, Any]:
    """The JSON of a session of any older format as one of format `to`.

    Raises
    ------
    KeyError : there is no way from that format.
    """
    for n in range(int(tree["format"]), to):
        tree = {**MIGRATIONS[n](tree), "format": n + 1}
    return tree
