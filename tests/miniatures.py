"""Small data sets in the real layouts, for the tests of readers and of whole runs."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
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
CITYSCAPES_IDS = {UPPER: 23, LOWER: 7, BOX: 26, DISC: 24}
"""Raw labelIds."""
CAMVID32_IDS = {UPPER: 21, LOWER: 17, BOX: 5, DISC: 16}
CAMVID32_COLOURS = {UPPER: (128, 128, 128), LOWER: (128, 64, 128), BOX: (64, 0, 128), DISC: (64, 64, 0)}


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


def write_camvid32(
    root: Path, names: Sequence[str], size: tuple[int, int] = (12, 16), *, rng: np.random.Generator, ids: bool = False
) -> UInt8:
    """Write CamVid with 32 classes below `root`; returns the labels, 0..3.

    Its makers' layout has masks in colours, the other has `ids`. The first mask row is void.
    """
    pictures, labels = moving_shapes(len(names), size, rng)
    table = np.array(list(CAMVID32_IDS.values() if ids else CAMVID32_COLOURS.values()), np.uint8)
    masks = table[labels]
    masks[:, 0] = 30 if ids else (0, 0, 0)
    folders = ("val", "valannotnew") if ids else ("701_StillsRaw_full", "LabeledApproved_full")
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name, picture, mask in zip(names, pictures, masks, strict=True):
        Image.fromarray(picture).save(root / folders[0] / f"{name}.png")
        Image.fromarray(mask).save(root / folders[1] / f"{name}{'' if ids else '_L'}.png")
    return labels


def write_cityscapes(
    root: Path,
    snippets: Sequence[str],
    size: tuple[int, int] = (16, 32),
    *,
    rng: np.random.Generator,
    split: str = "val",
) -> None:
    """Write snippets of Cityscapes, named by their annotated frame, below `root`: 30 frames, the 20th annotated.

    Beside the labelIds lie the colours and the polygons, as in the real set. The first mask row is -1 (stored as
    255), the second "out of roi", which is not evaluated.
    """
    for snippet in snippets:
        city, sequence, number = snippet.split("_")
        pictures, labels = moving_shapes(30, size, rng)
        frames = root / "leftImg8bit_sequence" / split / city
        fine = root / "gtFine" / split / city
        for folder in (frames, fine):
            folder.mkdir(parents=True, exist_ok=True)
        for place, picture in enumerate(pictures):
            stem = f"{city}_{sequence}_{int(number) - 19 + place:06d}"
            Image.fromarray(picture).save(frames / f"{stem}_leftImg8bit.png")
        stored = np.array([CITYSCAPES_IDS[label] for label in range(4)], np.uint8)[labels[19]]
        stored[0], stored[1] = 255, 3
        Image.fromarray(stored).save(fine / f"{snippet}_gtFine_labelIds.png")
        Image.fromarray(pictures[19]).save(fine / f"{snippet}_gtFine_color.png")
        (fine / f"{snippet}_gtFine_polygons.json").write_text("{}")


def write_davis(
    root: Path,
    sequences: Sequence[str],
    frames: int = 5,
    size: tuple[int, int] = (24, 32),
    *,
    rng: np.random.Generator,
    year: int = 2017,
) -> None:
    """Write `DAVIS` below `root` as the archive of a year holds it, all sequences in `val`.

    2017: palette masks, 0 background, the box 1 and the disc 2; lists of names for both years, without a final
    newline. 2016: grey masks of 0 and 255; lists of path pairs under the resolution's name, with Windows' line ends.
    """
    top = root / "DAVIS"
    lines = []
    for sequence in sequences:
        pictures, labels = moving_shapes(frames, size, rng)
        objects = np.maximum(labels.astype(int) - 1, 0).astype(np.uint8)
        folders = [top / kind / "480p" / sequence for kind in ("JPEGImages", "Annotations")]
        for folder in folders:
            folder.mkdir(parents=True)
        for t in range(frames):
            Image.fromarray(pictures[t]).save(folders[0] / f"{t:05d}.jpg", quality=95)
            mask = Image.fromarray(objects[t] if year == 2017 else np.where(objects[t], np.uint8(255), np.uint8(0)))
            if year == 2017:
                mask.putpalette(bytes(range(256)) * 3)
            mask.save(folders[1] / f"{t:05d}.png")
            lines.append(f"/JPEGImages/480p/{sequence}/{t:05d}.jpg /Annotations/480p/{sequence}/{t:05d}.png ")
    lists = {"2016": "\n".join(sequences[:1]), "2017": "\n".join(sequences)}
    for folder, text in (lists if year == 2017 else {"480p": "\r\n".join(lines) + "\r\n"}).items():
        (top / "ImageSets" / folder).mkdir(parents=True)
        (top / "ImageSets" / folder / "val.txt").write_bytes(text.encode())


def write_clvos(
    root: Path,
    videos: Sequence[str],
    frames: int = 7,
    first: int = 0,
    every: int = 3,
    size: tuple[int, int] = (24, 32),
    *,
    rng: np.random.Generator,
) -> None:
    """Write videos of CLVOS23 below `root`: masks of the box (palette, 0 and 1) in every few frames and the last."""
    for video in videos:
        pictures, labels = moving_shapes(frames, size, rng)
        folders = [root / kind / video for kind in ("JPEGImages", "Annotations")]
        for folder in folders:
            folder.mkdir(parents=True)
        for t in range(frames):
            Image.fromarray(pictures[t]).save(folders[0] / f"{first + t:05d}.jpg", quality=95)
            if t % every == 0 or t == frames - 1:
                mask = Image.fromarray((labels[t] == BOX).astype(np.uint8))
                mask.putpalette(bytes(range(256)) * 3)
                mask.save(folders[1] / f"{first + t:05d}.png")


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


def write_paper(root: Path) -> None:
    """All data sets of the paper, a folder each; VSPW with as many clips as its validation set has."""
    rng = np.random.default_rng(0)
    write_vspw(root / "vspw", clips=343, frames=1, size=(64, 96), rng=rng)
    write_cityscapes(root / "cityscapes", ["lindau_000000_000019", "frankfurt_000001_000294"], rng=rng)
    write_camvid32(root / "camvid", [f"0016E5_{number:05d}" for number in range(7959, 8161, 2)], rng=rng)
    write_davis(root / "davis", ["bear"], rng=rng, year=2016)
    write_davis(root / "davis", ["camel"], rng=rng, year=2017)
    write_clvos(root / "clvos", ["dressage"], rng=rng)
