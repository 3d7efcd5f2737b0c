# Methods without a diffusion model: the first frame copied, K-Means on colour and position.
#
# in:  the data set
# out: results/baselines/{dataset}/{baseline}/{part}.json    label maps, as those of rule upsample
BASELINES = "baselines/{dataset}/{baseline}/{part}"


rule baseline:
    """Label {wildcards.dataset} without a diffusion model, part {wildcards.part}"""
    input:
        needs(f"results/{BASELINES}.json"),
    output:
        f"results/{BASELINES}.json",
    log:
        f"logs/{BASELINES}.log",
    benchmark:
        f"results/benchmarks/{BASELINES}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{BASELINES}.json"),
        kind=shown(f"results/{BASELINES}.json", "settings.kind"),
        clusters=shown(f"results/{BASELINES}.json", "settings.clusters"),
    shell:
        command("baseline")
