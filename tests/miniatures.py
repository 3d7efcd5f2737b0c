"""Small data sets in the real layouts, for the tests of readers and of whole runs."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UInt8 = NDArray[np.uint8]

UPPER, LOWER, BOX, DISC = range(4)
"""Labels of :func:`moving_shapes`."""
VSPW_IDS = {UPPER: 29, LOWER: 19, BOX: 77, DISC: 61}
"""Stored ids of VSPW, 1..124."""
CAMVID_IDS = {UPPER: 0, LOWER: 3, BOX: 8, DISC: 9}


def moving_shapes(frames: int, size: tuple[int, int], rng: np.random.Generator) -> tuple[UInt8, UInt8]:
    """A box and a disc that cross two plain surfaces, with a little noise.

    Returns:
        [n, h, w, 3] uint8 RGB and labels [n, h, w] uint8, 0..3.
    """
    height, width = size
    y, x = np.mgrid[0:height, 0:width]
    colours = rng.permutation(np.array([[60, 120, 200], [120, 120, 60], [220, 50, 40], [230, 220, 210]], np.uint8))
    radius = min(size) / 6
    box_start, disc_start = rng.uniform(0.2, 0.4, 2) * width
    labels = np.zeros((frames, height, width), np.uint8)
    for t, label in enumerate(labels):
        label[y >= 0.55 * height] = LOWER
        box = (np.abs(x - box_start - 1.5 * t) < 1.4 * radius) & (np.abs(y - 0.75 * height) < radius)
        label[box] = BOX
        label[(x - width + disc_start + t) ** 2 + (y - 0.3 * height) ** 2 < radius**2] = DISC
    noise = rng.normal(0, 3, (*labels.shape, 3))
    return np.clip(colours[labels] + noise, 0, 255).astype(np.uint8), labels


def write_vspw(
    root: Path,
    clips: int = 2,
    frames: int = 6,
    size: tuple[int, int] = (48, 64),
    *,
    rng: np.random.Generator,
    split: str = "val",
) -> list[str]:
    """Write `VSPW_480p` below `root`, all clips in one split; returns their names.

    As in the real one: lists without a final newline, numbering that starts anywhere, JPEG frames, palette masks.
    The first mask row is void (255), the second "others" (0).
    """
    top = root / "VSPW_480p"
    names = [f"{index + 3}_miniature" for index in range(clips)]
    for index, name in enumerate(names):
        pictures, labels = moving_shapes(frames, size, rng)
        stored = np.array([VSPW_IDS[label] for label in range(4)], np.uint8)[labels]
        stored[:, 0], stored[:, 1] = 255, 0
        for kind in ("origin", "mask"):
            (top / "data" / name / kind).mkdir(parents=True)
        for t in range(frames):
            stem = f"{7 * index + t + 4:08d}"
            Image.fromarray(pictures[t]).save(top / "data" / name / "origin" / f"{stem}.jpg", quality=95)
            mask = Image.fromarray(stored[t])
            mask.putpalette(bytes(range(256)) * 3)
            mask.save(top / "data" / name / "mask" / f"{stem}.png")
    for other in ("train", "val", "test"):
        (top / f"{other}.txt").write_text("\n".join(names) if other == split else "")
    numbers = {"others": 0, "road": 19, "sky": 29, "person": 61, "car": 77, "void": 255}
    (top / "label_num_dic_final.json").write_text(json.dumps(numbers))
    return names


def write_camvid(
    root: Path,
    frames: int = 5,
    size: tuple[int, int] = (48, 64),
    *,
    rng: np.random.Generator,
    split: str = "val",
    sequences: tuple[str, ...] = ("0016E5",),
) -> None:
    """Write one split of `CamVid` below `root` in the SegNet layout, with both of its lists.

    Numbers step by two and cross a power of ten; the first mask row is void (11).
    """
    top = root / "CamVid"
    tutorial, relative = [], []
    for sequence in sequences:
        pictures, labels = moving_shapes(frames, size, rng)
        stored = np.array([CAMVID_IDS[label] for label in range(4)], np.uint8)[labels]
        stored[:, 0] = 11
        for t in range(frames):
            pair = [f"CamVid/{split}{kind}/{sequence}_{9997 + 2 * t:05d}.png" for kind in ("", "annot")]
            for path, picture in zip(pair, (pictures[t], stored[t]), strict=True):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(root / path)
            tutorial.append(" ".join(f"/SegNet/{path}" for path in pair))
            relative.append(" ".join(pair))
    (top / f"{split}.txt").write_text("\n".join(tutorial) + "\n")
    (root / f"{split}_relative.txt").write_text("\n".join(relative) + "\n")


def write_frames(folder: Path, *names: str, size: tuple[int, int] = (6, 8)) -> Path:
    """Write small frames, the i-th of the list grey of level i; returns their folder."""
    folder.mkdir(exist_ok=True)
    for level, name in enumerate(names):
        Image.fromarray(np.full((*size, 3), level, np.uint8)).save(folder / name)
    return folder


def write_mask(folder: Path, name: str, values: object) -> Path:
    """Write one mask; returns its folder."""
    folder.mkdir(exist_ok=True)
    Image.fromarray(np.asarray(values, np.uint8)).save(folder / name)
    return folder


def raw_png(width: int, height: int, depth: int, colour_type: int, rows: bytes) -> bytes:
    """A PNG from its fields (PNG specification, 11.2.2): `rows` with their filter bytes, not yet compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
