"""A small sound file of every format of pictures, graphs, signals, markups, and of what the program writes itself."""

from __future__ import annotations

import gzip
import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.data import Graph, Loaded, Markup, MarkupKind, Mesh, Table, Volume
from core.jobs import Job
from core.plugins import PluginHost

GREY = np.arange(70, dtype=np.uint8).reshape(7, 10)
GRAPHML = """<?xml version="1.0" encoding="utf-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key id="d0" for="node" attr.name="x" attr.type="double"/>
  <key id="d1" for="node" attr.name="y" attr.type="double"/>
  <key id="d2" for="edge" attr.name="weight" attr.type="int"/>
  <key id="d3" for="node" attr.name="label" attr.type="string"/>
  <graph id="G" edgedefault="undirected">
    <node id="a"><data key="d0">0.5</data><data key="d1">1</data><data key="d3">red</data></node>
    <node id="b"><data key="d0">1.5</data><data key="d1">2</data><data key="d3">blue</data></node>
    <edge source="a" target="b"><data key="d2">3</data></edge>
  </graph>
</graphml>
"""


def pictures(folder: Path) -> dict[str, str]:
    """File name -> reader."""
    import tifffile
    from PIL import Image

    rgb = np.dstack([GREY, GREY, GREY])
    Image.fromarray(GREY).save(folder / "grey.png")
    Image.fromarray(rgb).save(folder / "rgb.png", compress_level=0)
    Image.fromarray(GREY.astype(np.uint16) * 900).save(folder / "deep.png")
    Image.fromarray(rgb).convert("P").save(folder / "palette.png")
    Image.fromarray(rgb).save(folder / "rgb.jpg")
    tifffile.imwrite(folder / "stack.tif", np.stack([GREY, GREY]), compression="zlib")
    tifffile.imwrite(folder / "tiles.tif", np.tile(GREY, (5, 4)), tile=(16, 16))
    tifffile.imwrite(folder / "big.tiff", rgb, bigtiff=True, photometric="rgb")
    tifffile.imwrite(folder / "imagej.tif", np.stack([GREY, GREY]), imagej=True, metadata={"spacing": 2.0})
    idx = struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 5, 7) + GREY.tobytes()
    (folder / "some-images-ubyte").write_bytes(idx)
    (folder / "some-labels-ubyte.gz").write_bytes(
        gzip.compress(struct.pack(">BBBBI", 0, 0, 8, 1, 5) + b"12345")
    )
    picture = dict.fromkeys(("grey.png", "rgb.png", "deep.png", "palette.png", "rgb.jpg"), "images.picture")
    tiff = dict.fromkeys(("stack.tif", "tiles.tif", "big.tiff", "imagej.tif"), "images.tiff")
    return picture | tiff | dict.fromkeys(("some-images-ubyte", "some-labels-ubyte.gz"), "images.idx")


def graphs(folder: Path) -> dict[str, str]:
    """File name -> reader."""
    (folder / "two.graphml").write_text(GRAPHML)
    (folder / "ring.edgelist").write_text("# a ring\n0 1 0.5\n1 2 1.5\n2 0 2\n")
    (folder / "names.edges").write_text("ann bob\nbob,cat\n")
    (folder / "set.txt").write_text("2\n3 1\n0 2 1 2 0.5\n1 1 0 0.25\n0 1 0 1.0\n2 0\n1 1 1 2\n0 1 0 3\n")
    edges = dict.fromkeys(("ring.edgelist", "names.edges"), "graphs.edges")
    return {"two.graphml": "graphs.graphml", "set.txt": "graphs.many", **edges}


VTU = """<?xml version="1.0"?>
<VTKFile type="UnstructuredGrid" version="1.0" byte_order="LittleEndian" header_type="UInt64">
 <UnstructuredGrid><Piece NumberOfPoints="4" NumberOfCells="1">
  <PointData><DataArray type="Float32" Name="t" format="ascii">1 2 3 4</DataArray></PointData>
  <Points><DataArray type="Float32" NumberOfComponents="3" format="ascii">0 0 0 1 0 0 0 1 0 0 0 1</DataArray></Points>
  <Cells><DataArray type="Int64" Name="connectivity" format="ascii">0 1 2 3</DataArray>
  <DataArray type="Int64" Name="offsets" format="ascii">4</DataArray>
  <DataArray type="UInt8" Name="types" format="ascii">10</DataArray></Cells>
 </Piece></UnstructuredGrid>
</VTKFile>
"""


def more_scans(folder: Path) -> dict[str, str]:
    """File name -> reader: kinds of surfaces beside those of `tests.files.scans`."""
    from tests.plugins.scans.test_anatomy import gii

    (folder / "grid.vtu").write_text(VTU)
    gii(folder / "plain.gii")
    (folder / "packed.gii.gz").write_bytes(gzip.compress((folder / "plain.gii").read_bytes()))
    (folder / "cloud.csv").write_text("x,y,z,label\n0,0,0,1\n1,0,0,2\n0,1,0.5,2\n")
    return {"grid.vtu": "scans.vtk", "packed.gii.gz": "scans.gifti", "cloud.csv": "scans.xyz"}


