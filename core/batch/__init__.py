"""Batches: one analysis over hundreds of inputs, each exactly as `equiscope run` would run it.

    DIR/batch.json     what is run, on what: analysis, parameters, versions, every case with its inputs
    DIR/done.jsonl     what has become of each case: appended, and on the disk at once
    DIR/summary.csv    a row a case, with every number
    DIR/<case>/        record.json, result.json and the files of one run, there as a whole or not at all

What holds:

1. Whatever is killed at whatever moment, the same command run again does what is missing and nothing twice: a case is
   written to a draft folder, which takes its name in one step; its line in `done.jsonl` comes after that.
2. One driver a folder (a lock of the system's, which goes with its holder).
3. A failure is a line with a sentence. A case whose process dies is begun once more, after all others, since most such
   deaths are for want of memory; if it dies again, it has failed.
4. All cases have the batch's seed, device and number of threads, and so the hashes of single runs with these.
5. Local workers and clusters run the same task of `core.tasks` in the same kind of process.
"""

from core.batch._cases import Found, find_cases
from core.batch._drive import Batch
from core.batch._executor import Executor, Fatal, Outcome, Report
from core.batch._follow import Follower, News
from core.batch._local import LocalExecutor
from core.batch._lock import holder
from core.batch._manifest import Case, Manifest, Settings, read_manifest
from core.batch._progress import DONE, FAILED, RUNNING, STATES, WAITING, Status, read_progress
from core.batch._results import read_run
from core.batch._run import Count, Ended
from core.batch._summary import write_summary

__all__ = [
    "DONE",
    "FAILED",
    "RUNNING",
    "STATES",
    "WAITING",
    "Batch",
    "Case",
    "Count",
    "Ended",
    "Executor",
    "Fatal",
    "Follower",
    "Found",
    "LocalExecutor",
    "Manifest",
    "News",
    "Outcome",
    "Report",
    "Settings",
    "Status",
    "find_cases",
    "holder",
    "read_manifest",
    "read_progress",
    "read_run",
    "write_summary",
]
