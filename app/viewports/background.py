"""One thread for what drawing and picking need but must not wait for: search trees, contours. No Qt."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

log = logging.getLogger(__name__)
_pool: list[ThreadPoolExecutor] = []


def submit(work: Callable[[], Any]) -> Future[Any]:
    """Run `work` in the thread; it must not touch a widget or a VTK object that is being drawn."""
    if not _pool:
        _pool.append(ThreadPoolExecutor(max_workers=1, thread_name_prefix="viewport-background"))
    return _pool[0].submit(_logged, work)


def _logged(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception:
        log.exception("work for a view")
        raise
