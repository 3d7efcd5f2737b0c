"""Rule `player`: a user's clip as one HTML file."""

from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.stages.player import run
from zeroshot_vss.workflow.script import run_stage

run_stage(OverlayJob, run)
