# A backbone that is trained on with each clip's own frames, without labels (config keys `adapt`).
#
# in:  the checked frames, the backbone's weights
# out: results/adapted/...    the weights that changed, HDF5, one file a clip beside the manifest
ADAPTED = "adapted/{dataset}/{backbone}/{part}"


rule adapt:
    """Train {wildcards.backbone} on with the frames of {wildcards.dataset}, part {wildcards.part}"""
    input:
        needs(f"results/{ADAPTED}.json"),
    output:
        f"results/{ADAPTED}.json",
    log:
        f"logs/{ADAPTED}.log",
    benchmark:
        f"results/benchmarks/{ADAPTED}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{ADAPTED}.json"),
        steps=shown(f"results/{ADAPTED}.json", "settings.steps"),
        height=shown(f"results/{ADAPTED}.json", "settings.height"),
    shell:
        command("adapt")
