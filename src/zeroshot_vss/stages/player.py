"""Player stage: a user's clip with its labels as one HTML file."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.clips.opening import open_result
from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.player.page import write_player


def run(job: OverlayJob, page: Path, manifest: Path) -> None:
    """Write the player, where clusters are named and merged by hand, too."""
    (name,) = job.clips
    with open_result(job.dataset.open(), name, job.names, manifest) as result:
        write_player(page, name, [("", result)], fps=job.fps)
