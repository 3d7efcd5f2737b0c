"""Do one job of the workflow: `python scripts/stage.py STAGE JOB`, where JOB is the job as JSON."""

import sys

from zeroshot_vss.workflow.run import main

if __name__ == "__main__":  # a training starts processes of its own, which import this
    main(sys.argv[1:])
