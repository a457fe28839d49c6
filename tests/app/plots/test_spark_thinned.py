"""A long live curve is drawn with as many points as there are pixels, and no peak is lost."""

from __future__ import annotations

from app.plots.spark import _thinned


def test_peaks_stay_and_the_number_is_bounded() -> None:
    points = [(float(k), 0.0) for k in range(5000)]
    points[1234], points[4321] = (1234.0, 9.0), (4321.0, -7.0)
    made = _thinned(points)
    assert len(made) <= 400
    assert (1234.0, 9.0) in made and (4321.0, -7.0) in made
    assert made == sorted(made), "in the order of the steps"
    assert _thinned(points[:100]) == points[:100]
