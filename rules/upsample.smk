# Full-resolution label maps by masked modulation (or another upsampler).
#
# in:  results/coarse/..., the data set, the backbone's weights
# out: results/maps/.../{upsampling}/{shard}.json    label maps at the frames' own size, HDF5, one file a clip


rule upsample:
    """Upsample the label maps of {wildcards.dataset} with {wildcards.backbone}, part {wildcards.shard}"""
    input:
        checked="results/checked/{dataset}/{shard}.json",
        coarse="results/coarse/{dataset}/{backbone}/{features}/{context}/{matches}/{shard}.json",
    output:
        "results/maps/{dataset}/{backbone}/{features}/{context}/{matches}/{upsampling}/{shard}.json",
    log:
        "logs/maps/{dataset}/{backbone}/{features}/{context}/{matches}/{upsampling}/{shard}.log",
    benchmark:
        "results/benchmarks/upsample/{dataset}/{backbone}/{features}/{context}/{matches}/{upsampling}/{shard}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    resources:
        gpu=1,
    params:
        job=told("results/maps/{dataset}/{backbone}/{features}/{context}/{matches}/{upsampling}/{shard}"),
        code=CODE["upsample"],
    shell:
        "python scripts/upsample.py {params.job:q} {output:q} {input.checked:q} {input.coarse:q}"
        " 2>&1 | tee {log:q}"
