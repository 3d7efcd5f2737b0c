"""Player of a table: the label maps of its rows over a clip, side by side, as one HTML file."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from zeroshot_vss.clips.naming import Naming
from zeroshot_vss.clips.opening import open_result
from zeroshot_vss.clips.predicted import PredictedMaps
from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.io.predictions import Predictions
from zeroshot_vss.player.page import write_player
from zeroshot_vss.report.job import PlayerRow, TablePlayerJob
from zeroshot_vss.stages.row_overlay import FPS, FPS_OF_FEW


def run(job: TablePlayerJob) -> None:
    """Write the player."""
    dataset, (name,) = job.open(), job.clips
    clip = dataset.clip(name)

    def predicted(row: PlayerRow) -> ClipResult:
        maps = PredictedMaps(Predictions(dataset, Path(str(row.predictions))), clip)
        return ClipResult(clip, maps, Naming.of({}, dataset.legend_of(name)))

    mapped = list(clip.mapped())
    fps = job.fps or (FPS if len(mapped) == len(clip) else FPS_OF_FEW)
    with ExitStack() as stack:
        results = [
            (row.title, stack.enter_context(open_result(dataset, name, {}, row.maps)) if row.maps else predicted(row))
            for row in job.rows
        ]
        write_player(Path(job.page), f"{job.title}: {name}", results, mapped, fps, names=False)
