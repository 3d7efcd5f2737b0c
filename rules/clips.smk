# Clips of your own: clusters as labels.
#
# in:  the label maps of the clip (config keys `clips` and `user_clips`)
# out: results/clips/{clip}/overlay.mp4    the clusters over the frames
#      results/clips/{clip}/labels/        one palette PNG a frame; values are clusters
CLIP = "results/clips/{clip}"


rule overlay:
    """Draw the clusters of {wildcards.clip} over its frames"""
    input:
        needs(f"{CLIP}/overlay.mp4"),
    output:
        video=report(
            f"{CLIP}/overlay.mp4",
            category="Videos",
            labels={"clip": "{clip}", "form": "saved file"},
            caption="../report/video.rst",
        ),
        labels=directory(f"{CLIP}/labels"),
    log:
        "logs/clips/{clip}.log",
    benchmark:
        "results/benchmarks/overlay/{clip}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"{CLIP}/overlay.mp4"),
    shell:
        STAGE + " overlay {params.job:q} 2>&1 | tee {log:q}"
