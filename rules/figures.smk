# Figures.
#
# in:  label maps, coarse maps, inspections, the data set
# out: results/figures/overview.png
#      results/figures/{figure}.pdf, .png     figures of the paper: figure1, figure2, figure5, ..., figure15
#      results/inspect/{dataset}/{backbone}/{inspection}/{part}.json    what lies between frames and label maps, HDF5,
#                                             one file a clip
INSPECTIONS = "inspect/{dataset}/{backbone}/{inspection}/{part}"


rule overview:
    """Frames, ground truth and every method's maps side by side"""
    input:
        needs("results/figures/overview.png"),
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
        job=job("results/figures/overview.png"),
    shell:
        command("overview")


rule inspect:
    """Look into {wildcards.backbone} on {wildcards.dataset} ({wildcards.inspection}), part {wildcards.part}"""
    input:
        needs(f"results/{INSPECTIONS}.json"),
    output:
        f"results/{INSPECTIONS}.json",
    log:
        f"logs/{INSPECTIONS}.log",
    benchmark:
        f"results/benchmarks/{INSPECTIONS}.tsv"
    wildcard_constraints:
        inspection=r"[a-z-]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=job(f"results/{INSPECTIONS}.json"),
    shell:
        command("inspect")


rule figure:
    """{wildcards.figure} of the paper"""
    input:
        needs("results/figures/{figure}.pdf"),
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
        job=job("results/figures/{figure}.pdf"),
    shell:
        command("figure")


rule figures:
    """Every figure of the paper"""
    input:
        exit_on_input_error(
            lambda wildcards: collect(
                "results/figures/{figure}.{kind}", figure=PLAN.figures.planned, kind=["pdf", "png"]
            )
        ),
    localrule: True
