"""The bridge: a user's own model, in her own interpreter, as something that analyses can call.

    with open_model(Reference("her/net.py:predict"), Contract(Transforms.VECTOR), job=job) as model:
        layer = model(cloud)
        error = equivariance_error(model, clouds, SO(3))

The model runs only if the user trusts these very contents (`core.trust`), in a process of its own that ends with the
block, on cancel within a fraction of a second, and with everything that it has started.
"""

from core.bridge._bridge import Bridge, ModelError
from core.bridge._contract import Contract, arrays_of, predicted
from core.bridge._inspect import Inspected, Reference, hash_folder, inspect
from core.bridge._model import OpenModel, open_model

__all__ = [
    "Bridge",
    "Contract",
    "Inspected",
    "ModelError",
    "OpenModel",
    "Reference",
    "arrays_of",
    "hash_folder",
    "inspect",
    "open_model",
    "predicted",
]
