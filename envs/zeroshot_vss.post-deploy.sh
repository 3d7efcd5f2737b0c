#!/usr/bin/env bash
# Install this checkout in the environment that is active, in the versions of requirements.lock.
# Snakemake runs a copy of this file, so the checkout is the working directory, not where the file lies.
set -euo pipefail
if [[ ! -f requirements.lock ]]; then
    echo "error: no requirements.lock in $PWD; run this in the checkout of zeroshot_vss" >&2
    exit 1
fi
python -m pip install -c requirements.lock -e '.[slurm]'
