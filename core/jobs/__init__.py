"""Jobs: readers and analyses run in warm worker processes, or in-process for tests and the command line.

What has been learned the hard way:

1. A job's listeners run on a thread of the runner's. The window queues them to its own thread.
2. A worker's standard output carries the protocol; file descriptor 1 is pointed at standard error before any
   work runs, so that a library that prints cannot break it.
3. A worker ends when its standard input closes: no orphan survives a killed window.
4. A cancel asks first (`Job.check` raises) and kills after `GRACE` seconds; the pool starts a new process.
"""

from core.jobs._events import Event, JobFailed, LogLine, Metric, Preview, Progress, State, StateChanged
from core.jobs._handle import Handle, Listener
from core.jobs._job import Job
from core.jobs._runner import InlineRunner, Runner, WorkerRunner, default_threads

__all__ = [
    "Event",
    "Handle",
    "InlineRunner",
    "Job",
    "JobFailed",
    "Listener",
    "LogLine",
    "Metric",
    "Preview",
    "Progress",
    "Runner",
    "State",
    "StateChanged",
    "WorkerRunner",
    "default_threads",
]
