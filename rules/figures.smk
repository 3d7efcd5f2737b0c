# Figures.
#
# in:  label maps, coarse maps, inspections, the data set
# out: results/figures/overview.png
#      results/figures/{figure}.pdf, .png     figures of the paper: figure1, figure2, figure5, ..., figure15
#      results/inspect/{dataset}/{backbone}/{inspection}/{shard}.json    what lies between frames and label maps, HDF5,
#                                             one file a clip


rule overview:
    """Frames, ground truth and every method's maps side by side"""
    input:
        plainly(lambda wildcards: [path for row in PLAN.overview_rows() for path in PLAN.maps(row)]),
    output:
        report(
            "results/figures/overview.png",
            category="Figures",
            labels={"figure": "overview"},
            caption="../report/figure.rst",
        ),
    log:
        "logs/overview.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.overview_job()),
        code=CODE["overview"],
    shell:
        "python scripts/overview.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule inspect:
    """Look into {wildcards.backbone} on {wildcards.dataset} ({wildcards.inspection}), part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
        coarse=inspected_maps,
    output:
        "results/inspect/{dataset}/{backbone}/{inspection}/{shard}.json",
    log:
        "logs/inspect/{dataset}/{backbone}/{inspection}/{shard}.log",
    benchmark:
        "results/benchmarks/inspect/{dataset}/{backbone}/{inspection}/{shard}.tsv"
    wildcard_constraints:
        inspection=r"[a-z-]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=told("results/inspect/{dataset}/{backbone}/{inspection}/{shard}"),
        code=CODE["inspect"],
    shell:
        "python scripts/inspect_frames.py {params.job:q} {output:q} {input.checked:q} {input.coarse:q}"
        " 2>&1 | tee {log:q}"


rule figure:
    """{wildcards.figure} of the paper"""
    input:
        plainly(lambda wildcards: PLAN.figures.inputs(wildcards.figure)),
    output:
        pdf="results/figures/{figure}.pdf",
        png=report(
            "results/figures/{figure}.png",
            category="Figures",
            labels={"figure": "{figure}"},
            caption="../report/figure.rst",
        ),
    log:
        "logs/figures/{figure}.log",
    wildcard_constraints:
        figure=r"figure\d+",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.figures.job(wildcards.figure)),
        code=CODE["figure"],
    shell:
        "python scripts/figure.py {params.job:q} {output.pdf:q} {output.png:q} {input:q} 2>&1 | tee {log:q}"


rule figures:
    """Every figure of the paper"""
    input:
        plainly(
            lambda wildcards: collect(
                "results/figures/{figure}.{kind}", figure=PLAN.figures.planned, kind=["pdf", "png"]
            )
        ),
    localrule: True
