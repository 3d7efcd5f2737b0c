"""Rule `features`: cache self-attention queries."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.features import run
from zeroshot_vss.stages.job import FeaturesJob

run_stage(FeaturesJob, run)
