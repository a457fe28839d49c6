"""Objects that were moved, as an analysis of several is to see them: in the coordinates of the first one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from app.window.adopt import plain_data
from core.data import Mesh, PointCloud, Volume
from core.document import Item


def beside(item: Item, first: Item) -> tuple[Any, bool]:
    """(the data of `item` where it lies as seen from `first`, whether that differs from its own coordinates).

    An analysis knows no transforms: without this, two objects that were brought together would be measured where
    their files say. Attributes that nobody can say how to move stay behind. Other kinds than volumes, surfaces and
    clouds are passed on as they are.
    """
    data = plain_data(item)
    relative = np.linalg.solve(
        np.asarray(first.transform, dtype=float), np.asarray(item.transform, dtype=float)
    )
    if np.abs(relative - np.eye(4)).max() <= 1e-12 * max(1.0, float(np.abs(relative).max())):
        return data, False
    if isinstance(data, Volume):
        return replace(data, affine=relative @ data.affine), True
    if isinstance(data, (Mesh, PointCloud)):
        from core.symmetry import act_known

        return act_known(relative, data)[0], True
    return data, False
