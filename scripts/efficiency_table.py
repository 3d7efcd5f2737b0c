"""Rule `efficiency_table`."""

import sys
from pathlib import Path

from zeroshot_vss.script import complain
from zeroshot_vss.stages.efficiency_table import run
from zeroshot_vss.tables.efficiency import EfficiencyJob

told, csv, *manifests = sys.argv[1:]
complain(lambda: run(EfficiencyJob.model_validate_json(told), Path(csv), list(map(Path, manifests))))
