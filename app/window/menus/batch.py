"""Commands on batches: run an analysis on many files, open the folder of a batch, and what can be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.window.menus import Menus


def build(menus: Menus) -> None:
    """Its commands, in order."""
    w, add = menus.window, menus.commands.add

    def nothing_to_run() -> str:
        return "" if w.workbench.host.analyses else "no plugin brings an analysis"

    def no_batch() -> str:
        return "" if w.batch.folder is not None else "no batch is shown"

    def no_summary() -> str:
        return no_batch() or ("it runs" if w.batch.live else "")

    words = "batch cohort many files folder pattern cluster dask"
    add(
        "batch.new",
        "Run on &many files…",
        w.batches.ask_new,
        group="Analyse",
        why_not=nothing_to_run,
        words=words,
    )
    add("batch.open", "Open a &batch…", w.batches.ask_open, group="Analyse", words="cohort folder follow")
    add(
        "batch.stop",
        "Stop the batch",
        w.batches.stop,
        group="Batch",
        why_not=w.batch.why_not_stop,
        words="cancel",
    )
    add(
        "batch.resume",
        "Resume the batch",
        w.batches.resume,
        group="Batch",
        why_not=w.batch.why_not_resume,
        words="continue go on",
    )
    add("batch.retry", "Retry failed cases", w.batches.retry, group="Batch", why_not=w.batch.why_not_retry)
    add(
        "batch.summary",
        "Open the batch's summary",
        w.batches.open_summary,
        group="Batch",
        why_not=no_summary,
        words="table numbers csv",
    )
    add(
        "batch.copy",
        "Copy the batch as command",
        w.batches.copy_command,
        group="Batch",
        why_not=no_batch,
        words="shell terminal",
    )
    menus.menus["Analyse"].addSeparator()
    menus.put("Analyse", "batch.new", "batch.open")
