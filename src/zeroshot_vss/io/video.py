"""Video files as clips, and clips as video files."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.codec.context
import av.container
import av.error
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import Clip, Frames
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.audio import AudioStream
from zeroshot_vss.io.containers import open_container
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.images import over_white

_BT601 = 5
"""AVCOL_SPC_BT470BG: the matrix by which FFmpeg turns RGB into YUV unless told otherwise."""
FPS = 15
"""Of videos of folders of frames."""
_TICK = Fraction(1, 90_000)
"""Of times in files with a variable frame rate, seconds."""
_STEADY = Fraction(2, 1000)
"""Seconds by which the times of frames of one rate may differ from it: Matroska rounds to 1/1000."""

_MISSTATED = Fraction(1, 20)
"""Share by which the stated rate may differ from that of the frames before it is taken for wrong."""


class VideoClip(Clip):
    """A video file, read from front to back; earlier frames are reached by starting again.

    The display rotation of the file is applied; transparent pixels show white. Opening decodes the file once to
    count its frames, since containers may misstate or leave out their number.

    Args:
        name: name of the clip.
        path: the file.

    Attributes:
        path: the file.
        fps: frames a second on average, as the file states them; that of the frames where it is another, and 25
            where nothing says.
        start: when the first frame is shown, seconds.
        times: when each frame is shown, seconds after the first; None at a steady rate, and where the file does not
            say.
        pixel_aspect: width of a pixel by its height, as the frames are shown.

    Raises:
        InputError: no such file, no video in it, no frame, damage, or frames of changing size.
    """

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.path = path
        self._title = f"clip {name!r}: {path.name}"
        if not path.is_file():
            raise InputError(f"clip {name!r}: there is no file {path}")
        self._length = 0
        self.fps, self.pixel_aspect = 25.0, Fraction(1)
        shown: list[Fraction | None] = []
        for frame in self._decode():
            shown.append(None if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base)
            if self._length == 0:
                self.size = _upright_size(frame)
                if _quarter_turns(frame) % 2:
                    self.pixel_aspect = 1 / self.pixel_aspect
            elif _upright_size(frame) != self.size:
                now, first = _format_size(_upright_size(frame)), _format_size(self.size)
                raise InputError(f"{self._title}: frame {self._length} is {now}, but the first is {first}")
            self._length += 1
        if self._length == 0:
            raise InputError(f"{self._title} holds no frames")
        self.start = shown[0] or Fraction(0)
        self.times = self._uneven([time for time in shown if time is not None])
        self._decoder = self._decode()
        self._next = 0

    def __len__(self) -> int:
        return self._length

    def frames(self, indices: Sequence[int]) -> Frames:
        """See :meth:`Clip.frames`; cheapest in rising order, each frame once."""
        wanted = sorted(set(indices))
        if wanted and not 0 <= wanted[0] <= wanted[-1] < self._length:
            raise IndexError(f"{self._title}: frames {wanted[0]}..{wanted[-1]} of {self._length}")
        out = np.empty((len(indices), *self.size, 3), np.uint8)
        for index in wanted:
            picture = self._picture(index)
            for place, asked in enumerate(indices):
                if asked == index:
                    out[place] = picture
        return out

    def labels(self, index: int) -> None:
        """Video files come without labels."""

    def check(self) -> None:
        """Nothing is left to do: opening has decoded every frame."""

    def _uneven(self, shown: list[Fraction]) -> list[Fraction] | None:
        """Times after the first where they are told, rise and are not those of a steady rate, which becomes `fps`."""
        if len(shown) != self._length or self._length < 3 or any(b <= a for a, b in pairwise(shown)):
            return None
        times = [time - shown[0] for time in shown]
        step = times[-1] / (self._length - 1)
        if any(abs(time - index * step) > _STEADY for index, time in enumerate(times)):
            return times
        if abs(step * Fraction(self.fps) - 1) > _MISSTATED:
            self.fps = float(1 / step)
        return None

    def _picture(self, index: int) -> NDArray[np.uint8]:
        if index < self._next:
            self._decoder.close()
            self._decoder, self._next = self._decode(), 0
        for frame in self._decoder:
            self._next += 1
            if self._next > index:
                return np.rot90(_rgb(frame), _quarter_turns(frame))
        raise InputError(f"{self._title} ends before frame {index}, it held {self._length} when it was opened")

    def _decode(self) -> Generator[av.VideoFrame, None, None]:
        done = 0
        try:
            with open_container(self.path, self._title) as container:
                if container.format.name == "tty":
                    raise InputError(f"{self._title} is a text file, not a video")
                # Pictures on the sleeve of a sound file count as video streams.
                streams = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
                if not streams:
                    raise InputError(f"{self._title} holds no video stream")
                self.fps = float(streams[0].average_rate or self.fps)
                self.pixel_aspect = streams[0].sample_aspect_ratio or Fraction(1)
                for frame in container.decode(streams[0]):
                    yield frame
                    done += 1
        except av.error.FFmpegError as error:
            reason = f"after {done} frames: {error.strerror}" if done else error.strerror
            raise InputError(f"{self._title} cannot be read as a video ({reason})") from error


class VideoWriter:
    """Writes frames to an H.264 mp4 that every player shows; the same frames give the same bytes.

    A context manager. The file appears under its name only when the block ends well. Odd sizes grow by a repeated
    last row or column, since 4:2:0 chroma needs even ones.

    Args:
        path: the file, replaced where it exists.
        fps: frames a second, above 0.
        crf: x264's quality, 1 (best) to 51.
        times: when each frame is shown, rising, seconds after the first; None for a steady rate.
        pixel_aspect: width of a pixel by its height.
        audio: a video file whose sound goes along.
        audio_start: where in that sound the first frame is shown, seconds.
    """

    def __init__(
        self,
        path: Path,
        fps: float | Fraction,
        crf: int = 18,
        *,
        times: Sequence[Fraction] | None = None,
        pixel_aspect: Fraction = Fraction(1),
        audio: Path | None = None,
        audio_start: Fraction = Fraction(0),
    ) -> None:
        if fps <= 0:
            raise ValueError(f"fps must be above 0, not {fps}")
        self._path = path
        self._rate = Fraction(fps).limit_denominator(1001)
        self._crf = crf
        self._times = times
        self._aspect = pixel_aspect
        self._audio = None if audio is None else AudioStream(audio, audio_start)
        self._written = 0
        self._stack = ExitStack()
        self._stream: av.VideoStream | None = None
        self._size = (0, 0)

    @classmethod
    def like(cls, clip: Clip, path: Path, fps: float | None = None, crf: int = 18) -> Self:
        """A writer of as many frames as a clip has, with the sound, the times and the pixels' shape of a video file.

        Args:
            clip: a :class:`VideoClip`, or another, which has 15 frames a second unless `fps` says otherwise.
            path, crf: as for the class.
            fps: a steady rate in place of the clip's; then without sound.
        """
        if not isinstance(clip, VideoClip):
            return cls(path, fps or FPS, crf)
        if fps is not None:
            return cls(path, fps, crf, pixel_aspect=clip.pixel_aspect)
        return cls(
            path, clip.fps, crf, times=clip.times, pixel_aspect=clip.pixel_aspect, audio=clip.path,
            audio_start=clip.start,
        )  # fmt: skip

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            partial = stack.enter_context(replacing(self._path))
            self._container = stack.enter_context(av.open(str(partial), "w", format="mp4"))
            # No version string of the muxer in the file.
            self._container.flags |= av.container.Flags.bitexact.value
            if self._audio is not None:
                stack.enter_context(self._audio)
            stack.push(self._finish)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, frames: Frames) -> None:
        """Append frames.

        Args:
            frames: [n, H, W, 3] uint8 RGB, of the same H and W at every call.
        """
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3:
            raise ValueError(f"frames must be [n, H, W, 3] uint8, not {frames.shape} {frames.dtype}")
        if len(frames) == 0:
            return
        height, width = frames.shape[1:3]
        if self._stream is None:
            self._size = (height, width)
            self._stream = self._add_stream(height + height % 2, width + width % 2)
            if self._audio is not None:
                self._audio.join(self._container)
        if (height, width) != self._size:
            raise ValueError(
                f"frames are {_format_size((height, width))}, but the first were {_format_size(self._size)}"
            )
        even = np.pad(frames, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        for picture in even:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            if self._times is not None:
                frame.time_base, frame.pts = _TICK, round(self._times[self._written] / _TICK)
            if self._audio is not None:
                self._container.mux(list(self._audio.until(self._time())))
            self._container.mux(self._stream.encode(frame))
            self._written += 1

    def _time(self) -> Fraction:
        return self._written / self._rate if self._times is None else self._times[self._written]

    def _add_stream(self, height: int, width: int) -> av.VideoStream:
        # With its assembler x264 (core 165) now and then gives other bytes for the same frames; its C code does not,
        # and with this preset it is as fast as the default preset with assembler, for files of the same size.
        options = {"crf": str(self._crf), "preset": "veryfast", "x264-params": "asm=0"}
        stream = self._container.add_stream("libx264", rate=self._rate, options=options)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.colorspace = _BT601
        if self._aspect != 1:
            stream.codec_context.sample_aspect_ratio = self._aspect
        if self._times is not None:
            stream.codec_context.time_base = _TICK
        # The bytes of x264 depend on the number of threads.
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        return stream

    def _finish(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            return
        if self._stream is None:
            raise ValueError(f"no frames were written to {self._path}")
        self._container.mux(self._stream.encode())
        if self._audio is not None:
            # As long as the last frame is shown.
            end = self._written / self._rate if self._times is None else self._times[-1] + 1 / self._rate
            self._container.mux([*self._audio.until(end), *self._audio.rest()])


def _rgb(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """[H, W, 3] as the frame is stored, upon white where it is transparent."""
    if any(component.is_alpha for component in frame.format.components):
        return over_white(np.asarray(frame.to_ndarray(format="rgba"), np.uint8))
    return np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _quarter_turns(frame: av.VideoFrame) -> int:
    return round(frame.rotation / 90) % 4


def _upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    return (frame.width, frame.height) if _quarter_turns(frame) % 2 else (frame.height, frame.width)


def _format_size(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"
