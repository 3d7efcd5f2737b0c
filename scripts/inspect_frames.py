"""Rule `inspect`: what lies between the frames and the label maps, for the figures."""

from zeroshot_vss.figures.job import InspectJob
from zeroshot_vss.stages.inspect import run
from zeroshot_vss.workflow.script import run_stage

run_stage(InspectJob, run)
