# Supervised networks that label each frame alone (Mask2Former).
#
# in:  the data set
# out: results/segmenters/{dataset}/{segmenter}/{shard}.json    label maps, as those of rule upsample


rule segmenter:
    """Label {wildcards.dataset} with a supervised network, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
    output:
        "results/segmenters/{dataset}/{segmenter}/{shard}.json",
    log:
        "logs/segmenters/{dataset}/{segmenter}/{shard}.log",
    benchmark:
        "results/benchmarks/segmenter/{dataset}/{segmenter}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=told("results/segmenters/{dataset}/{segmenter}/{shard}"),
        code=CODE["segmenter"],
    shell:
        "python scripts/segmenter.py {params.job:q} {output:q} {input.checked:q} 2>&1 | tee {log:q}"
