"""Reading images rightly, refusing what cannot be read, writing masks, colours."""

from __future__ import annotations

import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from miniatures import raw_png
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.images import image_size, read_mask, read_rgb, write_mask_png
from zeroshot_vss.io.palette import cluster_colours, overlay

GREY_WORDS = np.array([[0, 128, 129], [256, 32768, 65535]], np.uint16)
GREY_BYTES = [[0, 0, 1], [1, 128, 255]]  # v / 257 rounded: 128 / 257 = 0.498, 129 / 257 = 0.502, 32768 / 257 = 127.50


def save(path: Path, values: object, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(np.asarray(values))
    (image if mode is None else image.convert(mode)).save(path, **options)  # pyright: ignore[reportArgumentType]
    return path


def test_grey_frame_is_repeated(tmp_path: Path) -> None:
    path = save(tmp_path / "grey.png", np.array([[0, 7], [100, 255]], np.uint8))
    assert read_rgb(path, "clip 'x'").tolist() == [[[0] * 3, [7] * 3], [[100] * 3, [255] * 3]]


@pytest.mark.parametrize("name", ["words.png", "words.tif"])
def test_sixteen_bit_grey_frame_is_scaled(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, GREY_WORDS)
    assert read_rgb(path, "clip 'x'")[..., 1].tolist() == GREY_BYTES


def test_sixteen_bit_colour_frame_keeps_the_high_bytes(tmp_path: Path) -> None:
    path = tmp_path / "deep.png"
    path.write_bytes(raw_png(1, 1, 16, 2, b"\0" + struct.pack(">3H", 0xFFFF, 0x8012, 0x01FF)))
    assert read_rgb(path, "clip 'x'").tolist() == [[[0xFF, 0x80, 0x01]]]


def test_transparent_pixels_show_white(tmp_path: Path) -> None:
    path = save(tmp_path / "clear.png", np.array([[[10, 20, 30, 0], [40, 50, 60, 51], [7, 8, 9, 255]]], np.uint8))
    # 0.2 * 40 + 0.8 * 255 = 212, 214, 216.
    assert read_rgb(path, "clip 'x'").tolist() == [[[255, 255, 255], [212, 214, 216], [7, 8, 9]]]
    palette = Image.fromarray(np.array([[0, 1]], np.uint8))
    palette.putpalette([1, 2, 3, 250, 128, 9])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert read_rgb(tmp_path / "palette.png", "clip 'x'").tolist() == [[[255, 255, 255], [250, 128, 9]]]


def test_cmyk_frame(tmp_path: Path) -> None:
    path = tmp_path / "ink.tif"
    Image.frombytes("CMYK", (2, 1), bytes([255, 0, 0, 0, 0, 0, 0, 255])).save(path)
    assert read_rgb(path, "clip 'x'").tolist() == [[[0, 255, 255], [0, 0, 0]]]


def test_palette_and_bilevel_frames(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[1, 0]], np.uint8))
    image.putpalette([1, 2, 3, 250, 128, 9])
    image.save(tmp_path / "palette.png")
    assert read_rgb(tmp_path / "palette.png", "clip 'x'").tolist() == [[[250, 128, 9], [1, 2, 3]]]
    save(tmp_path / "bits.png", np.array([[True, False]]))
    assert read_rgb(tmp_path / "bits.png", "clip 'x'").tolist() == [[[255] * 3, [0] * 3]]


@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_orientation_of_the_camera_is_applied(tmp_path: Path, suffix: str) -> None:
    """EXIF 6: the stored rows are columns, the first of them on the right."""
    stored = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(stored).save(path, exif=exif, lossless=True)
    assert np.array_equal(read_rgb(path, "clip 'x'"), stored.transpose(1, 0, 2)[:, ::-1])
    assert image_size(path, "clip 'x'") == (6, 4)


def test_size_comes_from_the_header(tmp_path: Path) -> None:
    path = tmp_path / "cut.png"
    path.write_bytes(raw_png(40, 30, 8, 2, bytes(30 * 121))[:45])
    assert image_size(path, "clip 'x'") == (30, 40)


