"""Rule `figure`: a figure of the paper."""

from zeroshot_vss.figures.job import FigureJob
from zeroshot_vss.script import run_stage
from zeroshot_vss.stages.figure import run

run_stage(FigureJob, run)
