# Bad input is found before time is spent on a model.
#
# in:  the data sets of the configuration
# out: results/checked/{dataset}/{part}.frames.json, .masks.json    digests of each clip's frames and annotations
CHECKED = "results/checked/{dataset}/{part}"


rule check:
    """Read every frame and mask of {wildcards.dataset}, part {wildcards.part}"""
    input:
        needs(f"{CHECKED}.frames.json"),
    output:
        frames=f"{CHECKED}.frames.json",
        masks=f"{CHECKED}.masks.json",
    log:
        "logs/check/{dataset}/{part}.log",
    benchmark:
        "results/benchmarks/check/{dataset}/{part}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"{CHECKED}.frames.json"),
        reader=shown(f"{CHECKED}.frames.json", "dataset.kind"),
    shell:
        command("check")
