# The frozen model's features and what is derived from them pair by pair.
#
# in:  results/checked/{dataset}/{shard}.json, the data set, the backbone's weights
# out: results/features/...           self-attention queries of every frame, HDF5, one file a clip beside the manifest
#      results/correspondences/...    the most similar cell of the next frame for every cell


rule features:
    """Cache self-attention queries of {wildcards.backbone} on {wildcards.dataset}, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
    output:
        "results/features/{dataset}/{backbone}/{features}/{shard}.json",
    log:
        "logs/features/{dataset}/{backbone}/{features}/{shard}.log",
    benchmark:
        "results/benchmarks/features/{dataset}/{backbone}/{features}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=told("results/features/{dataset}/{backbone}/{features}/{shard}"),
        code=CODE["features"],
    shell:
        "python scripts/features.py {params.job:q} {output:q} {input.checked:q} 2>&1 | tee {log:q}"


rule correspondences:
    """Match cells between frames of {wildcards.dataset}, part {wildcards.shard}"""
    input:
        features="results/features/{dataset}/{backbone}/{features}/{shard}.json",
    output:
        "results/correspondences/{dataset}/{backbone}/{features}/{matches}/{shard}.json",
    log:
        "logs/correspondences/{dataset}/{backbone}/{features}/{matches}/{shard}.log",
    benchmark:
        "results/benchmarks/correspondences/{dataset}/{backbone}/{features}/{matches}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=told("results/correspondences/{dataset}/{backbone}/{features}/{matches}/{shard}"),
        code=CODE["correspondences"],
    shell:
        "python scripts/correspondences.py {params.job:q} {output:q} {input.features:q} 2>&1 | tee {log:q}"
