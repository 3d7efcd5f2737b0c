"""Rules `coarse` and `coarse_refined`: context model and CBR."""

from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.stages.coarse import run
from zeroshot_vss.workflow.script import run_stage

run_stage(CoarseJob, run)
