"""What draws: the name of the GL renderer, and whether it is software."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SOFTWARE = ("llvmpipe", "softpipe", "swiftshader", "swrast", "software", "gdi generic", "basic render")


@dataclass(frozen=True)
class Device:
    """`name` as GL reports it. Software GL gets CPU ray casting, no multisampling and smaller budgets."""

    name: str
    software: bool

    @property
    def drag_points(self) -> int:
        """Points drawn while moving, before the first measurement: on a GPU all there are, until it proves too slow."""
        return 40_000 if self.software else 60_000_000

    @property
    def rest_points(self) -> int:
        """Most points of one cloud that are drawn at all. Software takes a microsecond a point; with more points
        than pixels the picture no longer changes."""
        return 2_000_000 if self.software else 60_000_000

    @property
    def voxels(self) -> int:
        """Largest volume that is ray-cast whole; larger ones are thinned."""
        return 256**3 if self.software else 512**3


UNKNOWN = Device("", True)
"""Before GL has been asked."""


def device_of(capabilities: str) -> Device:
    """From the text of `vtkRenderWindow.ReportCapabilities()`."""
    found = re.search(r"OpenGL renderer string:\s*(.+)", capabilities)
    name = found.group(1).strip() if found else ""
    return Device(name or "unknown", not name or is_software(name))


def is_software(name: str) -> bool:
    """Whether a GL renderer string names a software rasteriser."""
    return any(word in name.lower() for word in _SOFTWARE)
