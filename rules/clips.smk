# Clips of your own: clusters as labels, or the labels of a mask.
#
# in:  the label maps of the clip (config keys `clips` and `user_clips`)
# out: results/clips/{clip}/overlay.mp4    the clusters over the frames
#      results/clips/{clip}/labels/        one palette PNG a frame; values are labels
#      results/clips/{clip}/player.html    the same to play, switch, name and merge
#      results/clips/{clip}/exports/       COCO, YouTube-VIS, CVAT, Pascal VOC


rule overlay:
    """Draw the labels of {wildcards.clip} over its frames"""
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


rule player:
    """Write the player of {wildcards.clip}"""
    input:
        maps_of_clip,
    output:
        "results/clips/{clip}/player.html",
    log:
        "logs/clips/{clip}-player.log",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=overlay_job,
        code=CODE["player"],
    shell:
        "python scripts/player.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule exports:
    """Write the label maps of {wildcards.clip} in the formats of other tools"""
    input:
        maps_of_clip,
    output:
        directory("results/clips/{clip}/exports"),
    log:
        "logs/clips/{clip}-exports.log",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=overlay_job,
        code=CODE["exports"],
    shell:
        "python scripts/exports.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"
