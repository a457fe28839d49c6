"""glTF 2.0 and GLB scenes as meshes in metres.

Own parser: trimesh drops which joints move a point, resolves no bind pose and needs extras for sparse data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from core.analyses import Help
from core.data import Attribute, Domain, Loaded, Transforms
from core.errors import ReadError
from core.jobs import Job
from plugins.scans._build import Space, colors, mesh, normals, placed, stem, strips
from plugins.scans._errors import guarded, read_bytes
from plugins.scans._gltf import Document

Array = NDArray[Any]


@dataclass
class _Part:
    name: str
    points: Array
    faces: Array
    attributes: dict[str, Attribute] = field(default_factory=dict)


def sniff(path: Path, head: bytes) -> int:
    """100 for the GLB magic number; 50 for JSON with an asset entry in a file called .gltf."""
    if head[:4] == b"glTF":
        return 100
    return 50 if path.suffix.lower() == ".gltf" and head.lstrip()[:1] == b"{" else 0


def read(
    path: Path,
    *,
    space: Space = "auto",
    parts: Annotated[bool, Help("Each mesh of the scene as an object of its own.")] = False,
    job: Job,
) -> list[Loaded]:
    """A glTF scene as one mesh, its parts told apart by the face label `part`.

    One mesh is what measuring needs; with `parts` each mesh of the scene becomes an object of its own.
    Transforms of nodes are applied. Skinned meshes are shown in their bind pose, with the joints and weights
    of each point as attributes. y is up (specification, 3.4). Materials, textures, cameras and animations are not read.
    """
    with guarded(path, "a glTF file"):
        document = Document(path, read_bytes(path))
        matrices = document.global_matrices()
        found: list[_Part] = []
        notes: list[str] = []
        skipped = 0
        skins: set[int] = set()
        nodes = document.entries("nodes")
        for done, (index, matrix) in enumerate(matrices.items()):
            node = nodes[index]
            if "mesh" not in node:
                continue
            if "skin" in node:
                skins.add(int(node["skin"]))
                matrix = _bind_matrix(document, int(node["skin"]), matrices)
            entry = document.entries("meshes")[int(node["mesh"])]
            name = str(node.get("name") or entry.get("name") or f"mesh {node['mesh']}")
            for number, primitive in enumerate(entry["primitives"]):
                label = name if len(entry["primitives"]) == 1 else f"{name}.{number + 1}"
                part = _primitive(document, primitive, matrix, label)
                skipped += part is None
                if part is not None:
                    found.append(part)
            job.progress(0.1 + 0.7 * (done + 1) / len(matrices), "Reading meshes")
        if skipped:
            notes.append(f"{skipped} parts made of lines were left out.")
        if skins:
            animations = len(document.entries("animations"))
            moving = f" and its animations ({animations}) are" if animations else " is"
            notes.append(f"Skinned mesh in its bind pose: the skeleton{moving} not applied.")
        if not found:
            what = "a skeleton" if document.entries("skins") else "a scene"
            raise ReadError(path, f"holds {what} without any mesh", "open a file with geometry")
        metadata = _metadata(document, found, skins)
        groups = [[p] for p in found] if parts else [found]
        out = []
        for group in groups:
            merged = _merged(group, keep_joints=len(skins) <= 1)
            points, attributes, where, said = placed(merged.points, merged.attributes, space)
            out.append(
                mesh(
                    path,
                    points,
                    merged.faces,
                    attributes,
                    name=merged.name if len(groups) > 1 else stem(path),
                    unit="mm" if where else "m",
                    space=where,
                    warnings=notes + said,
                    metadata=metadata,
                    display={"up": "y"},
                )
            )
        return out


def _bind_matrix(document: Document, index: int, matrices: dict[int, Array]) -> Array:
    """Where the file's resting skeleton puts the bind pose.

    A skinned point is moved by G_j B_j (joint to world, inverse bind). In the pose it was bound in, all
    joints agree on that product, and it is applied; where they differ the skeleton rests in another pose,
    and the points stay as stored. The node's own transform does not count (specification, 3.7.3.3).
    """
    skin = document.entries("skins")[index]
    joints = [int(j) for j in skin["joints"]]
    if "inverseBindMatrices" not in skin or any(j not in matrices for j in joints) or not joints:
        return np.eye(4)
    inverse = document.accessor(int(skin["inverseBindMatrices"])).reshape(-1, 4, 4).transpose(0, 2, 1)
    if len(inverse) < len(joints):
        return np.eye(4)
    products = np.stack([matrices[j] @ inverse[i] for i, j in enumerate(joints)])
    spread = abs(products - products[0]).max()
    size = max(1e-9, abs(products[0]).max())
    if spread > 1e-3 * size or abs(products[0] - np.eye(4)).max() < 1e-5 * size:
        return np.eye(4)
    mean: Array = products.mean(axis=0)
    return mean


def _primitive(document: Document, primitive: dict[str, Any], matrix: Array, name: str) -> _Part | None:
    mode = int(primitive.get("mode", 4))
    if mode in (1, 2, 3) or mode not in range(7):
        return None
    values = {key: document.accessor(int(index)) for key, index in primitive["attributes"].items()}
    stored = values["POSITION"]
    n = len(stored)
    if stored.ndim != 2 or stored.shape[1] != 3:
        raise ValueError("positions have no three coordinates")
    corners = document.accessor(int(primitive["indices"])) if "indices" in primitive else np.arange(n)
    corners = corners.astype(np.int64).reshape(-1)
    if corners.size and int(corners.max()) >= n:
        raise ReadError(
            document.path,
            f"has a face that refers to point {int(corners.max())} of its {n} points",
            "export it anew",
        )
    if mode == 4:
        faces = corners[: len(corners) // 3 * 3].reshape(-1, 3)
    elif mode == 5:
        faces, _ = strips(corners, np.array([len(corners)]))
    elif mode == 6:
        m = max(0, len(corners) - 2)
        faces = np.stack([np.repeat(corners[:1], m), corners[1 : m + 1], corners[2 : m + 2]], axis=1)
    else:
        faces = np.zeros((0, 3), np.int64)
    linear = matrix[:3, :3]
    if np.array_equal(matrix, np.eye(4)):
        points = stored.astype(np.float32)
    else:
        points = (stored.astype(np.float64) @ linear.T + matrix[:3, 3]).astype(np.float32)
        if np.linalg.det(linear) < 0:
            faces = faces[:, ::-1]
    attributes: dict[str, Attribute] = {}
    for key, found in values.items():
        if len(found) != n:
            raise ValueError(f"{key} and positions differ in number")
        if key == "NORMAL":
            attributes["normals"] = normals(_turned(found, linear))
        elif key == "COLOR_0":
            attributes["rgb"] = colors(np.clip(found, 0, 1) if found.dtype.kind == "f" else found)
        elif key == "TEXCOORD_0":
            attributes["uv"] = Attribute(found, Transforms.SCALAR)
        elif key == "JOINTS_0":
            attributes["joints"] = Attribute(found.astype(np.int32), Transforms.LABEL)
        elif key == "WEIGHTS_0":
            attributes["weights"] = Attribute(found, Transforms.SCALAR)
        elif key.startswith("_"):
            plain = Transforms.SCALAR if found.ndim == 1 else Transforms.UNKNOWN
            attributes[key[1:].lower()] = Attribute(found, plain)
    return _Part(name, points, faces, attributes)


def _turned(directions: Array, linear: Array) -> Array:
    """Normals follow the inverse transpose, and keep unit length."""
    if abs(np.linalg.det(linear)) < 1e-30 or np.array_equal(linear, np.eye(3)):
        return directions
    turned = directions.astype(np.float64) @ np.linalg.inv(linear)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    return (turned / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _merged(parts: list[_Part], keep_joints: bool) -> _Part:
    """One part out of several; attributes that not all of them have are left out."""
    names = [n for n in parts[0].attributes if all(n in p.attributes for p in parts)]
    if not keep_joints:
        names = [n for n in names if n not in ("joints", "weights")]
    attributes: dict[str, Attribute] = {}
    for name in names:
        first = parts[0].attributes[name]
        pieces = [p.attributes[name].values for p in parts]
        if name == "rgb" and len({p.shape[1] for p in pieces}) > 1:
            pieces = [p[:, :3] for p in pieces]
        if len({p.shape[1:] for p in pieces}) == 1:
            attributes[name] = Attribute(
                np.concatenate(pieces), first.transforms, first.domain, direction=first.direction
            )
    offsets = np.cumsum([0] + [len(p.points) for p in parts[:-1]])
    faces = np.concatenate([p.faces + o for p, o in zip(parts, offsets, strict=True)])
    if len(parts) > 1:
        labels = np.repeat(np.arange(len(parts), dtype=np.int32), [len(p.faces) for p in parts])
        attributes["part"] = Attribute(labels, Transforms.LABEL, Domain.FACE)
    return _Part(parts[0].name, np.concatenate([p.points for p in parts]), faces, attributes)


def _metadata(document: Document, parts: list[_Part], skins: set[int]) -> dict[str, Any]:
    out: dict[str, Any] = {"generator": str(document.json["asset"].get("generator", ""))}
    if len(parts) > 1:
        out["parts"] = [p.name for p in parts]
    if len(skins) == 1:
        nodes = document.entries("nodes")
        joints = document.entries("skins")[next(iter(skins))]["joints"]
        out["joints"] = [str(nodes[int(j)].get("name", j)) for j in joints]
    names = [str(a.get("name", i)) for i, a in enumerate(document.entries("animations"))]
    if names:
        out["animations"] = names
    return out
