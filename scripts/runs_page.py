"""Rule `runs_page`: how the rows of a table were made, as HTML."""

import sys
from pathlib import Path

from zeroshot_vss.report.job import RunsPageJob
from zeroshot_vss.stages.runs_page import run
from zeroshot_vss.workflow.script import complain

told, page, *manifests = sys.argv[1:]
complain(lambda: run(RunsPageJob.model_validate_json(told), Path(page), list(map(Path, manifests))))
