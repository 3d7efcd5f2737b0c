"""Rule `score_predictions`: another system's predictions against the ground truth."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import PredictionsJob
from zeroshot_vss.stages.predictions import run

run_stage(PredictionsJob, run)
