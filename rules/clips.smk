# Clips of your own: clusters as labels.
#
# in:  the label maps of the clip (config keys `clips` and `user_clips`)
# out: results/clips/{clip}/overlay.mp4    the clusters over the frames
#      results/clips/{clip}/labels/        one palette PNG a frame; values are clusters


rule overlay:
    """Draw the clusters of {wildcards.clip} over its frames"""
    input:
        maps_of_clip,
    output:
        video=report(
            "results/clips/{clip}/overlay.mp4",
            category="Videos",
            labels={"clip": "{clip}", "form": "saved file"},
            caption="../report/video.rst",
        ),
        labels=directory("results/clips/{clip}/labels"),
    log:
        "logs/clips/{clip}.log",
    benchmark:
        "results/benchmarks/overlay/{clip}.tsv"
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=overlay_job,
        code=CODE["overlay"],
    shell:
        "python scripts/overlay.py {params.job:q} {output.video:q} {output.labels:q} {input:q}" " 2>&1 | tee {log:q}"
