"""Rule `table`: scores and the published figures as CSV, Markdown and LaTeX."""

import sys
from pathlib import Path

from zeroshot_vss.script import complain
from zeroshot_vss.stages.table import run
from zeroshot_vss.tables import TableJob

told, title, published, csv, *scores = sys.argv[1:]
complain(
    lambda: run(
        TableJob.model_validate_json(told),
        title,
        Path(published),
        Path(csv).with_suffix(""),
        [Path(path) for path in scores],
    )
)
