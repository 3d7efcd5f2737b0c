"""Rule `table_player`: the rows of a table over a clip, side by side."""

from zeroshot_vss.report.job import TablePlayerJob
from zeroshot_vss.stages.table_player import run
from zeroshot_vss.workflow.script import run_stage

run_stage(TablePlayerJob, run)
