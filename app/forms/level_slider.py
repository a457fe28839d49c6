"""One handle on a histogram."""

from __future__ import annotations

from app.forms.range_slider import RangeSlider
from app.theme import Metrics


class LevelSlider(RangeSlider):
    """A range slider whose ends are one: `low` and `high` of `moved` are equal."""

    def _under(self, x: float) -> int | None:
        reach = Metrics.of(self.font()).px(10)
        return 0 if abs(x - self.x_of(self.low)) <= reach else None

    def _drag_to(self, x: float, *, jump: bool = False) -> None:
        first, last = self.ends
        value = min(max(self.value_at(x), first), last)
        self._move(value, value)

    def _moved(self, part: int, low: float, high: float, by: float) -> tuple[float, float]:
        first, last = self.ends
        value = min(max(low + by, first), last)
        return value, value