@pytest.mark.parametrize("read", [read_rgb, read_mask, image_size])
@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"<html>404 Not Found</html>", "is not an image that can be read"),
        (raw_png(20_000, 20_000, 8, 0, b""), "at most 100,000,000 are read"),
        (raw_png(11_000, 10_000, 8, 0, b""), "claims 11000 x 10000 pixels; at most 100,000,000 are read"),
    ],
    ids=["zero bytes", "no image", "bomb", "large"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_unreadable_files_are_named(tmp_path: Path, read, data: bytes, message: str) -> None:
    path = tmp_path / "00000012.png"
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        read(path, "clip 'x'")
    assert str(caught.value).startswith("clip 'x': ")
    assert "00000012.png" in str(caught.value)
    assert message in str(caught.value)


@pytest.mark.filterwarnings("ignore::UserWarning")
@settings(max_examples=100, deadline=None)
@given(suffix=st.sampled_from(["png", "jpg", "bmp", "tif", "webp"]), share=st.floats(0, 1, exclude_max=True))
def test_truncated_frame_is_refused(tmp_path_factory: pytest.TempPathFactory, suffix: str, share: float) -> None:
    """Or read rightly, where only what follows the pixels is gone."""
    path = tmp_path_factory.getbasetemp() / f"00000012.{suffix}"
    save(path, np.random.default_rng(0).integers(0, 256, (24, 37, 3), np.uint8))
    whole, content = read_rgb(path, "clip 'x'"), path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    try:
        assert np.array_equal(read_rgb(path, "clip 'x'"), whole)
    except InputError as error:
        message = rf"clip 'x': frame 00000012\.{suffix} is (empty|not an image|damaged or cut short)"
        assert re.match(message, str(error))
    if 0.3 < share < 0.9:
        with pytest.raises(InputError):
            read_rgb(path, "clip 'x'")


def test_missing_file_and_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"frame gone\.png cannot be opened: No such file"):
        read_rgb(tmp_path / "gone.png", "clip 'x'")
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(InputError, match=r"frame folder\.png cannot be opened: Is a directory"):
        read_rgb(tmp_path / "folder.png", "clip 'x'")


def test_float_frame_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "depth.tif", np.zeros((2, 2), np.float32))
    with pytest.raises(InputError, match=r"frame depth\.tif has 32-bit pixels \(mode F\); expected 8 or 16 bits"):
        read_rgb(path, "clip 'x'")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@settings(max_examples=150, deadline=None)
@given(data=st.data(), suffix=st.sampled_from(["png", "jpeg", "tiff", "webp", "bmp"]))
def test_damage_is_an_input_error_or_harmless(tmp_path_factory: pytest.TempPathFactory, data, suffix: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (8, 9, 3), np.uint8)).save(buffer, suffix)
    content = bytearray(buffer.getvalue())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=4)):
        content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.getbasetemp() / f"hurt.{suffix}"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert read_rgb(path, "clip 'x'").ndim == 3
    except InputError as error:
        assert str(error).startswith(f"clip 'x': frame hurt.{suffix} ")


def test_masks_of_every_depth_keep_their_ids(tmp_path: Path) -> None:
    save(tmp_path / "grey.png", np.array([[0, 3, 255]], np.uint8))
    assert read_mask(tmp_path / "grey.png", "clip 'x'").tolist() == [[0, 3, 255]]
    save(tmp_path / "words.png", np.array([[0, 3, 255]], np.uint16))
    assert read_mask(tmp_path / "words.png", "clip 'x'").tolist() == [[0, 3, 255]]
    save(tmp_path / "bits.png", np.array([[True, False]]))
    assert read_mask(tmp_path / "bits.png", "clip 'x'").tolist() == [[1, 0]]
    for depth, packed, ids in ((1, 0b01100000, [0, 1, 1, 0]), (2, 0b00011011, [0, 1, 2, 3]), (4, 0x1B, [1, 11])):
        path = tmp_path / f"grey{depth}.png"
        path.write_bytes(raw_png(len(ids), 1, depth, 0, bytes([0, packed])))
        assert read_mask(path, "clip 'x'").tolist() == [ids]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "CMYK"])
def test_colour_mask_is_refused(tmp_path: Path, mode: str) -> None:
    path = save(tmp_path / "00000012.tif", np.full((2, 2, 3), 7, np.uint8), mode)
    with pytest.raises(InputError) as caught:
        read_mask(path, "clip 'x'")
    message = f"mask 00000012.tif is a colour image (mode {mode}); expected one channel of class ids"
    assert str(caught.value) == f"clip 'x': {message}"


def test_other_masks_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "words.png", np.array([[3, 26001, 256]], np.uint16))
    with pytest.raises(InputError, match=r"mask words\.png holds id 256; expected ids of 0\.\.255"):
        read_mask(path, "clip 'x'")
    path = save(tmp_path / "clear.tif", np.array([[3]], np.uint8), "PA")
    with pytest.raises(InputError, match=r"mask clear\.tif has pixels of mode PA"):
        read_mask(path, "clip 'x'")


def test_grey_mask_with_alpha(tmp_path: Path) -> None:
    """As DAVIS 2016's bear/00077.png: the grey values count, whatever their alpha."""
    values = np.array([[0, 255, 255], [0, 0, 255]], np.uint8)
    stored = np.stack([values, np.array([[255, 255, 0], [0, 7, 255]], np.uint8)], -1)
    Image.fromarray(stored, "LA").save(tmp_path / "00077.png")
    with Image.open(tmp_path / "00077.png") as image:
        assert image.mode == "LA"
    assert np.array_equal(read_mask(tmp_path / "00077.png", "clip 'bear'"), values)


