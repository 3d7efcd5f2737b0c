"""Rules `coarse` and `coarse_refined`: context model and CBR."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.coarse import run
from zeroshot_vss.stages.job import CoarseJob

run_stage(CoarseJob, run)
