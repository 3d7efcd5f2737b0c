"""Rule `baseline`: methods without a diffusion model."""

from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.stages.baseline import run
from zeroshot_vss.workflow.script import run_stage

run_stage(BaselineJob, run)
