"""The job that checks another system's predictions."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from zeroshot_vss.entries.folder import digests_of, label_maps, read_checked
from zeroshot_vss.entries.index import FILE, Purpose
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.provenance.files import listing_digest


class PredictionsJob(Job):
    """A job that reads every label map of a folder once and holds it against the folder's index."""

    stage: ClassVar[str] = "check_predictions"

    folder: str
    """Of another system's label maps."""
    purpose: Purpose
    """What they are scored as."""
    index: str | None = None
    """SHA-256 of the folder's `model-index.yml`; None where it has none."""
    checked: str
    """JSON of what was found: the index, and SHA-256 of every label map."""

    def inputs(self) -> list[str]:
        return []

    def outputs(self) -> list[str]:
        return [self.checked]

    def listing(self) -> str:
        """Digest of names, sizes and times of the folder's files."""
        folder = Path(self.folder)
        index = folder / FILE
        return listing_digest([*label_maps(folder).values(), *([index] if index.exists() else [])])

    def same_data(self) -> bool:
        """Whether the label maps still hold what was read; reads all of them."""
        return digests_of(Path(self.folder)) == read_checked(Path(self.checked)).files
