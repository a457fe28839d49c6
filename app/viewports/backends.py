"""Which backend draws, and the preparation that Qt wants before its first window."""

from __future__ import annotations

import os
import sys

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext, QSurfaceFormat

from app.viewports.device import is_software

VARIABLE = "EQUISCOPE_VIEWPORT"
SYNC_VARIABLE = "EQUISCOPE_VIEWPORT_SYNC"
_GL_RENDERER = 0x1F01
_found: dict[str, str] = {}


def prepare_surface_format() -> None:
    """Ask Qt for desktop GL 3.2 core without multisampling; before the first window is shown.

    VTK samples in its own framebuffer. Without an explicit type Wayland may hand out GLES, and a format set on
    the widget itself comes out black there.
    """
    wanted = QSurfaceFormat()
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setVersion(3, 2)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setSamples(0)
    wanted.setAlphaBufferSize(8)
    wanted.setDepthBufferSize(24)
    wanted.setStencilBufferSize(8)
    QSurfaceFormat.setDefaultFormat(wanted)


def choose_backend(requested: str = "auto") -> tuple[str, str]:
    """("gl" or "image", why). `EQUISCOPE_VIEWPORT` stands above "auto", an explicit request above both.

    Raises
    ------
    ValueError : neither "auto", "gl" nor "image".
    """
    name, why = requested, "asked for"
    if requested == "auto" and os.environ.get(VARIABLE):
        name, why = os.environ[VARIABLE].strip().lower(), VARIABLE
    if name not in ("auto", "gl", "image"):
        raise ValueError(f"{why}: {name!r} is not a viewport backend; use gl, image or auto")
    if name != "auto":
        return name, why
    platform = QGuiApplication.platformName()
    if platform in ("offscreen", "minimal", "minimalegl", "vnc", "linuxfb"):
        return "image", f"the {platform} platform has no OpenGL"
    renderer = gl_renderer()
    if not renderer:
        return "image", "Qt got no OpenGL context"
    if is_software(renderer):
        return "image", f"{renderer} is software"
    return "gl", renderer


def gl_renderer() -> str:
    """What Qt's own GL context is drawn by; "" where it gets none. Asked once a process."""
    if "name" not in _found:
        _found["name"] = _ask()
    return _found["name"]


def synchronous() -> bool:
    """Whether pictures are drawn in the calling thread: always on macOS, whose windows belong to the main one."""
    value = os.environ.get(SYNC_VARIABLE, "")
    return sys.platform == "darwin" or value.lower() not in ("", "0", "false", "no")


def _ask() -> str:
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not surface.isValid() or not context.create() or not context.makeCurrent(surface):
        return ""
    try:
        return str(context.functions().glGetString(_GL_RENDERER) or "")
    finally:
        context.doneCurrent()
        surface.destroy()
