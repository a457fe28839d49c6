"""Files of tensors: their index without their values, their values on demand, and nothing in them ever run.

safetensors (also sharded), torch (zip and older), pickles of plain values, NPZ and HDF5. Importing this
package imports neither torch nor h5py; torch is not needed to read a torch file.
"""

from core.checkpoints._dtypes import decode, float8_table
from core.checkpoints._npz import read_header as read_npy_header
from core.checkpoints._open import (
    PICKLE_SUFFIXES,
    Tensors,
    open_checkpoint,
    open_tensors,
    parameter_count,
    read_tensors,
    sniff,
)
from core.checkpoints._pickle import global_names
from core.checkpoints._torch import program_kind
from core.checkpoints._write import write_parts, write_safetensors

__all__ = [
    "PICKLE_SUFFIXES",
    "Tensors",
    "decode",
    "float8_table",
    "global_names",
    "open_checkpoint",
    "open_tensors",
    "parameter_count",
    "program_kind",
    "read_npy_header",
    "read_tensors",
    "sniff",
    "write_parts",
    "write_safetensors",
]
