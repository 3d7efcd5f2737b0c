# K-Means on the first frame, the scene context model, and CBR inside its batch loop.
#
# in:  results/features/..., results/correspondences/..., the checked annotations
# out: results/coarse/.../{context}/{matches}/{part}.json    label maps on the feature grid; {matches} is `none` without CBR
COARSE = "coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{part}"


rule coarse:
    """Label {wildcards.dataset} on the feature grid, part {wildcards.part}"""
    input:
        needs(f"results/{COARSE}.json"),
    output:
        f"results/{COARSE}.json",
    log:
        f"logs/{COARSE}.log",
    benchmark:
        f"results/benchmarks/{COARSE}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{COARSE}.json"),
        clusters=shown(f"results/{COARSE}.json", "settings.clusters"),
        classifier=shown(f"results/{COARSE}.json", "settings.classifier"),
        refinement=shown(f"results/{COARSE}.json", "refinement.variant"),
    shell:
        command("coarse")
