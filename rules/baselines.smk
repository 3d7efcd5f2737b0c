# Methods without a diffusion model: the first frame copied, K-Means on colour and position.
#
# in:  the data set
# out: results/baselines/{dataset}/{baseline}/{shard}.json    label maps, as those of rule upsample


rule baseline:
    """Label {wildcards.dataset} without a diffusion model, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
    output:
        "results/baselines/{dataset}/{baseline}/{shard}.json",
    log:
        "logs/baselines/{dataset}/{baseline}/{shard}.log",
    benchmark:
        "results/benchmarks/baseline/{dataset}/{baseline}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=told("results/baselines/{dataset}/{baseline}/{shard}"),
        code=CODE["baseline"],
    shell:
        "python scripts/baseline.py {params.job:q} {output:q} {input.checked:q} 2>&1 | tee {log:q}"
