"""Rule `score`: label maps against the ground truth."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import ScoreJob
from zeroshot_vss.stages.score import run

run_stage(ScoreJob, run)
