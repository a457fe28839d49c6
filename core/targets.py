"""What a point of a plot or a row of a table stands for: a short text that names an object of the session.

"layer:NAME"            a layer of the same result, by the name that the analysis gave it
"input:N"               the N-th input of the run, from 0
"input:N:tensor:NAME"   a tensor of a checkpoint that was an input
"input:N:point:INDEX"   a point of a mesh, point cloud or graph that was an input
"at:X,Y,Z"              a place in the space of the first input
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """A parsed target; the fields that do not apply are empty."""

    layer: str = ""
    input: int = -1
    tensor: str = ""
    point: int = -1
    place: tuple[float, float, float] | None = None


def layer(name: str) -> str:
    """The target of a layer of the same result."""
    return f"layer:{name}"


def tensor(input: int, name: str) -> str:
    """The target of a tensor of an input that is a checkpoint."""
    return f"input:{input}:tensor:{name}"


def point(input: int, index: int) -> str:
    """The target of a point of an input."""
    return f"input:{input}:point:{index}"


def place(x: float, y: float, z: float) -> str:
    """The target of a place in the space of the first input."""
    return f"at:{x!r},{y!r},{z!r}"


def parse(text: str) -> Target | None:
    """The target that a text names; None for "" and for what this version does not know."""
    head, _, rest = text.partition(":")
    try:
        if head == "layer" and rest:
            return Target(layer=rest)
        if head == "at":
            x, y, z = (float(t) for t in rest.split(","))
            return Target(place=(x, y, z))
        if head == "input":
            number, _, rest = rest.partition(":")
            kind, _, name = rest.partition(":")
            if kind == "tensor" and name:
                return Target(input=int(number), tensor=name)
            if kind == "point":
                return Target(input=int(number), point=int(name))
            return Target(input=int(number)) if not kind else None
    except ValueError:
        return None
    return None
