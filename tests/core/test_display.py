"""Displays: what a fresh object is coloured by, and coordinates as attributes."""

from __future__ import annotations

import numpy as np

from core.data import Attribute, Mesh, PointCloud, Transforms, Volume
from core.display import LABEL_OPACITY, PointsDisplay, are_colors, attribute_of, default_display

POINTS = np.arange(12.0).reshape(4, 3)


def test_a_cloud_without_colours_is_coloured_by_height() -> None:
    assert default_display(PointCloud(POINTS)) == PointsDisplay(color_by="@z")
    assert default_display(PointCloud(POINTS), {"color_by": "rgb"}) == PointsDisplay(color_by="rgb")
    assert default_display(PointCloud(POINTS), {"color_by": ""}) == PointsDisplay()


def test_coordinates_are_attributes_by_name() -> None:
    cloud = PointCloud(POINTS, {"q": Attribute(np.ones(4), Transforms.SCALAR)}, unit="m")
    height = attribute_of(cloud, "@z")
    assert height is not None and np.array_equal(height.values, POINTS[:, 2]) and height.unit == "m"
    assert attribute_of(cloud, "@z") is height, "made once, so that what is cached by it stays"
    assert attribute_of(cloud, "q") is cloud.attributes["q"]
    assert attribute_of(cloud, "nothing") is None
    assert attribute_of(Mesh(POINTS, np.zeros((0, 3), int)), "@x") is not None


def test_a_segmentation_that_does_not_say_so_is_shown_as_labels():
    mask = np.zeros((90, 70, 10), np.uint8)
    mask[20:40, 20:40] = 3

    def shown(array, **hints):
        return default_display(Volume(array, np.eye(4)), hints).colormap

    assert shown(mask) == "labels" == shown(mask.astype(np.int16))
    assert shown(mask, colormap="hot") == "hot"
    assert shown(mask * 40) == shown(mask.astype(np.float32)) == shown(mask * 0) == shown(mask + 1) == "gray"
    assert shown(-mask.astype(np.int16)) == "gray"


def test_a_segmentation_lets_the_scan_be_seen_through_it_unless_it_says_otherwise():
    mask = np.zeros((9, 9, 9), np.uint8)
    mask[2:4] = 3

    def opacity(array, **hints):
        return default_display(Volume(array, np.eye(4)), hints).opacity

    assert opacity(mask) == LABEL_OPACITY < 1
    assert opacity(mask, opacity=0.9) == 0.9 and opacity(mask, outline=2.0) == 1.0
    assert opacity(mask.astype(np.float32)) == 1.0


def test_colours_are_known_by_name_and_shape():
    assert are_colors("RGB", np.zeros((4, 3))) and are_colors("colors", np.zeros((4, 4)))
    assert not are_colors("rgb", np.zeros(4)) and not are_colors("normal", np.zeros((4, 3)))
