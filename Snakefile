# Zero-shot video semantic segmentation from pre-trained diffusion models.
#
#   snakemake --cores 1 results/table1.csv                     the main table, on generated clips
#   snakemake --cores 1 results/clips/<name>/overlay.mp4       a clip of your own (config key `clips`)
#   snakemake --report results/report.html pages               what the target `pages` made, as one file (docs/report.md)
#
# Settings: config/config.yaml and config/methods.yaml, see config/README.md.
from snakemake.utils import min_version

min_version("9.19")


report: "report/workflow.rst"


include: "rules/common.smk"
include: "rules/labels.smk"
include: "rules/report.smk"
include: "rules/check.smk"
include: "rules/adapt.smk"
include: "rules/features.smk"
include: "rules/coarse.smk"
include: "rules/upsample.smk"
include: "rules/baselines.smk"
include: "rules/segmenters.smk"
include: "rules/score.smk"
include: "rules/tables.smk"
include: "rules/figures.smk"
include: "rules/clips.smk"


rule main:
    """The main table, its picture, the report's pages of them, and the overlays of all configured clips."""
    default_target: True
    input:
        "results/table1.csv",
        "results/figures/overview.png",
        rules.pages.input,
        collect("results/clips/{clip}/overlay.mp4", clip=PLAN.config.clips),
    localrule: True


rule all:
    """Every table, sweep and figure, and the pages of the report."""
    input:
        rules.main.input,
        collect("results/{table}.csv", table=PLAN.config.tables),
        collect(
            "results/{table}-intervals.png",
            table=[name for name, table in PLAN.config.tables.items() if table.kind == "quality"],
        ),
        collect("results/{table}-classes.csv", table=filter(PLAN.tables.class_rows, PLAN.config.tables)),
        collect("results/sweeps/{sweep}.csv", sweep=PLAN.config.sweeps),
        rules.figures.input if hasattr(rules, "figures") else [],
        PLAN.pages.names(PLAN.config.tables),
        exit_on_input_error(lambda wildcards: PLAN.pages.videos()),
    localrule: True
