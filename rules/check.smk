# Bad input is found before time is spent on a model.
#
# in:  the data sets of the configuration
# out: results/checked/{dataset}/{shard}.json    digest of each clip's frames and annotations


rule check:
    """Read every frame and mask of {wildcards.dataset}, part {wildcards.shard}"""
    output:
        "results/checked/{dataset}/{shard}.json",
    log:
        "logs/check/{dataset}/{shard}.log",
    benchmark:
        "results/benchmarks/check/{dataset}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=told("results/checked/{dataset}/{shard}"),
        code=CODE["check"],
    shell:
        "python scripts/check.py {params.job:q} {output:q} 2>&1 | tee {log:q}"
