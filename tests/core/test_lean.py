"""Libraries without what they would load beside them."""

from __future__ import annotations

import importlib.util

import pytest

from tests.core.test_imports import loaded


@pytest.mark.skipif(importlib.util.find_spec("nibabel") is None, reason="nibabel is not installed")
def test_nibabel_comes_without_pydicom_which_can_be_loaded_after_it() -> None:
    load = "from core.lean import load_nibabel; nibabel = load_nibabel(); nibabel.Nifti1Header()"
    names = ("pydicom", "requests", "nibabel")
    assert loaded(load, names) == ["nibabel"]
    if importlib.util.find_spec("pydicom") is not None:
        assert loaded(f"{load}; import pydicom; pydicom.Dataset()", ("pydicom",)) == ["pydicom"]
        assert loaded(f"import pydicom; {load}; assert nibabel.nifti1.have_dicom", ("pydicom",)) == [
            "pydicom"
        ]
