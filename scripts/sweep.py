"""Rule `sweep`: a table and a plot of a method over the values of a setting."""

import sys
from pathlib import Path

from zeroshot_vss.stages.sweep import run
from zeroshot_vss.tables.sweep import SweepJob
from zeroshot_vss.workflow.script import complain

told, csv, png, pdf, *scores = sys.argv[1:]
complain(lambda: run(SweepJob.model_validate_json(told), Path(csv), Path(png), Path(pdf), list(map(Path, scores))))
