"""Samples that move."""

from __future__ import annotations

import numpy as np

from core.data import Attribute, Loaded, Trajectory, Transforms
from core.jobs import Job

PERIOD = 6.32591398
"""Of the figure eight for unit masses and G = 1 (Simó's digits, as Chenciner and Montgomery 2000 give them)."""
_X1 = np.array([0.97000436, -0.24308753, 0.0])
_V3 = np.array([-0.93240737, -0.86473146, 0.0])


def figure_eight(*, job: Job) -> list[Loaded]:
    """Three equal masses chase each other along one figure eight; three periods, 361 times.

    Newtonian gravity with G = 1 and unit masses, integrated by DOP853 (tolerance 1e-12) from the initial conditions of
    Chenciner and Montgomery 2000, "A remarkable periodic solution of the three-body problem in the case of equal
    masses", Annals of Mathematics 152, 881-901. Masses, momenta and energy are those of the numbers there: units are
    the problem's own.
    """
    from scipy.integrate import solve_ivp

    start = np.concatenate([_X1, -_X1, np.zeros(3), -_V3 / 2, -_V3 / 2, _V3])
    times = np.linspace(0.0, 3 * PERIOD, 361)
    job.progress(0.1, "Integrating")
    found = solve_ivp(_motion, (0.0, times[-1]), start, "DOP853", times, rtol=1e-12, atol=1e-12)
    states = found.y.T.reshape(len(times), 2, 3, 3)
    velocities = np.ascontiguousarray(states[:, 1].transpose(1, 0, 2))
    body = Attribute(np.array([1, 2, 3], dtype=np.int16), Transforms.LABEL)
    data = Trajectory(
        np.ascontiguousarray(states[:, 0]),
        times,
        {"body": body, "velocity": Attribute(velocities, Transforms.VECTOR)},
        time_unit="",
    )
    return [
        Loaded(
            "Three bodies on a figure eight",
            data,
            metadata={
                "source": "Chenciner and Montgomery 2000",
                "period": PERIOD,
                "G": 1.0,
                "masses": [1, 1, 1],
            },
            display={"color_by": "body", "size": 16.0, "trail": 2.0},
        )
    ]


def _motion(_time: float, state: np.ndarray) -> np.ndarray:
    """d/dt of (positions, velocities), (18,): each mass falls towards the two others."""
    x, v = state.reshape(2, 3, 3)
    apart = x[None] - x[:, None]
    distance = np.linalg.norm(apart, axis=2)
    np.fill_diagonal(distance, 1.0)
    pull = (apart / distance[..., None] ** 3).sum(axis=1)
    return np.concatenate([v.ravel(), pull.ravel()])
