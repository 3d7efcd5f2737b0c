"""Rule `exports`: a user's label maps in the formats of other tools."""

from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.stages.exports import run
from zeroshot_vss.workflow.script import run_stage

run_stage(OverlayJob, run)
