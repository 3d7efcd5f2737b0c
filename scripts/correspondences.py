"""Rule `correspondences`: most similar cells between frames."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.correspondences import run
from zeroshot_vss.stages.job import CorrespondenceJob

run_stage(CorrespondenceJob, run)
