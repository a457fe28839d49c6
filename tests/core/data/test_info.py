"""How kinds are said."""

from __future__ import annotations

import pytest

from core.data import KINDS, a_kind


@pytest.mark.parametrize(
    ("kinds", "said"),
    [
        (("table",), "a table"),
        (("image", "volume"), "an image or volume"),
        (("mesh", "pointcloud", "volume"), "a mesh, point cloud or volume"),
    ],
)
def test_kinds_are_said_as_people_say_them(kinds: tuple[str, ...], said: str) -> None:
    assert set(kinds) <= KINDS.keys()
    assert a_kind(*kinds) == said
