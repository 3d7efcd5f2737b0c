"""Rule `check`: read every frame and mask of some clips once."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.check import run
from zeroshot_vss.stages.job import CheckJob

run_stage(CheckJob, run)
