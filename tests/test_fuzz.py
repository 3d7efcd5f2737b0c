"""Damaged and made-up files: each reader gives a value or an InputError that names the file, and comes to an end.

Nothing else may happen, so each test runs in a process of its own whose time and memory are limited.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bounded import bounded
from miniatures import moving_shapes, raw_png
from test_config import SHIPPED, shipped
from test_damaged import fill, read_everything
from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.video import image_model
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config import read as config_files
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import read_cost
from zeroshot_vss.io.images import image_size, read_mask, read_rgb
from zeroshot_vss.io.store import Manifest, content_digest, has_key, write_clip
from zeroshot_vss.io.video import VideoClip, VideoWriter
from zeroshot_vss.tables.files import read_clips, read_scores

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
pytestmark = pytest.mark.filterwarnings("ignore")


def mutated(content: bytes) -> st.SearchStrategy[bytes]:
    """The bytes of a file with some of them exchanged, a part repeated or left out, or the end cut off."""

    def change(edits: list[tuple[int, bytes, int]], length: int) -> bytes:
        hurt = bytearray(content)
        for place, new, gone in edits:
            hurt[place : place + gone] = new
        return bytes(hurt[:length])

    places = st.integers(0, max(len(content) - 1, 0))
    edit = st.tuples(places, st.binary(max_size=4), st.integers(0, 4))
    same_length = st.tuples(places, st.binary(min_size=1, max_size=1), st.just(1))
    cut = st.one_of(st.just(10**9), st.integers(0, len(content)))
    return st.builds(change, st.lists(st.one_of(same_length, edit), max_size=5), cut)


def survives(path: Path, data: st.SearchStrategy[bytes], read: Callable[[Path], Any], examples: int) -> None:
    """Whatever stands in a file, `read` gives a value or an InputError with the file's name."""

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=SLOW)
    @given(data)
    def attempt(content: bytes) -> None:
        path.write_bytes(content)
        try:
            read(path)
        except InputError as error:
            assert path.name in str(error) and len(str(error)) < 2000, str(error)[:3000]

    bounded(attempt)


