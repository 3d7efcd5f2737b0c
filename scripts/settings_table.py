"""Rule `settings_table`."""

import sys
from pathlib import Path

from zeroshot_vss.stages.settings_table import run
from zeroshot_vss.tables.used_settings import SettingsJob
from zeroshot_vss.workflow.script import complain

told, csv, *manifests = sys.argv[1:]
complain(lambda: run(SettingsJob.model_validate_json(told), Path(csv), list(map(Path, manifests))))