def signals(folder: Path) -> dict[str, str]:
    """File name -> reader."""
    (folder / "table.csv").write_text("name;x [mm];y\nb;1,5;2\na;3;nan\nc;-2;1e3\n")
    (folder / "signal.tsv").write_text("time\tv1\tv2\n0\t1\t2\n0.5\t3\t4\n1\t5\t6\n")
    np.save(folder / "matrix.npy", np.arange(12.0).reshape(6, 2))
    np.save(folder / "record.npy", np.array([(1, 2.5, b"x")], dtype=[("n", "i4"), ("v", "f8"), ("s", "S3")]))
    body = np.arange(20, dtype="<i2").tobytes()
    kind = struct.pack("<HHIIHH", 1, 2, 8000, 32000, 4, 16)
    chunks = b"fmt " + struct.pack("<I", 16) + kind + b"data" + struct.pack("<I", len(body)) + body
    (folder / "tone.wav").write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks)
    text = dict.fromkeys(("table.csv", "signal.tsv"), "signals.csv")
    return {**text, "matrix.npy": "signals.npy", "record.npy": "signals.npy", "tone.wav": "signals.wav"}


def markups(folder: Path) -> dict[str, str]:
    """File name -> reader."""
    from plugins.markups.slicer import write

    plane = Markup(MarkupKind.PLANE, [[3.0, -20.0, 15.0]], np.eye(3), np.array([120.0, 80.0, 0.0]))
    write(plane, folder / "plane.mrk.json", job=Job(), metadata={"name": "Midsagittal"})
    curve = Markup(MarkupKind.CURVE, np.eye(3), labels=("a", "b", ""), smooth=True)
    write(curve, folder / "curve.mrk.json", job=Job(), metadata={})
    return dict.fromkeys(("plane.mrk.json", "curve.mrk.json"), "markups.slicer")


def writer_formats(folder: Path) -> dict[str, str]:
    """A file by every writer of every plugin that its own reader opens: file name -> reader."""
    from core.exports import write_object

    host = PluginHost(safe=True)
    cube = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]), [[0, 2, 1], [0, 1, 3], [1, 2, 3]])
    made: dict[str, object] = {
        "mesh": cube,
        "volume": Volume(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4)),
        "graph": Graph(3, [[0, 1], [1, 2]], node_names=("a", "b", "c")),
        "table": Table({"a": np.arange(3), "b": np.array(["x", "y", "z"])}),
    }
    out: dict[str, str] = {}
    for writer in host.writers:
        kind = next((k for k in writer.kinds if k in made), None)
        if kind is None or host.missing(writer):
            continue
        name = f"written-{kind}{writer.patterns[0].lstrip('*')}"
        write_object(made[kind], folder / name, host=host, job=Job(), writer=writer.id)
        reader = next(
            (r for r in host.readers_for(name) if r.id.split(".")[0] == writer.id.split(".")[0]), None
        )
        if reader is None:
            (folder / name).unlink()
        else:
            out[name] = reader.id
    return out


def session(folder: Path) -> Path:
    """A session with a file beside it, a table of its own and a markup."""
    from core.opening import Opened, items_of, open_path
    from core.session import save

    host = PluginHost(safe=True)
    (folder / "ring.edgelist").write_text("0 1 0.5\n1 2 1.5\n2 0 2\n")
    opened = items_of(open_path(folder / "ring.edgelist", job=Job(), host=host))
    own = (
        Loaded("Plane", Markup(MarkupKind.PLANE, [[0, 0, 0]], size=np.array([1.0, 1, 0]))),
        Loaded("Numbers", Table({"x": np.arange(200.0)}), parent=0),
    )
    made = [replace(item, source=None) for item in items_of(Opened("", "", own))]
    return save((*opened, *made), {"views": [1, 2]}, folder / "s.equiscope", job=Job())


def record(folder: Path) -> Path:
    """The record of a run that nobody made."""
    from core.records import InputRecord, Record, to_json

    made = Record(
        analysis="symmetry.reflections",
        inputs=(InputRecord("a", "mesh", "00" * 32, "a.ply", "scans.ply", 0, {}, "00" * 32),),
        parameters={"samples": 10, "axis": [0.0, 0.0, 1.0]},
        seed=1,
        device="cpu",
        threads=1,
        versions={"python": "3.11"},
        machine="Linux x86_64",
        started="2026-01-01T00:00:00+00:00",
        seconds=1.0,
        outputs={"Plane": "00" * 32},
        values="00" * 32,
    )
    (folder / "record.json").write_bytes(to_json(made))
    return folder / "record.json"


def settings(folder: Path) -> Path:
    """A user's settings."""
    plain = {"theme": "dark", "recent": ["/a/b.nii"], "recent-length": 12, "presets": {"x": {"values": {}}}}
    (folder / "settings.json").write_text(json.dumps(plain))
    return folder / "settings.json"


def presets(folder: Path) -> Path:
    """Presets of a form, as the window writes them."""
    plain = {
        "format": "equiscope-presets",
        "analysis": "a.b",
        "presets": {"one": {"values": {"n": 3}, "seed": 1}},
    }
    (folder / "presets.json").write_text(json.dumps(plain))
    return folder / "presets.json"
