# Clips of your own: clusters as labels, or the labels of a mask.
#
# in:  the label maps of the clip (config keys `clips` and `user_clips`)
# out: results/clips/{clip}/overlay.mp4    the clusters over the frames
#      results/clips/{clip}/labels/        one palette PNG a frame; values are labels
#      results/clips/{clip}/player.html    the same to play, switch, name and merge
#      results/clips/{clip}/exports/       COCO, YouTube-VIS, CVAT, Pascal VOC
CLIP = "results/clips/{clip}"


rule overlay:
    """Draw the labels of {wildcards.clip} over its frames"""
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
        command("overlay")


rule player:
    """Write the player of {wildcards.clip}"""
    input:
        needs(f"{CLIP}/player.html"),
    output:
        f"{CLIP}/player.html",
    log:
        "logs/clips/{clip}-player.log",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"{CLIP}/player.html"),
    shell:
        command("player")


rule exports:
    """Write the label maps of {wildcards.clip} in the formats of other tools"""
    input:
        needs(f"{CLIP}/exports"),
    output:
        directory(f"{CLIP}/exports"),
    log:
        "logs/clips/{clip}-exports.log",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"{CLIP}/exports"),
    shell:
        command("exports")
