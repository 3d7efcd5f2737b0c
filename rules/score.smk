# Scores of one row (a method with its backbone on a data set), over all clips.
#
# in:  label maps of all parts of the data set, the data set's ground truth
# out: results/scores/{dataset}/{row}.json    pooled figures, 0..1
#      results/scores/{dataset}/{row}.csv     figures of each clip


PREDICTED = "|".join(name for name, method in PLAN.config.methods.items() if method.predictions) or "none"


rule score:
    """Score {wildcards.row} on {wildcards.dataset}"""
    input:
        maps_of,
    output:
        pooled="results/scores/{dataset}/{row}.json",
        clips="results/scores/{dataset}/{row}.csv",
    log:
        "logs/scores/{dataset}/{row}.log",
    benchmark:
        "results/benchmarks/score/{dataset}/{row}.tsv"
    wildcard_constraints:
        row=rf"(?!(?:{PREDICTED})$)[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=score_job,
        code=CODE["score"],
    shell:
        "python scripts/score.py {params.job:q} {output.pooled:q} {input:q} 2>&1 | tee {log:q}"


rule score_predictions:
    """Score the predictions of {wildcards.row} on {wildcards.dataset}"""
    output:
        pooled="results/scores/{dataset}/{row}.json",
        clips="results/scores/{dataset}/{row}.csv",
    log:
        "logs/scores/{dataset}/{row}.log",
    wildcard_constraints:
        row=PREDICTED,
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=score_job,
        code=CODE["predictions"],
    shell:
        "python scripts/predictions.py {params.job:q} {output.pooled:q} 2>&1 | tee {log:q}"
