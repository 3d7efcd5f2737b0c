"""Rule `check`: read every frame and mask of some clips once."""

from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.stages.check import run
from zeroshot_vss.workflow.script import run_stage

run_stage(CheckJob, run)
