"""Player stage: a user's clip with its labels as one HTML file."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.clips.opening import open_result
from zeroshot_vss.jobs.overlay import PlayerJob
from zeroshot_vss.player.page import write_player


def run(job: PlayerJob) -> None:
    """Write the player, where clusters are named and merged by hand, too."""
    (name,) = job.clips
    with open_result(job.open(), name, job.names, job.maps) as result:
        write_player(Path(job.page), name, [("", result)], fps=job.fps)
