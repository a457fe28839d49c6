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
