"""Rule `overlay`: a user's clip as overlay video and palette PNGs."""

from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.stages.overlay import run
from zeroshot_vss.workflow.script import run_stage

run_stage(OverlayJob, run)
