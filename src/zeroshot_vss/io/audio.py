"""The sound of a video file beside another video: copied where an MP4 can hold it, else encoded as AAC."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import av.container
import av.error

from zeroshot_vss.io.containers import open_container

COPIED = frozenset({"aac", "alac", "ac3", "eac3", "flac", "mp3", "opus"})
"""Codecs that an MP4 file can hold."""


class AudioStream:
    """The first sound stream of a file; nothing where it has none. A context manager.

    Args:
        path: the file.
        start: seconds that are cut off at the beginning.
    """

    def __init__(self, path: Path, start: Fraction) -> None:
        self._path, self._start = path, start
        self._packets: Generator[av.Packet, None, None] | None = None
        self._waiting: av.Packet | None = None
        self._encoder: av.AudioStream | None = None

    def __enter__(self) -> Self:
        self._file = open_container(self._path, self._path.name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def join(self, container: av.container.OutputContainer) -> None:
        """Add the stream to a file that is written; once, before the first packet."""
        if not self._file.streams.audio:
            return
        source = self._file.streams.audio[0]
        if source.codec_context.name in COPIED:
            target = container.add_stream_from_template(source)
            self._packets = self._copied(source, target)
        else:
            rate, layout = source.codec_context.sample_rate, "mono" if source.channels == 1 else "stereo"
            self._encoder = container.add_stream("aac", rate=rate, layout=layout)
            self._packets = self._encoded(source, self._encoder)

    def until(self, time: Fraction) -> Iterable[av.Packet]:
        """The packets that begin before a time, after those of the call before."""
        while self._packets is not None:
            packet = self._waiting or next(self._packets, None)
            self._waiting = None
            if packet is None:
                self._packets = None
            elif packet.pts is not None and packet.time_base is not None and packet.pts * packet.time_base >= time:
                self._waiting = packet
                return
            else:
                yield packet

    def rest(self) -> list[av.Packet]:
        """What the encoder still holds, after the last call of :meth:`until`."""
        return [] if self._encoder is None else list(self._encoder.encode(None))

    def _copied(self, source: av.AudioStream, target: av.AudioStream) -> Generator[av.Packet, None, None]:
        try:
            for packet in self._file.demux(source):
                if packet.pts is None or packet.time_base is None:
                    continue
                shift = round(self._start / packet.time_base)
                packet.pts -= shift
                packet.dts = packet.pts
                if packet.pts >= 0:
                    packet.stream = target
                    yield packet
        except av.error.FFmpegError:
            return  # damaged from here on: the rest is silent

    def _encoded(self, source: av.AudioStream, target: av.AudioStream) -> Generator[av.Packet, None, None]:
        resampler = av.AudioResampler(format="fltp", layout=source.layout.name, rate=target.codec_context.sample_rate)
        try:
            for frame in self._file.decode(source):
                if frame.pts is None or frame.time_base is None:
                    continue
                frame.pts -= round(self._start / frame.time_base)
                if frame.pts >= 0:
                    for part in resampler.resample(frame):
                        yield from target.encode(part)
        except av.error.FFmpegError:
            return
