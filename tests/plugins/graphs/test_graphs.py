"""Graphs against networkx and the published sizes; XML attacks and damaged files refused."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from core.data import Attribute, Domain, Graph, Table, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.graphs import edges, graphml, many

nx = pytest.importorskip("networkx")

# graphs, nodes and edges in all: the averages times the number of graphs of Morris et al., TUDataset, 2020
# (PTC: the set of Zhang et al. 2018).
TU = {
    "ENZYMES": (600, 19580, 37282, 6),
    "IMDBBINARY": (1000, 19773, 96531, 2),
    "MUTAG": (188, 3371, 3721, 2),
    "NCI1": (4110, 122747, 132753, 2),
    "PROTEINS": (1113, 43471, 81044, 2),
    "PTC": (344, 8792, 8931, 2),
}


def test_the_manifest_names_functions_that_exist() -> None:
    manifest = tomllib.loads(Path(many.__file__).with_name("plugin.toml").read_text())
    for entry in (*manifest["readers"], *manifest["writers"]):
        for key in ("sniff", "read", "write"):
            if key in entry:
                module, name = entry[key].split(":")
                assert callable(getattr(import_module(module), name))


@pytest.mark.shared
def test_every_set_is_in_the_table(shared_data: Path) -> None:
    assert {p.stem for p in (shared_data / "graphs").rglob("*.txt")} == set(TU)


@pytest.mark.shared
@pytest.mark.parametrize("name", TU)
def test_published_sets(shared_data: Path, name: str) -> None:
    path = shared_data / "graphs/dgcnn_txt" / f"{name}.txt"
    head = path.read_bytes()[:512]
    assert many.sniff(path, head) == 90 and edges.sniff(path, head) == 0
    table, *graphs = many.read(path, job=Job())
    count, nodes, n_edges, classes = TU[name]
    columns = table.data.columns
    assert len(columns["label"]) == count and len(table.metadata["classes"]) == classes
    assert (columns["nodes"].sum(), columns["edges"].sum()) == (nodes, n_edges)
    assert len(graphs) == 12 and all(g.parent == 0 for g in graphs)
    for i, item in enumerate(graphs):
        assert (item.data.n_nodes, len(item.data.edges)) == (columns["nodes"][i], columns["edges"][i])


@pytest.mark.shared
def test_triangles_are_no_edges(shared_data: Path) -> None:
    path = shared_data / "pointclouds/pcl/triangles.txt"
    head = path.read_bytes()[:512]
    assert edges.sniff(path, head) == many.sniff(path, head) == 0


def test_many_graphs(tmp_path: Path) -> None:
    path = tmp_path / "set.txt"
    path.write_text("3\n3 1\n0 1 1 0.5 2\n1 2 0 2 1.5 3\n0 1 1 2.5 4\n1 -1\n7 0\n2 1\n0 1 1\n0 1 0\n")
    assert many.sniff(path, path.read_bytes()) == 90
    table, one, two = many.read(path, graphs=2, job=Job())
    assert isinstance(table.data, Table) and table.data.columns["label"].tolist() == [1, -1, 1]
    assert table.data.columns["edges"].tolist() == [2, 0, 1]
    assert one.data.edges.tolist() == [[0, 1], [1, 2]] and two.data.n_nodes == 1
    assert one.data.attributes["tag"].values.tolist() == [0, 1, 0]
    assert one.data.attributes["features"].values.tolist() == [[0.5, 2], [1.5, 3], [2.5, 4]]
    assert one.data.attributes["label"].values == 1
    (_, last) = many.read(path, graphs=5, first=3, job=Job())
    assert last.name == "set graph 3 (label 1)"


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "empty"),
        ("1000000000000\n1 0\n0 0\n", "claims 1000000000000 graphs"),
        ("1\n99999999999 0\n0 0\n", "ends within graph"),
        ("2\n1 0\n0 0\n", "ends after 1"),
        ("1\n2 0\n0 1 5\n0 0\n", "names node 5"),
        ("1\n2 0\n0 3 1\n0 0\n", "fewer neighbours"),
        ("1\n1 x\n0 0\n", "line 2"),
        ("1\n1 0\nfoo 0\n", "line 3"),
        ("1\n1 0\n0 0 word\n", "no number"),
    ],
)
def test_damaged_sets(tmp_path: Path, content: str, fault: str) -> None:
    path = tmp_path / "bad.txt"
    path.write_text(content)
    with pytest.raises(ReadError, match=fault):
        many.read(path, job=Job())


def test_edge_lists(tmp_path: Path) -> None:
    path = tmp_path / "g.edgelist"
    path.write_text("# a remark\n10 2\n2, 3  # behind\n% other\n3 2\n10 10\n")
    (item,) = edges.read(path, job=Job())
    assert item.data.node_names == ("2", "3", "10")
    assert (
        item.data.edges.tolist() == [[2, 0], [0, 1], [2, 2]]
        and "1 edges stand there twice" in item.warnings[0]
    )
    (item,) = edges.read(path, directed=True, job=Job())
    assert len(item.data.edges) == 4 and item.data.directed
    path.write_text("Anna Bert 0.5\nBert Cleo 2\n")
    (item,) = edges.read(path, job=Job())
    assert item.data.node_names == ("Anna", "Bert", "Cleo")
    weight = item.data.attributes["weight"]
    assert weight.values.tolist() == [0.5, 2] and weight.transforms is Transforms.SCALAR
    for content, fault in (
        ("", "empty"),
        ("# x\n", "no edges"),
        ("1 2\n1 2 3 4\n", "line 2"),
        ("1 2 x\n", "line 1"),
    ):
        path.write_text(content)
        with pytest.raises(ReadError, match=fault):
            edges.read(path, job=Job())


def test_edge_list_sniffing(tmp_path: Path) -> None:
    for name, content, score in (
        ("a.edges", b"a b\nb c\n", 80),
        ("a.txt", b"# remark\n1 2\n2 3\n", 45),
        ("a.txt", b"1 2 0.5\n2 3 1.5\n", 30),
        ("a.txt", b"1 2 3\n2 3 4\n", 0),
        ("a.txt", b"hello world\nsome text\n", 0),
        ("a.txt", b"1.5 2.5\n2 3\n", 0),
        ("a.txt", b"\x00\x01", 0),
    ):
        assert edges.sniff(tmp_path / name, content) == score, content


def test_graphml_both_ways(tmp_path: Path) -> None:
    graph = nx.DiGraph()
    graph.add_node("a", x=1.0, y=2.0, z=3.0, label="left", charge=1)
    graph.add_node("b ü", x=0.0, y=1.0, z=0.0, label="right", charge=2)
    graph.add_edge("a", "b ü", weight=0.25)
    nx.write_graphml(graph, tmp_path / "theirs.graphml")
    (item,) = graphml.read(tmp_path / "theirs.graphml", job=Job())
    data = item.data
    assert data.directed and data.node_names == ("a", "b ü") and data.edges.tolist() == [[0, 1]]
    assert data.positions.tolist() == [[1, 2, 3], [0, 1, 0]]
    assert data.attributes["label"].transforms is Transforms.LABEL
    assert data.attributes["charge"].transforms is Transforms.UNKNOWN
    assert data.attributes["weight"].transforms is Transforms.SCALAR

    graphml.write(data, tmp_path / "ours.graphml", job=Job(), metadata={})
    again = nx.read_graphml(tmp_path / "ours.graphml")
    assert dict(again.nodes["a"]) == {"x": 1.0, "y": 2.0, "z": 3.0, "label": "left", "charge": 1}
    assert again.edges["a", "b ü"]["weight"] == 0.25 and again.is_directed()


def test_writing_parallel_edges_vectors_and_odd_characters(tmp_path: Path) -> None:
    graph = Graph(
        3,
        np.array([(0, 1), (1, 0), (2, 2)]),
        attributes={
            "v": Attribute(np.arange(6.0).reshape(3, 2)),
            "w": Attribute(np.array([1, 2, 3]), Transforms.SCALAR, Domain.EDGE),
            "class": Attribute(np.array(4), Transforms.LABEL, Domain.OBJECT),
        },
        node_names=("a\x01", "<b>", "c&"),
    )
    graphml.write(graph, tmp_path / "g.graphml", job=Job(), metadata={})
    (item,) = graphml.read(tmp_path / "g.graphml", job=Job())
    assert item.data.node_names == ("a?", "<b>", "c&") and len(item.data.edges) == 3
    np.testing.assert_array_equal(item.data.attributes["v_1"].values, [1, 3, 5])


def test_missing_values_and_several_graphs(tmp_path: Path) -> None:
    path = tmp_path / "g.graphml"
    path.write_text(
        """<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">
        <key id="d0" for="node" attr.name="age" attr.type="int"/>
        <graph edgedefault="undirected"><node id="n0"><data key="d0">3</data></node><node id="n1"/>
        <edge source="n0" target="n1"/></graph>
        <graph edgedefault="directed"><node id="q"/></graph></graphml>"""
    )
    one, two = graphml.read(path, job=Job())
    np.testing.assert_array_equal(one.data.attributes["age"].values, [3, np.nan])
    assert not one.data.directed and two.data.n_nodes == 1


LAUGHS = (
    '<?xml version="1.0"{encoding}?><!DOCTYPE g [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12))
    + ']><graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="directed"><node id="&m;"/></graph></graphml>'
)


def test_xml_attacks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "laughs.graphml"
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    contents = [
        LAUGHS.format(encoding="").encode(),
        LAUGHS.format(encoding=' encoding="utf-16"').encode("utf-16"),
        f'<!DOCTYPE g [<!ENTITY x SYSTEM "file://{secret}">]><graphml><graph><node id="&x;"/></graph></graphml>'.encode(),
        b'<!DOCTYPE graphml SYSTEM "http://example.org/x.dtd"><graphml/>',
    ]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(ReadError, match="document type or entities"):
            graphml.read(path, job=Job())
    for content, fault in (
        (b"", "empty"),
        (b"<graphml><graph>", "cut short"),
        (b"<a>" * 5000, "nested"),
        (b"hello", "damaged"),
        (b"<html></html>", "no graph|no GraphML"),
        (b'<graphml xmlns="http://graphml.graphdrawing.org/xmlns"/>', "no graph"),
    ):
        path.write_bytes(content)
        with pytest.raises(ReadError, match=fault):
            graphml.read(path, job=Job())


def test_mutated_graphs(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    nx.write_graphml(nx.karate_club_graph(), tmp_path / "k.graphml")
    good = {".graphml": ((tmp_path / "k.graphml").read_bytes(), graphml.read)}
    good[".txt"] = (b"2\n2 0\n0 1 1\n0 1 0\n2 1\n0 1 1\n0 1 0\n", many.read)
    good[".edges"] = (b"1 2 0.5\n2 3 1\n# x\n", edges.read)
    for suffix, (content, read) in good.items():
        path = tmp_path / f"m{suffix}"
        for _ in range(60 if suffix == ".graphml" else 200):
            data = bytearray(content)
            for at in rng.integers(0, len(data), size=3):
                data[at] = rng.integers(0, 256)
            path.write_bytes(bytes(data))
            try:
                assert read(path, job=Job())
            except ReadError as error:
                assert "\n" not in str(error)
