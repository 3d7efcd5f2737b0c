"""Video files as clips, and clips as video files."""

from __future__ import annotations

import os
import struct
import wave
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.video import VideoClip, VideoWriter


def numbered(frames: int, height: int = 32, width: int = 48) -> np.ndarray:
    """Frame t is of grey level 20 + 10 t, its left half of the double."""
    levels = (20 + 10 * np.arange(frames, dtype=np.uint8))[:, None, None, None]
    out = np.broadcast_to(levels, (frames, height, width, 3)).copy()
    out[:, :, : width // 2] *= 2
    return out


def write(path: Path, frames: np.ndarray, fps: float = 15) -> Path:
    with VideoWriter(path, fps) as writer:
        writer.write(frames)
    return path


def close(seen: np.ndarray, meant: np.ndarray, most: int = 6) -> bool:
    return seen.shape == meant.shape and bool((np.abs(seen.astype(int) - meant) <= most).all())


def test_frames_in_any_order(tmp_path: Path) -> None:
    frames = numbered(9)
    clip = VideoClip("x", write(tmp_path / "x.mp4", frames))
    assert (clip.name, len(clip), clip.size) == ("x", 9, (32, 48))
    for indices in ([0, 1, 2], [3, 4], [8], [2, 7, 2, 0], [], [5]):
        seen = clip.frames(indices)
        assert seen.dtype == np.uint8
        assert close(seen, frames[indices])
    assert clip.labels(3) is None
    clip.check()


@pytest.mark.parametrize("index", [-1, 3])
def test_frames_outside_the_clip_are_refused(tmp_path: Path, index: int) -> None:
    clip = VideoClip("x", write(tmp_path / "x.mp4", numbered(3)))
    with pytest.raises(IndexError, match="of 3"):
        clip.frames([0, index])


def test_batches_are_read_on_without_starting_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "x.mp4", numbered(8))
    opened = []
    monkeypatch.setattr(av, "open", lambda *a, real=av.open, **k: opened.append(a) or real(*a, **k))
    clip = VideoClip("x", path)
    for start in (0, 2, 4, 6):
        clip.frames([start, start + 1])
    assert len(opened) == 2  # once to count, once to read
    clip.frames([0])
    assert len(opened) == 3


def test_one_frame(tmp_path: Path) -> None:
    clip = VideoClip("x", write(tmp_path / "x.mp4", numbered(1)))
    assert len(clip) == 1
    assert close(clip.frames([0]), numbered(1))


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), length=st.integers(1, 4))
def test_any_size_survives(tmp_path_factory: pytest.TempPathFactory, height: int, width: int, length: int) -> None:
    """Odd sizes grow by one; what was written is in the upper left."""
    path = tmp_path_factory.getbasetemp() / "any.mp4"
    frames = np.full((length, height, width, 3), (200, 40, 90), np.uint8)
    clip = VideoClip("x", write(path, frames))
    assert clip.size == (height + height % 2, width + width % 2)
    seen = clip.frames(range(len(clip)))
    assert close(seen[:, :height, :width], frames)
    assert close(seen, np.broadcast_to(frames[:1, :1, :1], seen.shape))


def test_same_frames_same_bytes(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (20, 64, 96, 3), np.uint8)
    assert len({write(tmp_path / "x.mp4", frames).read_bytes() for _ in range(8)}) == 1


def test_player_friendly_stream(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "x.mp4", numbered(6), fps=12.5))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert float(stream.average_rate or 0) == 12.5
        assert float((stream.duration or 0) * (stream.time_base or 0)) == pytest.approx(6 / 12.5)
    assert VideoClip("x", tmp_path / "x.mp4").fps == 12.5


def test_colours_survive(tmp_path: Path) -> None:
    """Flat fields of saturated colours: the matrix of writing is the one of reading."""
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)):
        frames = np.full((2, 32, 32, 3), colour, np.uint8)
        assert close(VideoClip("x", write(tmp_path / "x.mp4", frames)).frames([1]), frames[:1])


