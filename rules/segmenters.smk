# Supervised networks that label each frame alone (Mask2Former).
#
# in:  the data set
# out: results/segmenters/{dataset}/{segmenter}/{part}.json    label maps, as those of rule upsample
SEGMENTERS = "segmenters/{dataset}/{segmenter}/{part}"


rule segmenter:
    """Label {wildcards.dataset} with a supervised network, part {wildcards.part}"""
    input:
        needs(f"results/{SEGMENTERS}.json"),
    output:
        f"results/{SEGMENTERS}.json",
    log:
        f"logs/{SEGMENTERS}.log",
    benchmark:
        f"results/benchmarks/{SEGMENTERS}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=job(f"results/{SEGMENTERS}.json"),
        network=shown(f"results/{SEGMENTERS}.json", "settings.path"),
    shell:
        command("segmenter")
