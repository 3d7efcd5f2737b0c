"""Rule `frontier`: quality and speed of shortcuts."""

import sys
from pathlib import Path

from zeroshot_vss.stages.frontier import run
from zeroshot_vss.tables.frontier import FrontierJob
from zeroshot_vss.workflow.script import complain

told, csv, png, pdf, *paths = sys.argv[1:]
complain(lambda: run(FrontierJob.model_validate_json(told), Path(csv), Path(png), Path(pdf), list(map(Path, paths))))
