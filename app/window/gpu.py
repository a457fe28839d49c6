"""The NVIDIA GPUs of this machine and their memory, asked of the driver's own library: no torch, no subprocess."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

_NAMES = ("nvml.dll",) if sys.platform == "win32" else ("libnvidia-ml.so.1",)


@dataclass(frozen=True)
class Gpu:
    """One device; sizes in bytes."""

    name: str
    total: int
    used: int


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def gpus() -> tuple[Gpu, ...]:
    """What the NVIDIA driver lists; nothing where there is none. May take a while: call it in a thread."""
    for name in _NAMES:
        try:
            library = ctypes.CDLL(name)
            if library.nvmlInit_v2() != 0:
                return ()
        except (OSError, AttributeError):
            continue
        try:
            return _listed(library)
        except AttributeError:  # a driver older than what is asked here
            return ()
        finally:
            library.nvmlShutdown()
    return ()


def _listed(library: ctypes.CDLL) -> tuple[Gpu, ...]:
    count = ctypes.c_uint()
    if library.nvmlDeviceGetCount_v2(ctypes.byref(count)) != 0:
        return ()
    found = []
    for index in range(count.value):
        handle, memory, name = ctypes.c_void_p(), _Memory(), ctypes.create_string_buffer(96)
        if library.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)) != 0:
            continue
        library.nvmlDeviceGetName(handle, name, ctypes.c_uint(len(name)))
        # MIG slices and some virtual GPUs tell no memory: their name is worth a line all the same.
        if library.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory)) != 0:
            memory = _Memory()
        found.append(Gpu(name.value.decode(errors="replace"), memory.total, memory.used))
    return tuple(found)
