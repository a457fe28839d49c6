from __future__ import annotations

import gc
import threading

from app.viewports.collector import MainThreadCollector, collect_due
from app.viewports.service import RenderService


class Knot:
    """A cycle that says in which thread it was found."""

    found: list[threading.Thread] = []

    def __init__(self) -> None:
        self.me = self

    def __del__(self) -> None:
        Knot.found.append(threading.current_thread())


def test_cycles_made_in_a_thread_are_collected_in_the_main_one(qtbot):
    collector = MainThreadCollector()
    collector.start()
    try:
        assert not gc.isenabled()
        Knot.found.clear()
        thread = threading.Thread(target=lambda: [Knot() for _ in range(3000)])
        thread.start()
        thread.join()
        assert not Knot.found
        qtbot.waitUntil(lambda: len(Knot.found) == 3000, timeout=5000)
        assert set(Knot.found) == {threading.main_thread()}
    finally:
        collector.stop()
    assert gc.isenabled()


def test_a_service_within_a_window_leaves_the_collector_to_the_window(qapp):
    window = MainThreadCollector()
    window.start()
    service = RenderService(sync=False)
    service._start()
    service.close()
    assert not gc.isenabled(), "the window lives on"
    window.stop()
    assert gc.isenabled()
    window.stop()
    assert gc.isenabled()


def test_nothing_is_collected_before_it_is_due():
    gc.collect()
    before = gc.get_stats()
    collect_due()
    assert gc.get_stats() == before