def test_results(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    write_clip(path, {"key": 1}, fill)
    content = path.read_bytes()

    def read(path: Path) -> None:
        has_key(path, {"key": 1})
        content_digest(path)
        read_everything(path)

    survives(path, mutated(content), read, 300)


KNOWN = st.sampled_from(["clips", "seconds", "host_gib", "gpu_gib", "protocol", "frames", "path", "../up", "a"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KNOWN, inner, max_size=4),
    max_leaves=8,
).map(lambda value: json.dumps(value).encode())
DEEP = st.sampled_from([b"[" * 100_000, b'{"clips":' * 100_000, b"\xff\xfe", b"\0", b"1" * 10_000])


@pytest.mark.parametrize(
    ("content", "read"),
    [
        ({"clips": {"a": "0f" * 32, "b": "1e" * 32}}, Manifest.load),
        ({"seconds": 1.5, "host_gib": 0.5, "gpu_gib": None}, read_cost),
        ({"protocol": "vspw", "clips": 2, "frames": 8, "miou": 0.5}, read_scores),
        ({"path": "../image"}, lambda path: image_model(path.parent)),
        ({"_class_name": "A"}, lambda path: read_json("backbone 'a'", path).get("_class_name")),
    ],
    ids=["manifest", "cost", "scores", "pointer", "config of weights"],
)
def test_json(tmp_path: Path, content: dict[str, Any], read: Callable[[Path], Any]) -> None:
    data = mutated(json.dumps(content, indent=1).encode()) | JSON | DEEP
    survives(tmp_path / "image_model.json", data, read, 200)


def test_scores_of_clips(tmp_path: Path) -> None:
    survives(tmp_path / "row.csv", mutated(b"clip,frames,miou\na,4,0.5\nb,4,0.25\n"), read_clips, 100)


def test_names_in_a_manifest_stay_in_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "0000.json"
    path.write_text(json.dumps({"clips": {"../../secret": "0f"}}))
    with pytest.raises(InputError, match=r"0000\.json: '\.\./\.\./secret' cannot be a name"):
        Manifest.load(path)


def picture(suffix: str, mode: str) -> bytes:
    """A small image file."""
    buffer = io.BytesIO()
    values = np.random.default_rng(1).integers(0, 200, (8, 9, 3), np.uint8)
    (Image.fromarray(values) if mode == "RGB" else Image.fromarray(values[..., 0]).convert(mode)).save(buffer, suffix)
    return buffer.getvalue()


@pytest.mark.parametrize(("suffix", "mode"), [("png", "RGB"), ("png", "P"), ("png", "L"), ("jpeg", "RGB")])
def test_images(tmp_path: Path, suffix: str, mode: str) -> None:
    def read(path: Path) -> None:
        for reader in (image_size, read_rgb) if mode == "RGB" else (read_mask,):
            reader(path, "clip 'x'")

    survives(tmp_path / f"hurt.{suffix}", mutated(picture(suffix, mode)), read, 200)


def header(width: int, height: int, depth: int, kind: int) -> bytes:
    """A PNG with the pixels of a small one and a header that is sound, whatever it claims."""
    content = bytearray(raw_png(8, 8, 8, 2, bytes(8 * 25)))
    fields = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    content[12:33] = fields + struct.pack(">I", zlib.crc32(fields))
    return bytes(content)


def test_headers_of_png(tmp_path: Path) -> None:
    sides = st.one_of(st.integers(0, 64), st.integers(0, 2**32 - 1), st.sampled_from([9_999, 10_000, 100_000]))
    claims = st.builds(header, sides, sides, st.sampled_from([1, 2, 4, 8, 16]), st.sampled_from([0, 2, 3, 4, 6]))

    def read(path: Path) -> None:
        for reader in (image_size, read_rgb, read_mask):
            try:
                reader(path, "clip 'x'")
            except InputError as error:
                assert path.name in str(error)

    survives(tmp_path / "claims.png", claims, read, 100)


@pytest.mark.parametrize("reader", [image_size, read_rgb, read_mask])
def test_ten_thousand_million_pixels_are_refused_from_the_header(tmp_path: Path, reader: Callable[..., Any]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(header(100_000, 100_000, 8, 2))

    def read() -> None:
        with pytest.raises(InputError, match=r"bomb\.png claims .*at most 100,000,000 are read"):
            reader(path, "clip 'x'")

    bounded(read, seconds=10, gib=0.05)


def test_videos(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with VideoWriter(path, 10) as writer:
        writer.write(moving_shapes(3, (16, 24), np.random.default_rng(0))[0])
    survives(path, mutated(path.read_bytes()), lambda path: VideoClip("x", path).frames([0, 0]), 200)


def test_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_files, "DEFAULTS", ())
    defaults = shipped()
    texts = [path.read_bytes()[:1500] for path in (SHIPPED / "config.yaml", SHIPPED / "camvid.yaml")]
    odd = st.sampled_from(
        [b"[" * 20_000, b"a: " * 20_000, b"a: &a [*a]", b"seed: !!python/object/apply:os.system [false]",
         b"a: &a {b: *a}\ndatasets: *a", b"seed: 2001-99-99", b"? [1]\n: 2", b"seed: 0x", b"a: 1e999999", b"1: 2",
         b"seed: " + b"9" * 5000, b"<<: 3"]
    )  # fmt: skip

    def read(path: Path) -> None:
        values = config_files.load_config([path])
        try:
            read_config(merge(defaults, values))
        except InputError as error:  # of a value: it names the key, as values may come from several files
            assert str(error).startswith("config: ") and len(str(error)) < 20_000

    survives(tmp_path / "my.yaml", st.one_of(*map(mutated, texts), odd), read, 80)


def test_a_configuration_that_names_itself_many_times_is_refused_in_few_words(tmp_path: Path) -> None:
    """Aliases of aliases: a few lines that would be written as thousands of millions."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    values = yaml.safe_load("\n".join([*lines, "seed: *a11"]))

    def read() -> None:
        with pytest.raises(InputError, match="seed") as caught:
            read_config(merge(shipped(), {"seed": values["seed"]}))
        assert len(str(caught.value)) < 5000

    bounded(read, seconds=20, gib=0.25)
