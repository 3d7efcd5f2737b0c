# K-Means on the first frame, the scene context model, and CBR inside its batch loop.
#
# in:  results/features/..., results/correspondences/..., first-frame annotations
# out: results/coarse/.../{context}/{matches}/{shard}.json    label maps on the feature grid; {matches} is `none` without CBR


rule coarse:
    """Label {wildcards.dataset} on the feature grid, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
        features="results/features/{dataset}/{backbone}/{features}/{shard}.json",
    output:
        "results/coarse/{dataset}/{backbone}/{features}/{context}/none/{shard}.json",
    log:
        "logs/coarse/{dataset}/{backbone}/{features}/{context}/none/{shard}.log",
    benchmark:
        "results/benchmarks/coarse/{dataset}/{backbone}/{features}/{context}/none/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=told("results/coarse/{dataset}/{backbone}/{features}/{context}/none/{shard}"),
        code=CODE["coarse"],
    shell:
        "python scripts/coarse.py {params.job:q} {output:q} {input.checked:q} {input.features:q}"
        " 2>&1 | tee {log:q}"


rule coarse_refined:
    """Label {wildcards.dataset} on the feature grid and refine by correspondences, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
        features="results/features/{dataset}/{backbone}/{features}/{shard}.json",
        matches="results/correspondences/{dataset}/{backbone}/{features}/{matches}/{shard}.json",
    output:
        "results/coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{shard}.json",
    log:
        "logs/coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{shard}.log",
    benchmark:
        "results/benchmarks/coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{shard}.tsv"
    wildcard_constraints:
        matches=r"(?!none/)[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=told("results/coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{shard}"),
        code=CODE["coarse"],
    shell:
        "python scripts/coarse.py {params.job:q} {output:q} {input.checked:q} {input.features:q}"
        " {input.matches:q} 2>&1 | tee {log:q}"
