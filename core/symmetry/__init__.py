"""Groups, their actions on every kind of data, and how equivariant a model is.

    >>> g = SE(3, scale=50.0).sample((), rng=0)         # one rigid motion
    >>> turned = act(g, mesh)                           # points, faces, normals, all by their kind
    >>> equivariance_error(model, meshes, SO(3)).mean   # relative to the spread of the model's output

NumPy or torch, batched over leading axes, differentiable in torch; importing this imports neither torch nor
plugins. `core.symmetry._action` has the table of what acts on what. Composition is that of maps, `(g @ h)` does
`h` first, and every action here is a left action: act(g @ h, x) = act(g, act(h, x)).
"""

from core.symmetry._action import Rule, act, act_known, register_action
from core.symmetry._assertions import (
    assert_equivariant,
    assert_group_laws,
    assert_homomorphism,
    max_difference,
)
from core.symmetry._discrete import (
    Mirror,
    Permutations,
    Reflections,
    mirror_plane,
    mirrored,
    reflection,
)
from core.symmetry._error import EquivarianceError, equivariance_error
from core.symmetry._group import Elements, Group, SpatialGroup, concatenated
from core.symmetry._harmonics import real_spherical_harmonics, wigner_d
from core.symmetry._resample import Resampled, on_grid, resample
from core.symmetry._rotations import quaternion_from_rotation, rotation_from_quaternion
from core.symmetry._spatial import SE, SO, Affine, E, O, Scalings, Translations, angle, as_element
from core.symmetry._values import NoActionError, act_array, act_points

__all__ = [
    # groups
    "Affine",
    "E",
    "Elements",
    "Group",
    "Mirror",
    "O",
    "Permutations",
    "Reflections",
    "SE",
    "SO",
    "Scalings",
    "SpatialGroup",
    "Translations",
    "angle",
    "as_element",
    "concatenated",
    "mirror_plane",
    "mirrored",
    "quaternion_from_rotation",
    "reflection",
    "rotation_from_quaternion",
    # actions
    "NoActionError",
    "Resampled",
    "Rule",
    "act",
    "act_known",
    "act_array",
    "act_points",
    "on_grid",
    "real_spherical_harmonics",
    "register_action",
    "resample",
    "wigner_d",
    # measures and assertions
    "EquivarianceError",
    "assert_equivariant",
    "assert_group_laws",
    "assert_homomorphism",
    "equivariance_error",
    "max_difference",
]
