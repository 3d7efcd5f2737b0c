"""Rule `row_overlay`: a row's label maps over a clip of a data set, as a video and as a page that plays it."""

from zeroshot_vss.report.job import RowOverlayJob
from zeroshot_vss.stages.row_overlay import run
from zeroshot_vss.workflow.script import run_stage

run_stage(RowOverlayJob, run)
