"""Rule `overview`: the figure of all methods side by side."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import OverviewJob
from zeroshot_vss.stages.overview import run

run_stage(OverviewJob, run)
