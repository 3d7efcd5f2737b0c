"""Rule `table_page`: a table as HTML."""

import sys
from pathlib import Path

from zeroshot_vss.stages.table_page import run
from zeroshot_vss.workflow.script import complain

title, markdown, page = sys.argv[1:]
complain(lambda: run(title, Path(markdown), Path(page)))
