"""Rule `score_predictions`: another system's predictions against the ground truth."""

from zeroshot_vss.jobs.score import PredictionsJob
from zeroshot_vss.stages.predictions import run
from zeroshot_vss.workflow.script import run_stage

run_stage(PredictionsJob, run)
