"""Analyses: plain typed functions whose signature is the only description of their parameters."""

from core.analyses._annotations import Help, Label, Range, Unit

__all__ = ["Help", "Label", "Range", "Unit"]
