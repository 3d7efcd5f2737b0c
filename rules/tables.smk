# The paper's tables, and the sweeps of single settings.
#
# in:  results/scores/... (quality), manifests of the rows' stages (settings, efficiency), config/published/{table}.csv
# out: results/{table}.csv (long form), .md and .tex (the paper's layout)
#      results/sweeps/{sweep}.csv, .png, .pdf


rule quality_table:
    """{wildcards.table}: figures of the configured rows"""
    input:
        published=lambda wildcards: PLAN.published(wildcards.table) or [],
        scores=plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
        timed=plainly(lambda wildcards: [path for row in PLAN.timed(wildcards.table) for path in row]),
    output:
        csv="results/{table}.csv",
        md="results/{table}.md",
        tex="results/{table}.tex",
    wildcard_constraints:
        table=tables_of("quality"),
    log:
        "logs/{table}.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        published=lambda wildcards: PLAN.published(wildcards.table) or "",
        timed=plainly(lambda wildcards: json.dumps(PLAN.timed(wildcards.table))),
        code=CODE["table"],
    shell:
        "python scripts/table.py {params.job:q} {params.published:q} {params.timed:q} {output.csv:q} {input.scores:q}"
        " 2>&1 | tee {log:q}"


rule settings_table:
    """{wildcards.table}: the settings that really ran"""
    input:
        plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
    output:
        csv="results/{table}.csv",
        md="results/{table}.md",
        tex="results/{table}.tex",
    wildcard_constraints:
        table=tables_of("settings"),
    log:
        "logs/{table}.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        code=CODE["settings_table"],
    shell:
        "python scripts/settings_table.py {params.job:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


rule efficiency_table:
    """{wildcards.table}: time, memory and disk"""
    input:
        plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
    output:
        csv="results/{table}.csv",
        md="results/{table}.md",
        tex="results/{table}.tex",
    wildcard_constraints:
        table=tables_of("efficiency"),
    log:
        "logs/{table}.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        code=CODE["efficiency_table"],
    shell:
        "python scripts/efficiency_table.py {params.job:q} {output.csv:q} {input:q} 2>&1 | tee {log:q}"


rule sweep:
    """{wildcards.sweep}: a method over the values of a setting"""
    input:
        lambda wildcards: [PLAN.scores(row) for row in PLAN.sweep_rows(wildcards.sweep)],
    output:
        csv="results/sweeps/{sweep}.csv",
        png="results/sweeps/{sweep}.png",
        pdf="results/sweeps/{sweep}.pdf",
    wildcard_constraints:
        sweep="|".join(PLAN.config.sweeps) or "none",
    log:
        "logs/sweeps/{sweep}.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.sweep_job(wildcards.sweep)),
        code=CODE["sweep"],
    shell:
        "python scripts/sweep.py {params.job:q} {output.csv:q} {output.png:q} {output.pdf:q} {input:q}"
        " 2>&1 | tee {log:q}"
