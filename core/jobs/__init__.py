"""Jobs: readers and analyses run in warm worker processes, or in-process for tests and the command line."""

from core.jobs._job import Job

__all__ = ["Job"]