@settings(max_examples=40, deadline=None)
@given(labels=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20)), colours=st.integers(0, 256))
def test_written_masks_read_back(tmp_path_factory: pytest.TempPathFactory, labels, colours: int) -> None:
    path = tmp_path_factory.getbasetemp() / "mask.png"
    write_mask_png(path, labels, cluster_colours(colours))
    assert np.array_equal(read_mask(path, "clip 'x'"), labels)


def test_written_masks_show_their_colours(tmp_path: Path) -> None:
    colours = np.array([[1, 2, 3], [40, 50, 60]], np.uint8)
    write_mask_png(tmp_path / "mask.png", np.array([[0, 1, 255]], np.uint8), colours)
    assert read_rgb(tmp_path / "mask.png", "clip 'x'").tolist() == [[[1, 2, 3], [40, 50, 60], [0, 0, 0]]]


def test_failed_writing_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mask.png"
    write_mask_png(path, np.zeros((2, 2), np.uint8), cluster_colours(1))
    before = path.read_bytes()

    def fail(self: Image.Image, fp: Path, **_: object) -> None:
        fp.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(InputError, match=r"mask\.png cannot be written \(No space left on device\); free some space"):
        write_mask_png(path, np.ones((2, 2), np.uint8), cluster_colours(2))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_labels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"must be \[H, W\] uint8, not \(2, 2\) int64"):
        write_mask_png(tmp_path / "mask.png", np.zeros((2, 2), np.int64), cluster_colours(1))  # pyright: ignore


def lightness_and_opponents(colours: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """CIELAB (D65) of linear-light colours after a change of vision, from the definition of CIE 1976."""
    encoded = colours / 255
    linear = np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92) @ matrix.T
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = np.clip(linear, 0, 1) @ to_xyz.T / to_xyz.sum(1)
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


# Another model than the palette's own: Vienot, Brettel and Mollon 1999, equations for linear RGB.
VISIONS = {
    "normal": np.eye(3),
    "protanope": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranope": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


@pytest.mark.parametrize(("vision", "least"), [("normal", 25), ("protanope", 12), ("deuteranope", 12)])
def test_first_colours_stay_apart(vision: str, least: float) -> None:
    seen = lightness_and_opponents(cluster_colours(20), VISIONS[vision])
    distance = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    assert distance[np.triu_indices(20, 1)].min() > least


@pytest.mark.parametrize(("count", "least"), [(8, 22), (12, 18), (20, 12)])
def test_few_colours_lie_further_apart(count: int, least: float) -> None:
    seen = [lightness_and_opponents(cluster_colours(count), matrix) for matrix in VISIONS.values()]
    distances = [np.linalg.norm(s[:, None] - s[None], axis=-1)[np.triu_indices(count, 1)] for s in seen]
    assert min(distances[0].min() / 2, distances[1].min(), distances[2].min()) > least


def test_colours_are_a_fixed_list_without_repeats() -> None:
    everything = cluster_colours(256)
    assert len(np.unique(everything, axis=0)) == 256
    assert np.array_equal(cluster_colours(7), everything[:7])
    assert cluster_colours(0).shape == (0, 3)
    with pytest.raises(ValueError, match="257"):
        cluster_colours(257)


def test_overlay_mixes_and_leaves_void() -> None:
    frames = np.full((1, 1, 3, 3), 100, np.uint8)
    labels = np.array([[[0, 1, 255]]], np.uint8)
    drawn = overlay(frames, labels, np.array([[200, 0, 100], [255, 255, 255]], np.uint8), 0.25)
    assert drawn.tolist() == [
        [[[125, 75, 100], [139, 139, 139], [100, 100, 100]]]
    ]  # 0.75 * 100 + 0.25 * 255 = 138.75
    assert overlay(frames, labels, cluster_colours(256), 1.0)[0, 0, 2].tolist() == [100, 100, 100]
    assert overlay(frames, labels, cluster_colours(1), 1.0)[0, 0, 1].tolist() == [100, 100, 100]
    with pytest.raises(ValueError, match=r"alpha must be in 0\.\.1, not 50"):
        overlay(frames, labels, cluster_colours(2), 50)


def test_a_picture_is_opened_as_what_pictures_are(tmp_path: Path) -> None:
    """Of an EPS Pillow would start Ghostscript."""
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")
    with pytest.raises(InputError, match="is not an image that can be read"):
        read_rgb(tmp_path / "a.png", "clip 'x'")
