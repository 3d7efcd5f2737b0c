"""Rule `sweep`: a table and a plot of a method over the values of a setting."""

import sys
from pathlib import Path

from zeroshot_vss.script import complain
from zeroshot_vss.stages.sweep import run
from zeroshot_vss.tables.sweep import SweepJob

told, csv, png, pdf, *scores = sys.argv[1:]
complain(lambda: run(SweepJob.model_validate_json(told), Path(csv), Path(png), Path(pdf), list(map(Path, scores))))
