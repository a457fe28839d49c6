"""The display panel: every field is an edit, a drag is one, and undo is seen in the field."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.forms import NumberEdit
from core.data import Attribute, Image, Markup, Mesh, PointCloud, Table, Transforms, Volume
from core.display import default_display
from core.document import Item, new_id

SCALARS = Attribute(np.arange(4.0), Transforms.SCALAR)
POINTS = np.eye(4)[:, :3]
DATA = {
    "volume": Volume(np.arange(60.0).reshape(3, 4, 5), np.eye(4)),
    "movie": Volume(np.zeros((3, 4, 5, 6)), np.eye(4), "time"),
    "mesh": Mesh(POINTS, np.array([[0, 1, 2]]), {"height": SCALARS}),
    "bare": Mesh(POINTS, np.array([[0, 1, 2]])),
    "cloud": PointCloud(POINTS, {"height": SCALARS}),
    "plane": Markup("plane", [[0, 0, 0]], size=[1, 1, 0]),
    "image": Image(np.zeros((4, 5))),
    "table": Table({"x": np.arange(3)}),
}


CAST = ("preset", "opacity_curve", "reset_curve", "shade")
LEVEL = ("surface_level", "level_slider", "surface_color", "make_surface")
WINDOW = ("window_slider", "window", "level", "automatic", "automatic_row", "colormap", "inverted")


def show(panel: Any, key: str) -> str:
    item = Item(new_id(), key, DATA[key], display=default_display(DATA[key]))
    panel.workbench.document.add(item)
    panel.workbench.select(item.id)
    return item.id


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (
            "volume",
            {
                *WINDOW,
                "render",
                *CAST,
                *LEVEL,
                "interpolate",
                "opacity",
                "visible",
                "hide",
                "floor",
                "labels_as",
                "outline",
            },
        ),
        (
            "mesh",
            {
                "color_by",
                "colormap",
                "inverted",
                "range_slider",
                "range_low",
                "range_high",
                "color",
                "representation",
                "shading",
                "backs",
                "cut",
                "opacity",
                "visible",
            },
        ),
        (
            "bare",
            {
                "color_by",
                "colormap",
                "inverted",
                "range_slider",
                "range_low",
                "range_high",
                "color",
                "representation",
                "shading",
                "backs",
                "cut",
                "opacity",
                "visible",
            },
        ),
        (
            "cloud",
            {
                "color_by",
                "colormap",
                "inverted",
                "range_slider",
                "range_low",
                "range_high",
                "color",
                "size",
                "splat",
                "round",
                "opacity",
                "visible",
            },
        ),
        (
            "plane",
            {
                "size",
                "measurements",
                "locked",
                "angle_to",
                "angle_words",
                "centre",
                "opacity",
                "visible",
            },
        ),
        ("image", {*WINDOW, "interpolate", "opacity"}),
        ("table", set()),
    ],
)
def test_the_fields_are_those_of_the_kind(panel: Any, key: str, fields: set[str]) -> None:
    show(panel, key)
    assert set(panel.fields.fields) == fields


def test_a_typed_window_is_an_edit_and_undo_empties_the_field(panel: Any) -> None:
    id = show(panel, "volume")
    field = panel.field("window")
    field.setText("40")
    field.editingFinished.emit()
    document = panel.workbench.document
    assert document[id].display.window == 40.0
    document.undo()
    assert document[id].display.window is None and field.text() == ""
    field.setText("-3")
    field.editingFinished.emit()
    assert document[id].display.window is None and field.property("invalid")


def test_automatic_takes_both_back(panel: Any) -> None:
    id = show(panel, "volume")
    for name in ("window", "level"):
        panel.field(name).setText("5")
        panel.field(name).editingFinished.emit()
    panel.field("automatic").click()
    assert panel.workbench.document[id].display.window is None
    assert panel.workbench.document[id].display.level is None


def test_a_dragged_slider_is_one_edit(panel: Any) -> None:
    id = show(panel, "mesh")
    document = panel.workbench.document
    before = len(document._done)
    for value in range(100, 30, -5):
        panel.field("opacity").setValue(value)
    assert document[id].display.opacity == pytest.approx(0.35)
    assert len(document._done) == before + 1
    document.undo()
    assert panel.field("opacity").value() == 100


def test_colour_by_an_attribute_with_a_range(panel: Any) -> None:
    id = show(panel, "mesh")
    document = panel.workbench.document
    assert not panel.field("colormap").isEnabled()
    box = panel.field("color_by")
    box.setCurrentIndex(box.findData("height"))
    box.activated.emit(box.currentIndex())
    assert document[id].display.color_by == "height"
    assert panel.field("colormap").isEnabled()
    panel.field("range_high").setText("2")
    panel.field("range_high").editingFinished.emit()
    assert document[id].display.range == (0.0, 2.0)
    panel.field("range_low").setText("5")
    panel.field("range_low").editingFinished.emit()
    assert document[id].display.range == (0.0, 2.0), "the wrong way round is not taken"
    assert panel.field("range_low").property("invalid")


def test_the_time_point_of_a_movie(panel: Any) -> None:
    id = show(panel, "movie")
    panel.field("index").setValue(4)
    assert panel.workbench.document[id].display.index == 4
    assert panel.field("index_words").text() == "5 of 6"


def test_warnings_stand_first(panel: Any) -> None:
    from PySide6.QtWidgets import QLabel

    item = Item(
        new_id(),
        "odd",
        DATA["bare"],
        display=default_display(DATA["bare"]),
        warnings=("The unit is a guess.",),
    )
    panel.workbench.document.add(item)
    panel.workbench.select(item.id)
    assert "The unit is a guess." in [w.text() for w in panel.findChildren(QLabel)]


def test_a_centre_is_shown_as_far_as_it_fits_and_not_changed_by_that(panel: Any) -> None:
    id = show(panel, "plane")
    document = panel.workbench.document
    exact = [0.201620159, 17.742673412, 637012.248901]
    document.set_data(id, Markup("plane", [exact], size=[1, 1, 0]))
    edits = [e for e in panel.findChildren(NumberEdit) if e.accessibleName().startswith("Centre")]
    assert [e.text() for e in edits] == ["0.20162", "17.743", "637012.2"]
    edits[0].setText("0.5")
    edits[0].committed.emit()
    assert document[id].data.points.tolist() == [[0.5, exact[1], exact[2]]]
    edits[1].committed.emit()
    assert document.undo_label and document[id].data.points[0, 1] == exact[1]


def test_the_first_fields_come_a_moment_later_or_when_asked_for(panel, qtbot):
    panel.show()
    qtbot.waitUntil(panel.isVisible)
    show(panel, "volume")
    assert not panel.findChildren(NumberEdit) and panel.header.note.text() == "volume"
    qtbot.waitUntil(lambda: any(e.isVisible() for e in panel.findChildren(NumberEdit)))
    first = panel.field("window")
    show(panel, "movie")
    assert first not in panel.findChildren(NumberEdit), (
        "those of another item at once: the old ones would change it"
    )
    assert "index" in panel.fields.fields
    panel.workbench.select(None)
    show(panel, "cloud")
    assert "size" in panel.fields.fields
