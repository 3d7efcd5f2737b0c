# What all rules share.
#
# in:  the merged configuration
# out: PLAN (paths and jobs, see zeroshot_vss.workflow.plan), CODE (digest of each stage's code), the functions of the
#      wildcards that rules use, and the environment variable with the compute settings
#
# Digests are params: Snakemake reruns a stage when its code changes in meaning, not when a file is touched. The
# compute settings are none, as they do not change results.
import json
import os
import shutil
from pathlib import Path

from snakemake.exceptions import WorkflowError

from zeroshot_vss.machine import liveness
from zeroshot_vss.workflow.config import read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.workflow.script import COMPUTE_VARIABLE
from zeroshot_vss.workflow.plan import USER_CLIPS, Plan

try:
    PLAN = Plan(read_config(config))
    CODE = PLAN.code()
except InputError as error:
    raise WorkflowError(str(error)) from None

# A killed run cannot remove its locks, and Snakemake would ask for --unlock. Where no other run is alive in this folder,
# they are nobody's. Jobs parse this file, too, but are no runs of their own.
if workflow.is_main_process and liveness.enter(Path(".snakemake") / "alive.lock"):
    shutil.rmtree(Path(".snakemake") / "locks", ignore_errors=True)

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


def plainly(function):
    """`function` of the wildcards; where data or weights are missing it ends the run with the message alone.

    Snakemake would wrap an exception in the names of rules and files, where what to do is hard to find.
    """

    def asked(wildcards):
        try:
            return function(wildcards)
        except InputError as error:
            raise SystemExit(f"error: {error}") from None

    return asked


def told(pattern):
    """What the job that writes `<pattern>.json` is told, as JSON; for `params`."""
    return plainly(lambda wildcards: PLAN.job(pattern.format(**wildcards)))


@plainly
def maps_of(wildcards):
    """Manifests of the row's label maps."""
    return PLAN.maps(PLAN.row_named(wildcards.dataset, wildcards.row))


@plainly
def inspected_maps(wildcards):
    """Manifests of the coarse maps that an inspection starts from."""
    path = "results/inspect/{dataset}/{backbone}/{inspection}/{shard}.json".format(**wildcards)
    return PLAN.figures.coarse.get(path, [])


@plainly
def score_job(wildcards):
    """What the job is told."""
    return PLAN.score_job(wildcards.dataset, wildcards.row)


@plainly
def maps_of_clip(wildcards):
    """Manifest of the clip's label maps."""
    return PLAN.clip_maps(wildcards.clip)


@plainly
def overlay_job(wildcards):
    """What the job is told."""
    return PLAN.overlay_job(wildcards.clip)
