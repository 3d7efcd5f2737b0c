"""Rule `baseline`: methods without a diffusion model."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.baseline import run
from zeroshot_vss.stages.job import BaselineJob

run_stage(BaselineJob, run)