def test_nothing_appears_when_writing_fails(tmp_path: Path) -> None:
    path = write(tmp_path / "x.mp4", numbered(2))
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), VideoWriter(path, 15) as writer:
        writer.write(numbered(4))
        _ = 1 / 0
    with pytest.raises(ValueError, match="no frames were written"), VideoWriter(path, 15) as writer:
        writer.write(numbered(0))
    with (
        pytest.raises(ValueError, match="frames are 40 x 32, but the first were 48 x 32"),
        VideoWriter(path, 15) as writer,
    ):
        writer.write(numbered(1))
        writer.write(numbered(1, width=40))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_wrong_arguments_of_the_writer(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="fps must be above 0, not 0"):
        VideoWriter(tmp_path / "x.mp4", 0)
    with pytest.raises(ValueError, match=r"\(2, 32, 48\) uint8"), VideoWriter(tmp_path / "x.mp4", 15) as writer:
        writer.write(numbered(2)[..., 0])


def test_rotation_of_the_file_is_applied(tmp_path: Path) -> None:
    """A phone held upright: the track header turns the picture a quarter to the right (ISO 14496-12, 8.3.2)."""
    path = write(tmp_path / "x.mp4", numbered(2))
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    assert struct.unpack(">9i", content[matrix : matrix + 36]) == (one, 0, 0, 0, one, 0, 0, 0, 1 << 30)
    content[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 32 * one, 0, 1 << 30)
    path.write_bytes(content)
    clip = VideoClip("x", path)
    assert clip.size == (48, 32)
    assert close(clip.frames([1]), numbered(2)[1:].transpose(0, 2, 1, 3)[:, :, ::-1])


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"clip 'x': there is no file .*gone\.mp4"):
        VideoClip("x", tmp_path / "gone.mp4")


@pytest.mark.parametrize("content", [b"", b"hello, this is no video\n" * 50], ids=["zero bytes", "text"])
def test_file_that_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"clip 'x': no\.mp4 cannot be read as a video \(Invalid data"):
        VideoClip("x", path)


def test_text_file(tmp_path: Path) -> None:
    """FFmpeg would render it as a video of text."""
    (tmp_path / "notes.txt").write_text("hello, this is text\n" * 50)
    with pytest.raises(InputError, match=r"clip 'x': notes\.txt is a text file, not a video"):
        VideoClip("x", tmp_path / "notes.txt")


def test_truncated_video(tmp_path: Path) -> None:
    path = write(tmp_path / "x.mp4", numbered(20))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"clip 'x': x\.mp4 cannot be read as a video"):
        VideoClip("x", path)


def test_sound_only(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "sound.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16000))
    with pytest.raises(InputError, match=r"clip 'x': sound\.wav holds no video stream"):
        VideoClip("x", tmp_path / "sound.wav")


def test_video_without_frames(tmp_path: Path) -> None:
    """A Y4M header (it names the size) and nothing after it."""
    (tmp_path / "none.y4m").write_bytes(b"YUV4MPEG2 W32 H32 F15:1 Ip A1:1 C420jpeg\n")
    with pytest.raises(InputError, match=r"clip 'x': none\.y4m holds no frames"):
        VideoClip("x", tmp_path / "none.y4m")


def test_frames_of_changing_size(tmp_path: Path) -> None:
    path = tmp_path / "grows.h264"
    with path.open("wb") as both:
        for height, width in ((32, 48), (64, 48)):
            part = tmp_path / "part.h264"
            with av.open(str(part), "w", format="h264") as container:
                stream = container.add_stream("libx264", rate=15)
                stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
                for picture in numbered(3, height, width):
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
                container.mux(stream.encode())
            both.write(part.read_bytes())
    with pytest.raises(InputError, match=r"clip 'x': grows\.h264: frame 3 is 48 x 64, but the first is 48 x 32"):
        VideoClip("x", path)


def test_file_that_shrinks_after_opening(tmp_path: Path) -> None:
    path = write(tmp_path / "x.mp4", numbered(6))
    clip = VideoClip("x", path)
    write(path, numbered(2))
    with pytest.raises(InputError, match=r"x\.mp4 ends before frame 5, it held 6 when it was opened"):
        clip.frames([5])


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXTINF:1,\nfilm.mp4\n", "ffconcat version 1.0\nfile film.mp4\n", '<?xml version="1.0"?><MPD></MPD>'],
)
def test_a_playlist_is_refused_and_nothing_that_it_names_is_opened(tmp_path: Path, text: str) -> None:
    (tmp_path / "film.mp4").write_bytes(b"never read")
    path = tmp_path / "list.mp4"
    path.write_text(text)
    with pytest.raises(InputError, match=r"clip 'x': list\.mp4 is a playlist that names other files"):
        VideoClip("x", path)


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "film.mp4")
    with pytest.raises(InputError, match=r"there is no file|is no file but"):
        VideoClip("x", tmp_path / "film.mp4")
