"""Overlays: outlines, legends, side by side; sound, times and pixels' shape of the video file."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from zeroshot_vss.clips.naming import Naming
from zeroshot_vss.datasets.base import Legend
from zeroshot_vss.io.drawing import Drawing, draw, legend_strip, outlined
from zeroshot_vss.io.palette import cluster_colours, voc_colours
from zeroshot_vss.io.video import VideoClip, VideoWriter

LEGEND = Legend(("sky", "a swan with a long name"), np.array([[200, 0, 0], [0, 100, 200]], np.uint8))


def test_outlines_run_between_labels_and_nowhere_else() -> None:
    labels = np.zeros((1, 4, 5), np.uint8)
    labels[0, :, 3:] = 1
    labels[0, 3, 0] = 255
    drawn = outlined(np.full((1, 4, 5, 3), 9, np.uint8), labels, LEGEND.colours)
    expected = np.full((4, 5, 3), 9)
    expected[:, 2] = (110, 0, 0)  # 0.55 of label 0, left of label 1
    expected[2, 0] = (110, 0, 0)  # above VOID, which itself has no outline
    assert drawn[0].tolist() == expected.tolist()


def test_outlines_of_large_frames_are_two_pixels_wide() -> None:
    labels = np.zeros((1, 720, 6), np.uint8)
    labels[..., 3:] = 1
    drawn = outlined(np.zeros((1, 720, 6, 3), np.uint8), labels, LEGEND.colours)
    assert (drawn[0, 5].any(-1)).tolist() == [False, False, True, True, False, False]


def test_the_legend_shows_the_colours_in_use() -> None:
    strip = legend_strip(LEGEND, [0, 1], 320)
    assert strip.shape[1] == 320 and strip.shape[0] % 2 == 0
    colours = {tuple(c) for c in strip.reshape(-1, 3).tolist()}
    assert {(200, 0, 0), (0, 100, 200), (255, 255, 255)} <= colours
    alone = {tuple(c) for c in legend_strip(LEGEND, [1], 320).reshape(-1, 3).tolist()}
    assert (0, 100, 200) in alone and (200, 0, 0) not in alone
    narrow = legend_strip(LEGEND, [0, 1], 90)
    assert narrow.shape[0] > strip.shape[0]  # two lines, the second cut with an ellipsis
    assert legend_strip(LEGEND, [0], 1).shape[1] == 1 and legend_strip(LEGEND, [], 9).shape[0] == 0


def test_drawing_side_by_side_with_a_legend() -> None:
    frames = np.full((2, 40, 60, 3), 50, np.uint8)
    labels = np.zeros((2, 40, 60), np.uint8)
    plain = draw(frames, labels, LEGEND, [0], Drawing(0.5, outlines=False, legend=False))
    assert (plain == (125, 25, 25)).all()
    both = draw(frames, labels, LEGEND, [0], Drawing(0.5, side_by_side=True))
    assert both.shape[2] == 120 and both.shape[1] > 40
    assert (both[:, :40, :60] == 50).all() and (both[:, :40, 60:] == (125, 25, 25)).all()


def test_the_palette_is_soft() -> None:
    from skimage.color import rgb2lab

    lab = rgb2lab(cluster_colours(256) / 255.0)
    assert np.hypot(lab[:, 1], lab[:, 2]).max() <= 78  # pure green has 120, pure blue 134


def test_the_colour_map_of_pascal_voc() -> None:
    """Entries as the development kit lists them: aeroplane, bicycle, person, tvmonitor, and void."""
    colours = voc_colours(256)
    assert colours[[0, 1, 2, 15, 20, 255]].tolist() == [
        [0, 0, 0], [128, 0, 0], [0, 128, 0], [192, 128, 128], [0, 64, 128], [224, 224, 192],
    ]  # fmt: skip


# Video files


def film(path: Path, times: list[Fraction], codec: str | None = None, aspect: Fraction = Fraction(1)) -> Path:
    """Six frames of rising grey at given times, with a second of sound that begins at 0."""
    container = "matroska" if path.suffix == ".mkv" else None
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.sample_aspect_ratio = aspect
        sound: Any = file.add_stream(codec, rate=8000) if codec else None
        if sound is not None:
            for start in range(0, 8000, 1000):
                tone = np.sin(np.arange(start, start + 1000) / 3)[None] * 9000
                frame = av.AudioFrame.from_ndarray(tone.astype(np.int16), format="s16", layout="mono")
                frame.sample_rate, frame.pts = 8000, start
                file.mux(sound.encode(frame))
            file.mux(sound.encode(None))
        for level, time in enumerate(times):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 40 * level, np.uint8), format="rgb24")
            picture.time_base, picture.pts = Fraction(1, 1000), round(time * 1000)
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return path


def copy(clip: VideoClip, path: Path) -> Path:
    with VideoWriter.like(clip, path) as writer:
        for index in range(len(clip)):
            writer.write(clip.frames([index]))
    return path


UNEVEN = [Fraction(n, 10) for n in (0, 1, 2, 6, 7, 15)]


def test_uneven_times_are_kept(tmp_path: Path) -> None:
    clip = VideoClip("x", film(tmp_path / "x.mkv", UNEVEN))
    assert clip.times == UNEVEN
    again = VideoClip("x", copy(clip, tmp_path / "y.mp4"))
    assert again.times is not None
    assert [float(time) for time in again.times] == pytest.approx([float(time) for time in UNEVEN], abs=1e-4)
    steady = VideoClip("x", film(tmp_path / "z.mkv", [Fraction(n, 15) for n in range(6)]))
    assert steady.times is None  # though Matroska rounds them to 1/1000


def test_the_shape_of_pixels_is_kept(tmp_path: Path) -> None:
    clip = VideoClip("x", film(tmp_path / "x.mkv", UNEVEN, aspect=Fraction(4, 3)))
    assert clip.pixel_aspect == Fraction(4, 3)
    assert VideoClip("x", copy(clip, tmp_path / "y.mp4")).pixel_aspect == Fraction(4, 3)


@pytest.mark.parametrize(("codec", "kept"), [("aac", "aac"), ("pcm_s16le", "aac"), ("flac", "flac")])
def test_sound_goes_along(tmp_path: Path, codec: str, kept: str) -> None:
    clip = VideoClip("x", film(tmp_path / "x.mkv", [Fraction(n, 5) for n in range(6)], codec))
    named, heard = listen(copy(clip, tmp_path / "y.mp4"))
    assert named == kept
    _, before = listen(tmp_path / "x.mkv")
    assert heard.shape[0] == before.shape[0]  # channels
    assert abs(heard.shape[1] - before.shape[1]) <= 2 * 1024  # frames of AAC at its ends
    assert heard.std() == pytest.approx(before.std(), rel=0.1)


def listen(path: Path) -> tuple[str, np.ndarray]:
    """Codec, and [channels, samples]."""
    with av.open(str(path)) as file:
        sound = file.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout=sound.layout.name, rate=sound.codec_context.sample_rate)
        parts = [part.to_ndarray() for frame in file.decode(sound) for part in resampler.resample(frame)]
        return sound.codec_context.name, np.concatenate(parts, axis=1)


def test_sound_is_cut_where_the_picture_begins_later(tmp_path: Path) -> None:
    late = [Fraction(5, 10) + Fraction(n, 20) for n in range(6)]
    clip = VideoClip("x", film(tmp_path / "x.mkv", late, "pcm_s16le"))
    assert clip.start == Fraction(1, 2)
    with av.open(str(copy(clip, tmp_path / "y.mp4"))) as file:
        sound = file.streams.audio[0]
        assert float((sound.duration or 0) * (sound.time_base or 0)) < 0.6


def test_a_rate_of_ones_own_leaves_the_sound(tmp_path: Path) -> None:
    clip = VideoClip("x", film(tmp_path / "x.mkv", UNEVEN, "aac"))
    with VideoWriter.like(clip, tmp_path / "y.mp4", 5) as writer:
        writer.write(clip.frames(range(6)))
    with av.open(str(tmp_path / "y.mp4")) as file:
        assert not file.streams.audio and float(file.streams.video[0].average_rate or 0) == 5


def test_transparent_video_shows_white(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "x.mov"), "w") as file:
        stream = file.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 8, 6, "rgba"
        pixels = np.zeros((6, 8, 4), np.uint8)
        pixels[:, 4:, 3] = 255
        file.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgba")))
        file.mux(stream.encode())
    (frame,) = VideoClip("x", tmp_path / "x.mov").frames([0])
    assert (frame[:, :4] == 255).all() and (frame[:, 4:] == 0).all()


def test_merged_labels_are_one() -> None:
    naming = Naming.of({3: "swan", 5: "swan", 2: "water"})
    assert naming.apply(np.array([0, 2, 3, 5, 255], np.uint8)).tolist() == [0, 2, 3, 3, 255]
    assert [naming.legend.names[label] for label in (0, 2, 3)] == ["cluster 0", "water", "swan"]
