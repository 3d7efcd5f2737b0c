"""Rule `features`: cache self-attention queries."""

from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.stages.features import run
from zeroshot_vss.workflow.script import run_stage

run_stage(FeaturesJob, run)
