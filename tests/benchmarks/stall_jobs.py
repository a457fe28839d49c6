"""A job that keeps a worker process and its window as busy as a job can."""

from __future__ import annotations

import time

import numpy as np

from core.jobs import Job
from core.results import Curve


def churn(job: Job, seconds: float) -> float:
    """Compute without a pause, reporting a thousand metrics, lines and a preview or two a second."""
    end, step, total = time.monotonic() + seconds, 0, 0.0
    while time.monotonic() < end:
        total += float(np.linalg.norm(np.random.default_rng(step).normal(size=(40, 40)) @ np.ones(40)))
        job.metric("loss", 1 / (1 + step), step=step)
        job.metric("error", total / (1 + step), step=step)
        job.progress(1 - (end - time.monotonic()) / seconds, f"step {step}")
        if step % 20 == 0:
            job.log(f"step {step}: {total:.3f}")
        if step % 500 == 0:
            x = np.arange(200.0)
            job.preview(Curve("course", x, {"y": np.sin(x / 20 + step)}))
        step += 1
        time.sleep(0.001)
    return total
