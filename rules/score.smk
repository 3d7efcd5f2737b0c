# Scores of one row (a method with its backbone on a data set, or another system's predictions), over all clips.
#
# in:  label maps of all parts of the data set, or a folder of predictions and its check; the data set's
#      ground truth
# out: results/scores/{dataset}/{row}.json    pooled figures, 0..1
#      results/scores/{dataset}/{row}.csv     figures of each clip
#      results/scores/{dataset}/{row}.npz     what pooling needs of each clip, for intervals
SCORES = "scores/{dataset}/{row}"


rule score:
    """Score {wildcards.row} on {wildcards.dataset}"""
    input:
        needs(f"results/{SCORES}.json"),
    output:
        pooled=f"results/{SCORES}.json",
        clips=f"results/{SCORES}.csv",
        parts=f"results/{SCORES}.npz",
    log:
        f"logs/{SCORES}.log",
    benchmark:
        f"results/benchmarks/{SCORES}.tsv"
    wildcard_constraints:
        row=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{SCORES}.json"),
        protocol=shown(f"results/{SCORES}.json", "protocol"),
    shell:
        command("score")
