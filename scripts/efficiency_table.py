"""Rule `efficiency_table`."""

import sys
from pathlib import Path

from zeroshot_vss.stages.efficiency_table import run
from zeroshot_vss.tables.efficiency import EfficiencyJob
from zeroshot_vss.workflow.script import complain

told, published, csv, *manifests = sys.argv[1:]
paper = None if published == "none" else Path(published)
complain(lambda: run(EfficiencyJob.model_validate_json(told), Path(csv), paper, list(map(Path, manifests))))
