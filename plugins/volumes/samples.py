"""Volumes to try things on: a head made of ellipsoids, and the MNI152 template from nilearn's wheel."""

from __future__ import annotations

import numpy as np

from core.data import Loaded, Volume
from core.jobs import Job

RIGHT_MARK = (38.0, -10.0, 12.0)
"""World position (RAS mm) of the phantom's bright ball, in the right hemisphere."""
LEFT_MARK = (-38.0, 24.0, -6.0)
"""World position of its dark cube, in the left hemisphere."""

# centre and half axes (mm), value; later ones lie over earlier ones
_PARTS = (
    ((0, -6, 4), (80, 100, 92), 180.0),  # scalp
    ((0, -6, 4), (75, 95, 87), 25.0),  # skull
    ((0, -6, 4), (70, 90, 82), 60.0),  # fluid round the brain
    ((33, -6, 8), (34, 84, 68), 120.0),  # right half, grey matter
    ((-33, -6, 8), (34, 84, 68), 120.0),  # left half
    ((33, -6, 8), (26, 74, 58), 160.0),  # white matter
    ((-33, -6, 8), (26, 74, 58), 160.0),
    ((0, -14, 12), (14, 20, 5), 160.0),  # where the halves join
    ((9, 0, 14), (6, 34, 9), 45.0),  # ventricles
    ((-9, 0, 14), (6, 34, 9), 45.0),
    ((0, 88, -12), (9, 14, 12), 170.0),  # nose
)


def phantom(*, job: Job) -> list[Loaded]:
    """A head of ellipsoids, 2 mm voxels, symmetric about x = 0 but for a bright ball right and a dark cube left."""
    spacing, shape = 2.0, (96, 120, 104)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-95.0, -121.0, -95.0]
    axes = [affine[a, 3] + spacing * np.arange(shape[a]) for a in range(3)]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    values = np.zeros(shape, dtype=np.float32)
    for i, (centre, half, value) in enumerate(_PARTS):
        job.progress(i / len(_PARTS), "Making the phantom")
        inside = sum(((c - m) / h) ** 2 for c, m, h in zip((x, y, z), centre, half, strict=True)) <= 1.0
        values[inside] = value
    ball = sum((c - m) ** 2 for c, m in zip((x, y, z), RIGHT_MARK, strict=True)) <= 8.0**2
    values[ball] = 240.0
    cube = [abs(c - m) <= 6.0 for c, m in zip((x, y, z), LEFT_MARK, strict=True)]
    values[cube[0] & cube[1] & cube[2]] = 5.0
    # A faint fixed ripple, the same on both sides, so that slices are not flat.
    values += np.where(values > 0, 4.0 * np.cos(np.abs(x) / 5.0) * np.cos(y / 7.0) * np.cos(z / 6.0), 0.0)
    return [
        Loaded(
            "Head phantom",
            Volume(np.clip(values, 0, 255).astype(np.uint8), affine),
            metadata={"right_mark": list(RIGHT_MARK), "left_mark": list(LEFT_MARK)},
        )
    ]


BEAT = 0.8
"""Seconds of one beat of the heart phantom, which has `PHASES` times."""
PHASES = 20


def beating(*, job: Job) -> list[Loaded]:
    """A beating left ventricle of ellipsoids in a chest, 3 mm voxels, 20 times over one beat of 0.8 s.

    The wall keeps its volume: it thickens while the cavity shrinks to 40 % (an ejection fraction of 60 %). Invented
    numbers, to try the player on.
    """
    spacing, shape = 3.0, (48, 48, 40)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-spacing * (n - 1) / 2 for n in shape]
    axes = [affine[a, 3] + spacing * np.arange(shape[a]) for a in range(3)]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    turn = np.radians(35)  # the long axis points to the left, forwards and down
    along = -np.sin(turn) * x + np.cos(turn) * (0.6 * y - 0.8 * z)
    across = (x**2 + y**2 + z**2) - along**2
    chest = np.where((x / 68) ** 2 + (y / 62) ** 2 <= 1, 35.0, 0.0)
    chest[((x - 42) / 22) ** 2 + (y / 40) ** 2 + (z / 62) ** 2 <= 1] = 8.0  # right lung
    frames = np.zeros((*shape, PHASES), dtype=np.uint8, order="F")
    cavity_volume, wall_volume = 22.0**2 * 40.0, 30.0**2 * 48.0 - 22.0**2 * 40.0
    for k in range(PHASES):
        job.progress(k / PHASES, "Making the phantom")
        phase = k / PHASES
        # A quick squeeze (a third of the beat), then a slower filling.
        squeeze = (
            np.sin(np.pi * phase / 0.7) ** 2 if phase < 0.35 else np.cos(np.pi * (phase - 0.35) / 1.3) ** 2
        )
        share = 1.0 - 0.6 * squeeze
        radius = 22.0 * share**0.4
        length = cavity_volume * share / radius**2
        outer = (wall_volume + cavity_volume * share) / (length + 8.0)
        values = chest.copy()
        values[across / outer + (along / (length + 8.0)) ** 2 <= 1] = 110.0
        values[across / radius**2 + (along / length) ** 2 <= 1] = 200.0
        values += np.where(values > 0, 5.0 * np.cos(x / 6) * np.cos(y / 8) * np.cos(z / 7), 0.0)
        frames[..., k] = np.clip(values, 0, 255).astype(np.uint8)
    volume = Volume(frames, affine, "time", step=BEAT / PHASES)
    return [Loaded("Beating heart phantom", volume, metadata={"ejection_fraction": 0.6, "beat": BEAT})]


def mni152(*, job: Job) -> list[Loaded]:
    """The skull-stripped symmetric MNI152 T1 template at 1 mm that nilearn's wheel carries; nothing is downloaded.

    Reference: Fonov et al. 2011 (doi 10.1016/j.neuroimage.2010.07.033).
    """
    import warnings

    job.progress(0.1, "Reading the template")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nilearn.datasets import load_mni152_template

        image = load_mni152_template(resolution=1)
    values = np.asarray(image.dataobj)
    kind = np.float64 if values.dtype == np.float64 else np.float32
    volume = Volume(values.astype(kind, copy=False), np.asarray(image.affine, dtype=np.float64))
    return [
        Loaded(
            "MNI152 T1",
            volume,
            metadata={
                "source": "MNI152 NLin 2009 symmetric, skull-stripped",
                "remark": "exactly mirror-symmetric by construction: it says nothing about accuracy",
            },
        )
    ]
