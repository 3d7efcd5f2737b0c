"""Rule `figure`: a figure of the paper."""

from zeroshot_vss.figures.job import FigureJob
from zeroshot_vss.stages.figure import run
from zeroshot_vss.workflow.script import run_stage

run_stage(FigureJob, run)
