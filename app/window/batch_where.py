"""Where a batch runs: on this computer with so many cases at once, or on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtWidgets import QLineEdit

from app.forms.widgets import Choice, FieldGrid, NumberEdit
from core.jobs import default_threads
from core.settings import Settings

KEPT = "batch-where"
"""The setting that remembers where batches ran last: {"workers": N, "dask": address, "last": "local" or "dask"}."""
MOST = 1024


class WhereFields:
    """The fields, as rows of a grid."""

    def __init__(self, grid: FieldGrid, settings: Settings, changed: Callable[[], None]) -> None:
        self._grid = grid
        kept = settings.get(KEPT)
        kept = kept if isinstance(kept, dict) else {}
        self.where = Choice()
        self.where.addItem("This computer", "local")
        self.where.addItem("A dask cluster", "dask")
        grid.add("Run on", self.where)
        self.workers = NumberEdit(integer=True, minimum=1, maximum=MOST, step=1)
        workers = kept.get("workers")
        good = isinstance(workers, int) and 1 <= workers <= MOST
        self.workers.set_value(workers if good else max(1, default_threads() // 2))
        grid.add("Cases at once", self.workers, "The cores are divided among them")
        self.address = QLineEdit(str(kept.get("dask") or ""))
        self.address.setPlaceholderText("tcp://HOST:8786")
        tip = "Of the scheduler; its workers write to the folder, which must lie on a file system that they share"
        grid.add("Scheduler", self.address, tip)
        self.where.setCurrentIndex(1 if kept.get("last") == "dask" else 0)
        self.where.currentIndexChanged.connect(lambda _index: self._show())
        self.where.currentIndexChanged.connect(lambda _index: changed())
        self.workers.changed.connect(changed)
        self.address.textEdited.connect(lambda _text: changed())
        self._show()

    @property
    def cluster(self) -> bool:
        """Whether it is to run on a cluster."""
        return bool(self.where.currentData() == "dask")

    def _show(self) -> None:
        for field, shown in ((self.workers, not self.cluster), (self.address, self.cluster)):
            name = self._grid.label_of(field)
            if name is not None:
                name.setVisible(shown)
            field.setVisible(shown)

    def problem(self) -> str:
        """Why it cannot run there, "" if it can."""
        if self.cluster:
            return "" if self.address.text().strip() else "Type the address of the scheduler."
        try:
            workers = self.workers.value()
        except ValueError as error:
            return f"Cases at once: {error}."
        fits = isinstance(workers, int) and 1 <= workers <= MOST
        return "" if fits else f"Cases at once is a whole number from 1 to {MOST}."

    def words(self) -> list[str]:
        """For the command."""
        if self.cluster:
            return ["--dask", self.address.text().strip()]
        return ["--workers", str(self.workers.value())]

    def remember(self, settings: Settings) -> None:
        """For the next batch, and for Resume."""
        kept: dict[str, Any] = {"dask": self.address.text().strip(), "last": self.where.currentData()}
        if not self.cluster:
            kept["workers"] = self.workers.value()
        settings.set(KEPT, kept)
