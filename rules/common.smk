# What all rules share.
#
# in:  the shipped configuration (config/*.yaml) with that of the user laid over it
# out: PLAN (targets, see zeroshot_vss.workflow.plan) and what rules use of it: `needs` for inputs, `job` and `shown` for
#      params, `command`, and the environment variable with the compute settings
#
# A rule's params hold its job: Snakemake reruns a stage when its settings, clips, weights or the meaning of its code
# change, not when a file is touched. The compute settings are none, as they do not change results.
import os
import shutil
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config.read import load_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine import liveness
from zeroshot_vss.workflow.home import find_home
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.run import COMPUTE_VARIABLE

PREFIX = workflow.modifier.path_modifier.prefix or ""
try:
    # Of a module from a Git host Snakemake fetches the rules alone; scripts and models are where the library is.
    base = workflow.current_basedir
    HOME = Path(base).parent if isinstance(base, os.PathLike) else find_home()
    # The report's captions read `config`, too.
    config = merge(load_config(home=HOME), config)
    PLAN = Plan(read_config(config), prefix=PREFIX, home=Path(os.path.relpath(HOME)))
except InputError as error:
    raise WorkflowError(str(error)) from None

# A killed run cannot remove its locks, and Snakemake would ask for --unlock. Where no other run is alive in this folder,
# they are nobody's. Jobs parse this file, too, but are no runs of their own.
if workflow.is_main_process and liveness.enter(Path(".snakemake") / "alive.lock"):
    shutil.rmtree(Path(".snakemake") / "locks", ignore_errors=True)

os.environ[COMPUTE_VARIABLE] = PLAN.config.compute.model_dump_json()

STAGE = f"python '{os.path.relpath(HOME / 'scripts' / 'stage.py')}'"
"""Does any job; see `command`."""
OTHER_VERSIONS = set()
"""Libraries that results were made with in other versions: said once each."""


wildcard_constraints:
    dataset=r"[^/]+",
    backbone=r"[^/]+",
    features=r"[^/]+",
    context=r"[^/]+",
    matches=r"[^/]+",
    upsampling=r"[^/]+",
    part=r"[^/]+",
    table="|".join(PLAN.config.tables) or "none",
    sweep="|".join(PLAN.config.sweeps) or "none",


def command(stage):
    """The shell command of a stage on the job of the params. What it says is shown, and kept in the log."""
    return f"{STAGE} {stage} {{params.job:q}} 2>&1 | tee {{log:q}}"


def tables_of(*kinds):
    """The tables of some kinds, as an alternation."""
    return "|".join(name for name, table in PLAN.config.tables.items() if table.kind in kinds) or "none"


def exit_on_input_error(function):
    """`function` of the wildcards; where data or weights are missing it ends the run with the message alone.

    Snakemake would wrap an exception in the names of rules and files, where what to do is hard to find.
    """

    def checked(wildcards):
        try:
            return function(wildcards)
        except InputError as error:
            raise SystemExit(f"error: {error}") from None

    return checked


def target_of(pattern, wildcards):
    """The target behind an output of a rule."""
    return PLAN.target(pattern.format(**wildcards))


def needs(pattern):
    """Inputs of the job that writes `pattern`. What is there already is done again where it is something else."""

    def inputs(wildcards):
        target = target_of(pattern, wildcards)
        if workflow.is_main_process:
            judge(target)
        return target.inputs

    return exit_on_input_error(inputs)


def judge(target):
    """Have a target's job done again where what is there was made otherwise, and say so."""
    outputs = target.job.outputs()
    if workflow.dag is None or outputs[0] in workflow.dag.forcefiles:
        return
    if reason := target.changed():
        logger.info(f"{outputs[0]} is done again: {reason}")
        workflow.dag.forcefiles.update(outputs)
    for library, versions in target.other_versions().items():
        if (library, versions) not in OTHER_VERSIONS:
            OTHER_VERSIONS.add((library, versions))
            logger.warning(
                f"some results were made with {library} {versions}; they are kept (config `rerun: [versions]` does "
                "them again)"
            )


def job(pattern):
    """The job that writes `pattern`, as JSON."""
    return exit_on_input_error(lambda wildcards: target_of(pattern, wildcards).text)


def shown(pattern, setting):
    """A setting of that job by its dotted name, so that a rule says what it does."""

    def text(wildcards):
        value = target_of(pattern, wildcards).job
        for name in setting.split("."):
            value = getattr(value, name, None)
        return str(value)

    return exit_on_input_error(text)
