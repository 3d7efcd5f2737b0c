"""Do one job of the workflow: `python scripts/stage.py STAGE JOB`, where JOB is the job as JSON."""

import sys

from zeroshot_vss.workflow.run import main

main(sys.argv[1:])
