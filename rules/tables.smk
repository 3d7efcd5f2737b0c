# The paper's tables, and the sweeps of single settings.
#
# in:  results/scores/... (quality), manifests of the rows' stages (settings, efficiency), config/published/{table}.csv
# out: results/{table}.csv (long form), .md and .tex (the paper's layout), {table}-sequences.csv and .md (quality)
#      results/sweeps/{sweep}.csv, .png, .pdf


rule quality_table:
    """{wildcards.table}: figures of the configured rows"""
    input:
        published=lambda wildcards: PLAN.published(wildcards.table) or [],
        scores=plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
        timed=plainly(lambda wildcards: [path for row in PLAN.timed(wildcards.table) for path in row]),
    output:
        csv=report(
            "results/{table}.csv", category="Tables", labels=of_table(form="CSV"), caption="../report/table.rst"
        ),
        md="results/{table}.md",
        tex=report(
            "results/{table}.tex", category="Tables", labels=of_table(form="LaTeX"), caption="../report/table.rst"
        ),
        sequences="results/{table}-sequences.csv",
        sequences_md="results/{table}-sequences.md",
    log:
        "logs/{table}.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        published=lambda wildcards: PLAN.published(wildcards.table) or "none",
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
        csv=report(
            "results/{table}.csv", category="Tables", labels=of_table(form="CSV"), caption="../report/table.rst"
        ),
        md="results/{table}.md",
        tex=report(
            "results/{table}.tex", category="Tables", labels=of_table(form="LaTeX"), caption="../report/table.rst"
        ),
    log:
        "logs/{table}.log",
    wildcard_constraints:
        table=tables_of("settings"),
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
        published=lambda wildcards: PLAN.published(wildcards.table) or [],
        stages=plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
    output:
        csv=report(
            "results/{table}.csv", category="Tables", labels=of_table(form="CSV"), caption="../report/table.rst"
        ),
        md="results/{table}.md",
        tex=report(
            "results/{table}.tex", category="Tables", labels=of_table(form="LaTeX"), caption="../report/table.rst"
        ),
    log:
        "logs/{table}.log",
    wildcard_constraints:
        table=tables_of("efficiency"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        published=lambda wildcards: PLAN.published(wildcards.table) or "none",
        code=CODE["efficiency_table"],
    shell:
        "python scripts/efficiency_table.py {params.job:q} {params.published:q} {output.csv:q} {input.stages:q}"
        " 2>&1 | tee {log:q}"


rule frontier:
    """{wildcards.table}: quality against speed"""
    input:
        scores=lambda wildcards: [PLAN.scores(row) for row in PLAN.rows(wildcards.table)],
        stages=plainly(lambda wildcards: PLAN.table_inputs(wildcards.table)),
    output:
        csv=report(
            "results/{table}.csv", category="Tables", labels=of_table(form="CSV"), caption="../report/table.rst"
        ),
        md="results/{table}.md",
        tex=report(
            "results/{table}.tex", category="Tables", labels=of_table(form="LaTeX"), caption="../report/table.rst"
        ),
        png=report(
            "results/{table}.png", category="Tables", labels=of_table(form="chart"), caption="../report/table.rst"
        ),
        pdf="results/{table}.pdf",
    log:
        "logs/{table}.log",
    wildcard_constraints:
        table=tables_of("frontier"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.table_job(wildcards.table)),
        code=CODE["frontier"],
    shell:
        "python scripts/frontier.py {params.job:q} {output.csv:q} {output.png:q} {output.pdf:q} {input.scores:q}"
        " {input.stages:q} 2>&1 | tee {log:q}"


rule sweep:
    """{wildcards.sweep}: a method over the values of a setting"""
    input:
        lambda wildcards: [PLAN.scores(row) for row in PLAN.sweep_rows(wildcards.sweep)],
    output:
        csv=report(
            "results/sweeps/{sweep}.csv",
            category="Sweeps",
            labels=of_sweep(form="numbers (CSV)"),
            caption="../report/sweep.rst",
        ),
        png=report(
            "results/sweeps/{sweep}.png",
            category="Sweeps",
            labels=of_sweep(form="chart"),
            caption="../report/sweep.rst",
        ),
        pdf="results/sweeps/{sweep}.pdf",
    log:
        "logs/sweeps/{sweep}.log",
    wildcard_constraints:
        sweep="|".join(PLAN.config.sweeps) or "none",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: PLAN.sweep_job(wildcards.sweep)),
        code=CODE["sweep"],
    shell:
        "python scripts/sweep.py {params.job:q} {output.csv:q} {output.png:q} {output.pdf:q} {input:q}"
        " 2>&1 | tee {log:q}"
