# The paper's tables.
#
# in:  results/scores/..., config/published.csv
# out: results/{table}.csv (long form), .md and .tex (the paper's layout)


rule table1:
    """Table 1: comparison of methods"""
    input:
        published="config/published.csv",
        scores=[PLAN.scores(row) for row in PLAN.rows("table1")],
    output:
        csv="results/table1.csv",
        md="results/table1.md",
        tex="results/table1.tex",
    log:
        "logs/table1.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=PLAN.table_job("table1"),
        code=CODE["table"],
    shell:
        "python scripts/table.py {params.job:q} 'Table 1: comparison of methods' {input.published:q} {output.csv:q}"
        " {input.scores:q} 2>&1 | tee {log:q}"
