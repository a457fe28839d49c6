"""What a worker can be asked to do: the functions of `core.tasks`, by name."""

from __future__ import annotations

from typing import Any

from core.jobs._job import Job


def call(task: str, job: Job, payload: dict[str, Any]) -> Any:
    """Run the task `task` ("open_path" or, in tests, "package.module:function") with `payload` as keywords."""
    import importlib

    if ":" in task:
        module, _, name = task.partition(":")
        function = getattr(importlib.import_module(module), name)
    else:
        from core.tasks import TASKS

        function = TASKS[task]
    return function(job, **payload)
