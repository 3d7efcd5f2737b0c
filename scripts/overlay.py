"""Rule `overlay`: a user's clip as overlay video and palette PNGs."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import OverlayJob
from zeroshot_vss.stages.overlay import run

run_stage(OverlayJob, run)
