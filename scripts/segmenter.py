"""Rule `segmenter`: label maps by a supervised network, frame by frame."""

from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.job import SegmenterJob
from zeroshot_vss.stages.segmenter import run

run_stage(SegmenterJob, run)
