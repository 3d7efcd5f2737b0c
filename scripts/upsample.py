"""Rule `upsample`: label maps at full resolution."""

from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.stages.upsample import run
from zeroshot_vss.workflow.script import run_stage

run_stage(UpsampleJob, run)
