"""Rule `quality_table`: scores and the published figures as CSV, Markdown and LaTeX."""

import json
import sys
from pathlib import Path

from zeroshot_vss.stages.table import run
from zeroshot_vss.tables.quality import TableJob
from zeroshot_vss.workflow.script import complain

told, published, timed, csv, *scores = sys.argv[1:]
complain(
    lambda: run(
        TableJob.model_validate_json(told),
        Path(csv),
        None if published == "none" else Path(published),
        list(map(Path, scores)),
        [list(map(Path, row)) for row in json.loads(timed)],
    )
)
