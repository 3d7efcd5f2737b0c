# Figures.
#
# in:  label maps, the data set
# out: results/figures/overview.png


rule overview:
    """Frames, ground truth and every method's maps side by side"""
    input:
        plainly(lambda wildcards: [path for row in PLAN.overview_rows() for path in PLAN.maps(row)]),
    output:
        "results/figures/overview.png",
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
