# What all rules share.
#
# in:  the merged configuration
# out: PLAN (paths and jobs, see zeroshot_vss.workflow), CODE (digest of each stage's code), the functions of the
#      wildcards that rules use, and the environment variable with the compute settings
#
# Digests are params: Snakemake reruns a stage when its code changes in meaning, not when a file is touched. The
# compute settings are none, as they do not change results.
import json
import os
from functools import partial
from pathlib import Path

from snakemake.exceptions import WorkflowError

from zeroshot_vss.config import read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.script import COMPUTE_VARIABLE
from zeroshot_vss.workflow import USER_CLIPS, Plan

try:
    PLAN = Plan(read_config(config))
    CODE = PLAN.code()
except InputError as error:
    raise WorkflowError(str(error)) from None

os.environ[COMPUTE_VARIABLE] = PLAN.config.compute.model_dump_json()


wildcard_constraints:
    dataset=r"[^/]+",
    backbone=r"[^/]+",
    features=r"[^/]+",
    context=r"[^/]+",
    matches=r"[^/]+",
    upsampling=r"[^/]+",
    shard=r"[^/]+",


def tables_of(kind):
    """The tables of a kind, as an alternation."""
    return "|".join(name for name, table in PLAN.config.tables.items() if table.kind == kind) or "none"


def job_of(pattern, wildcards):
    """What the job that writes `<pattern>.json` is told, as JSON."""
    return PLAN.job(pattern.format(**wildcards))


def told(pattern):
    """`job_of` as a function of the wildcards alone, for `params`."""
    return partial(job_of, pattern)


def maps_of(wildcards):
    """Manifests of the row's label maps."""
    return PLAN.maps(PLAN.row_named(wildcards.dataset, wildcards.row))


def score_job(wildcards):
    """What the job is told."""
    return PLAN.score_job(wildcards.dataset, wildcards.row)


def maps_of_clip(wildcards):
    """Manifest of the clip's label maps."""
    return next(path for path in PLAN.maps(PLAN.user_row()) if Path(path).stem == wildcards.clip)


def overlay_job(wildcards):
    """What the job is told."""
    return PLAN.overlay_job(wildcards.clip)
