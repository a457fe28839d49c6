"""Data objects: small frozen dataclasses over read-only NumPy arrays.

They hold; they do not draw, load or compute. World coordinates are RAS+ millimetres for medical data and
the file's own unit otherwise. `info` says what an object is, `encode`/`decode` carry it between processes
and files, `content_hash` names its content.
"""

from core.data._attribute import Attribute, Attributes, Domain, Transforms
from core.data._codec import content_hash, decode, encode, register
from core.data._geometry import Markup, MarkupKind, Transform
from core.data._info import KINDS, a_kind, bounds, info, is_data, kind_of, kind_words
from core.data._loaded import Loaded
from core.data._models import Checkpoint, NeuralField, TensorInfo
from core.data._sampled import Image, Signal, Table
from core.data._surfaces import Graph, Mesh, PointCloud, Trajectory
from core.data._volume import Volume

Data = (
    Volume
    | Mesh
    | PointCloud
    | Trajectory
    | Image
    | Graph
    | NeuralField
    | Checkpoint
    | Signal
    | Table
    | Markup
    | Transform
)

__all__ = [
    "a_kind",
    "Attribute",
    "Attributes",
    "Checkpoint",
    "Data",
    "Domain",
    "Graph",
    "Image",
    "KINDS",
    "Loaded",
    "Markup",
    "MarkupKind",
    "Mesh",
    "NeuralField",
    "PointCloud",
    "Signal",
    "Table",
    "TensorInfo",
    "Trajectory",
    "Transform",
    "Transforms",
    "Volume",
    "bounds",
    "content_hash",
    "decode",
    "encode",
    "info",
    "is_data",
    "kind_of",
    "kind_words",
    "register",
]
