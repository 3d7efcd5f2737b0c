# Bad input is found before time is spent on a model.
#
# in:  the data sets of the configuration; folders of predictions with their model-index.yml
# out: results/checked/{dataset}/{part}.frames.json, .masks.json    digests of each clip's frames and annotations
#      results/predictions/{dataset}/{row}.json                      another system's predictions: index, digests of files
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


rule check_predictions:
    """Hold the predictions of {wildcards.row} on {wildcards.dataset} against their index"""
    input:
        needs("results/predictions/{dataset}/{row}.json"),
    output:
        "results/predictions/{dataset}/{row}.json",
    log:
        "logs/predictions/{dataset}/{row}.log",
    benchmark:
        "results/benchmarks/predictions/{dataset}/{row}.tsv"
    wildcard_constraints:
        row=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/predictions/{dataset}/{row}.json"),
        protocol=shown("results/predictions/{dataset}/{row}.json", "purpose.protocol"),
    shell:
        command("check_predictions")
