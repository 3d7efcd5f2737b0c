"""Rule `score`: label maps against the ground truth."""

from zeroshot_vss.jobs.score import ScoreJob
from zeroshot_vss.stages.score import run
from zeroshot_vss.workflow.script import run_stage

run_stage(ScoreJob, run)
