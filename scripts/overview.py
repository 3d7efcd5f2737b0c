"""Rule `overview`: the figure of all methods side by side."""

from zeroshot_vss.jobs.overview import OverviewJob
from zeroshot_vss.stages.overview import run
from zeroshot_vss.workflow.script import run_stage

run_stage(OverviewJob, run)
