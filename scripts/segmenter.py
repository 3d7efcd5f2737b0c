"""Rule `segmenter`: label maps by a supervised network, frame by frame."""

from zeroshot_vss.jobs.segmenter import SegmenterJob
from zeroshot_vss.stages.segmenter import run
from zeroshot_vss.workflow.script import run_stage

run_stage(SegmenterJob, run)
