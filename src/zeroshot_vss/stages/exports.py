"""Export stage: a user's label maps in the formats of other tools."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.clips.opening import open_result
from zeroshot_vss.exports import write_exports
from zeroshot_vss.jobs.overlay import ExportsJob


def run(job: ExportsJob) -> None:
    """Write a folder with a file (or folder) a format."""
    (name,) = job.clips
    with open_result(job.open(), name, job.names, job.maps) as result:
        write_exports(result, Path(job.folder))
