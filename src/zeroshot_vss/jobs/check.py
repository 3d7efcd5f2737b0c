"""The check job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob
from zeroshot_vss.provenance.clips import clip_digests
from zeroshot_vss.provenance.files import listing_digest


class CheckJob(ClipsJob):
    """A job that reads every frame and mask once."""

    stage: ClassVar[str] = "check"

    frames: str
    """Manifest of the frames' digests, which models depend on."""
    masks: str
    """Manifest of the annotations' digests, which labels and scores depend on."""

    def inputs(self) -> list[str]:
        return []

    def outputs(self) -> list[str]:
        return [self.frames, self.masks]

    def listing(self) -> str:
        """Digest of names, sizes and times of the clips' files."""
        dataset = self.open()
        return listing_digest(path for clip in self.clips for path in dataset.files(clip))

    def same_data(self) -> bool:
        """Whether the clips still hold what was read; reads them until one does not."""
        dataset, known = self.open(), zip(*map(_digests, self.outputs()), strict=True)
        return all(
            clip_digests(dataset.clip(name)) == digests for name, digests in zip(self.clips, known, strict=True)
        )


def _digests(manifest: str) -> list[str]:
    """Digests of a manifest, in the order of its clips."""
    return list(json.loads(Path(manifest).read_text())["clips"].values())
