"""How arrays enter a data object: checked once, read-only afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def frozen(array: Any, *, dtype: Any = None) -> Array:
    """A read-only view of `array` (no copy unless the dtype has to change)."""
    view: Array = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


def require(condition: bool, message: str) -> None:
    """Raise `ValueError(message)` unless `condition`; data objects are checked where they are made."""
    if not condition:
        raise ValueError(message)
