"""Libraries without what they would load beside them."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


def load_nibabel() -> ModuleType:
    """nibabel without pydicom, which it looks for to show a rare extension of NIfTI that nothing here reads.

    With it come requests, urllib3 and a download manager: two thirds of the time that the first brain waited for.
    DICOM files are read by pydicom itself, which is loaded then.
    """
    if "nibabel" in sys.modules or "pydicom" in sys.modules:
        return importlib.import_module("nibabel")
    sys.modules["pydicom"] = None  # type: ignore[assignment]  # an import of it fails, as if it were not installed
    try:
        return importlib.import_module("nibabel")
    finally:
        if sys.modules.get("pydicom", 0) is None:
            del sys.modules["pydicom"]
