"""Rule `clips_page`: the scores of each clip as HTML."""

import sys
from pathlib import Path

from zeroshot_vss.report.job import ClipsPageJob
from zeroshot_vss.stages.clips_page import run
from zeroshot_vss.workflow.script import complain

told, page, *scores = sys.argv[1:]
complain(lambda: run(ClipsPageJob.model_validate_json(told), Path(page), list(map(Path, scores))))
