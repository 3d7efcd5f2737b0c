# Full-resolution label maps by masked modulation (or another upsampler).
#
# in:  results/coarse/..., the data set, the backbone's weights
# out: results/maps/.../{upsampling}/{part}.json    label maps at the frames' own size, HDF5, one file a clip
MAPS = "maps/{dataset}/{backbone}/{features}/{context}/{matches}/{upsampling}/{part}"


rule upsample:
    """Upsample the label maps of {wildcards.dataset} with {wildcards.backbone}, part {wildcards.part}"""
    input:
        needs(f"results/{MAPS}.json"),
    output:
        f"results/{MAPS}.json",
    log:
        f"logs/{MAPS}.log",
    benchmark:
        f"results/benchmarks/{MAPS}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=job(f"results/{MAPS}.json"),
        upsampler=shown(f"results/{MAPS}.json", "settings.upsampler"),
        block=shown(f"results/{MAPS}.json", "settings.modulation.block"),
        strength=shown(f"results/{MAPS}.json", "settings.modulation.strength"),
    shell:
        command("upsample")
