# The frozen model's features and what is derived from them pair by pair.
#
# in:  the checked frames, the data set, the backbone's weights
# out: results/features/...           self-attention queries of every frame, HDF5, one file a clip beside the manifest
#      results/correspondences/...    the most similar cell of the next frame for every cell
FEATURES = "features/{dataset}/{backbone}/{features}/{part}"
MATCHES = "correspondences/{dataset}/{backbone}/{features}/{matches}/{part}"


rule features:
    """Cache self-attention queries of {wildcards.backbone} on {wildcards.dataset}, part {wildcards.part}"""
    input:
        needs(f"results/{FEATURES}.json"),
    output:
        f"results/{FEATURES}.json",
    log:
        f"logs/{FEATURES}.log",
    benchmark:
        f"results/benchmarks/{FEATURES}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=job(f"results/{FEATURES}.json"),
        blocks=shown(f"results/{FEATURES}.json", "settings.blocks"),
        step=shown(f"results/{FEATURES}.json", "settings.step"),
    shell:
        command("features")


rule correspondences:
    """Match cells between frames of {wildcards.dataset}, part {wildcards.part}"""
    input:
        needs(f"results/{MATCHES}.json"),
    output:
        f"results/{MATCHES}.json",
    log:
        f"logs/{MATCHES}.log",
    benchmark:
        f"results/benchmarks/{MATCHES}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{MATCHES}.json"),
        variant=shown(f"results/{MATCHES}.json", "settings.variant"),
        window=shown(f"results/{MATCHES}.json", "settings.window"),
    shell:
        command("correspondences")
