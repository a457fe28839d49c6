"""Analyses: plain typed functions whose signature is the only description of their parameters."""

from core.analyses._annotations import Advanced, Folder, Help, Label, Range, Unit
from core.analyses._describe import (
    Description,
    Input,
    Parameter,
    ParameterError,
    as_command,
    as_python,
    call_arguments,
    checked,
    describe,
    flag,
    non_default,
    parse,
    validate,
)

__all__ = [
    "Advanced",
    "Description",
    "Folder",
    "Help",
    "Input",
    "Label",
    "Parameter",
    "ParameterError",
    "Range",
    "Unit",
    "as_command",
    "as_python",
    "call_arguments",
    "checked",
    "describe",
    "flag",
    "non_default",
    "parse",
    "validate",
]
