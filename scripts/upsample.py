"""Rule `upsample`: label maps at full resolution."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import UpsampleJob
from zeroshot_vss.stages.upsample import run

run_stage(UpsampleJob, run)
