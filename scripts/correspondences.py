"""Rule `correspondences`: most similar cells between frames."""

from zeroshot_vss.jobs.correspondences import CorrespondenceJob
from zeroshot_vss.stages.correspondences import run
from zeroshot_vss.workflow.script import run_stage

run_stage(CorrespondenceJob, run)
