"""GraphML by networkx, after making sure that the XML defines no entities."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np

from core.data import Attribute, Domain, Graph, Loaded, Transforms
from core.errors import ReadError, printable
from core.files import read_bytes, replacing
from core.jobs import Job
from core.xml_check import check_xml

_LABELS = re.compile(r"(label|class|tag|type|group|category|community|name|id)s?", re.IGNORECASE)
# The weight that networkx' edges carry is called so by everybody.
_POSITIONS = ("x", "y", "z")


def sniff(path: Path, head: bytes) -> int:
    """90 where the root element is in the first bytes, 50 for XML, 5 otherwise."""
    if b"<graphml" in head or "<graphml".encode("utf-16-le") in head:
        return 90
    return 50 if head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") else 5


def read(path: Path, *, job: Job) -> list[Loaded]:
    """Each graph of a GraphML file. Node values x, y (and z) are its positions; z is 0 where it is missing.

    Words and values called label, class, tag, … are labels; other numbers are scalars, or `unknown` in a
    graph with positions (they may be parts of vectors). Files with a document type or with entities are
    refused: no graph needs them, and they are how XML takes memory. Raises `ReadError`.
    """
    import networkx as nx

    path = Path(path)
    job.progress(0.0, "Reading the graph")
    data = read_bytes(path)
    check_xml(path, data)
    job.progress(0.3, "Reading the graph")
    try:
        with warnings.catch_warnings():  # what lacks a type is taken as text, which is what one sees
            warnings.simplefilter("ignore")
            found = list(nx.readwrite.graphml.GraphMLReader(node_type=str)(string=data))
    except (
        nx.NetworkXError,
        ParseError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        LookupError,
    ) as error:
        text = printable(str(error).split("\n", 1)[0])[:120]
        raise ReadError(
            path, f"is no GraphML that can be read ({text})", "write it again, or as an edge list"
        ) from None
    if not found:
        raise ReadError(path, "holds no graph", "check where it comes from")
    out = []
    for n, graph in enumerate(found):
        job.progress(0.6 + 0.4 * n / len(found), "Converting")
        notes: list[str] = []
        name = path.stem if len(found) == 1 else f"{path.stem} graph {n + 1}"
        out.append(Loaded(name, _convert(graph, notes), tuple(notes)))
    job.progress(1.0)
    return out


def _convert(graph: Any, notes: list[str]) -> Graph:
    names = [str(n) for n in graph.nodes]
    number = {n: i for i, n in enumerate(graph.nodes)}
    edges = list(graph.edges(data=True))
    nodes = _gather([d for _, d in graph.nodes(data=True)])
    positions = None
    if all(k in nodes and nodes[k].dtype.kind in "iuf" for k in "xy"):
        z = nodes["z"] if "z" in nodes and nodes["z"].dtype.kind in "iuf" else np.zeros(len(names))
        stacked = np.stack([nodes["x"], nodes["y"], z], axis=1).astype(np.float64)
        if np.isfinite(stacked).all():
            positions = stacked
            nodes = {k: v for k, v in nodes.items() if k not in _POSITIONS}
        else:
            notes.append("Some nodes have no position: x, y, z are kept as values.")
    attributes: dict[str, Attribute] = {}
    placed = positions is not None
    for name, values in nodes.items():
        attributes[name] = Attribute(values, _transforms(name, values, placed), Domain.POINT)
    for name, values in _gather([d for _, _, d in edges]).items():
        key = name if name not in attributes else f"{name} (edge)"
        attributes[key] = Attribute(
            values, _transforms(name, values, placed and name != "weight"), Domain.EDGE
        )
    pairs = np.array([(number[a], number[b]) for a, b, _ in edges], dtype=np.int64).reshape(-1, 2)
    return Graph(len(names), pairs, bool(graph.is_directed()), positions, attributes, tuple(names))


def _gather(entries: list[dict[str, Any]]) -> dict[str, np.ndarray[Any, Any]]:
    """One array a key; what is missing is NaN or ""."""
    keys = list(dict.fromkeys(str(k) for e in entries for k in e))
    out: dict[str, np.ndarray[Any, Any]] = {}
    for key in keys:
        values = [e.get(key) for e in entries]
        kinds = {type(v) for v in values if v is not None}
        if kinds <= {bool} and None not in values:
            out[key] = np.array(values, dtype=bool)
        elif kinds <= {int} and None not in values and all(abs(v) < 2**63 for v in values):  # type: ignore[arg-type]
            out[key] = np.array(values, dtype=np.int64)
        elif kinds <= {int, float, bool}:
            out[key] = np.array([np.nan if v is None else _float(v) for v in values])
        else:
            # NumPy gives every text the room of the longest.
            longest = max(len(str(v)) for v in values)
            cut = 200 if longest * len(values) > 20_000_000 else longest
            out[key] = np.array(["" if v is None else str(v)[:cut] for v in values], dtype=np.str_)
    return out


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return math.inf if value > 0 else -math.inf


def _transforms(name: str, values: np.ndarray[Any, Any], placed: bool) -> Transforms:
    if values.dtype.kind in "Ub" or (values.dtype.kind == "i" and _LABELS.fullmatch(name)):
        return Transforms.LABEL
    return Transforms.UNKNOWN if placed else Transforms.SCALAR


def write(data: Graph, path: Path, *, job: Job, metadata: Mapping[str, Any]) -> None:
    """Nodes, edges, positions (x, y, z) and every attribute of one value a node or edge; vectors as name_0, name_1, …

    Attributes of the whole graph of one value are kept too. Raises `WriteError`.
    """
    import networkx as nx

    kind = nx.MultiDiGraph if data.directed else nx.MultiGraph
    pairs = {tuple(e) if data.directed else tuple(sorted(e)) for e in data.edges.tolist()}
    if len(pairs) == len(data.edges):
        kind = nx.DiGraph if data.directed else nx.Graph
    graph = kind()
    names = (
        list(data.node_names)
        if len(set(data.node_names)) == data.n_nodes
        else [str(i) for i in range(data.n_nodes)]
    )
    nodes, edges = _columns(data, Domain.POINT), _columns(data, Domain.EDGE)
    if data.positions is not None:
        nodes |= dict(zip(_POSITIONS, data.positions.T, strict=True))
    job.progress(0.2, "Writing")
    for i, name in enumerate(names):
        graph.add_node(_clean(name), **{k: _value(v[i]) for k, v in nodes.items()})
    for i, (a, b) in enumerate(data.edges.tolist()):
        graph.add_edge(_clean(names[a]), _clean(names[b]), **{k: _value(v[i]) for k, v in edges.items()})
    for name, attribute in data.attributes.items():
        if attribute.domain is Domain.OBJECT and attribute.values.size == 1:
            graph.graph[_clean(name)] = _value(attribute.values.reshape(-1)[0])
    with replacing(path) as file:
        nx.write_graphml_xml(graph, file)
    job.progress(1.0)


def _columns(data: Graph, domain: Domain) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, attribute in data.attributes.items():
        if attribute.domain is not domain:
            continue
        values = attribute.values
        if values.ndim == 1:
            out[_clean(name)] = values
        else:
            flat = values.reshape(len(values), -1)
            out |= {f"{_clean(name)}_{i}": flat[:, i] for i in range(flat.shape[1])}
    return out


def _value(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, complex):
        return str(plain)
    return _clean(plain) if isinstance(plain, str) else plain


def _clean(text: str) -> str:
    """`text` without the characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)
