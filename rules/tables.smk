# The paper's tables, and the sweeps of single settings.
#
# in:  results/scores/... (quality), manifests of the rows' stages (settings, efficiency), config/published/{table}.csv
# out: results/{table}.csv (long form), .md and .tex (the paper's layout), {table}-sequences.csv and .md (quality)
#      {table}-intervals.csv, .md and .tex, {table}-comparisons.csv, .md and .tex (quality)
#      {table}-intervals.png, .pdf (quality)
#      {table}-attributes.tex, .png, .pdf (quality, where a data set has attributes)
#      {table}-classes.csv, .md, .tex, .png, .pdf (quality, where a protocol counts pixels by class)
#      results/sweeps/{sweep}.csv, .png, .pdf


rule quality_table:
    """{wildcards.table}: scores of the configured rows, of single sequences, and how sure they are"""
    input:
        needs("results/{table}.csv"),
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
        intervals="results/{table}-intervals.csv",
        intervals_md="results/{table}-intervals.md",
        intervals_tex="results/{table}-intervals.tex",
        comparisons="results/{table}-comparisons.csv",
        comparisons_md="results/{table}-comparisons.md",
        comparisons_tex="results/{table}-comparisons.tex",
    log:
        "logs/{table}.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}.csv"),
    shell:
        command("table")


rule intervals_figure:
    """{wildcards.table}: intervals and ranks of its rows as a figure"""
    input:
        needs("results/{table}-intervals.png"),
    output:
        png=report(
            "results/{table}-intervals.png",
            category="Tables",
            labels=of_table(form="chart"),
            caption="../report/intervals.rst",
        ),
        pdf="results/{table}-intervals.pdf",
    log:
        "logs/{table}-intervals.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}-intervals.png"),
    shell:
        command("intervals_figure")


rule attributes_table:
    """{wildcards.table}: its rows attribute by attribute"""
    input:
        needs("results/{table}-attributes.png"),
    output:
        tex="results/{table}-attributes.tex",
        png=report(
            "results/{table}-attributes.png",
            category="Tables",
            labels=of_table(form="chart"),
            caption="../report/attributes.rst",
        ),
        pdf="results/{table}-attributes.pdf",
    log:
        "logs/{table}-attributes.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}-attributes.png"),
    shell:
        command("attributes_table")


rule classes_table:
    """{wildcards.table}: IoU of each class, and what classes are taken for"""
    input:
        needs("results/{table}-classes.csv"),
    output:
        csv=report(
            "results/{table}-classes.csv",
            category="Classes",
            labels=of_table(form="CSV"),
            caption="../report/classes.rst",
        ),
        md="results/{table}-classes.md",
        tex=report(
            "results/{table}-classes.tex",
            category="Classes",
            labels=of_table(form="LaTeX"),
            caption="../report/classes.rst",
        ),
        png=report(
            "results/{table}-classes.png",
            category="Classes",
            labels=of_table(form="chart"),
            caption="../report/classes.rst",
        ),
        pdf="results/{table}-classes.pdf",
    log:
        "logs/{table}-classes.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}-classes.csv"),
    shell:
        command("classes_table")


rule table:
    """{wildcards.table}: settings or costs of the configured rows"""
    input:
        needs("results/{table}.csv"),
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
        table=tables_of("settings", "efficiency"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}.csv"),
        stage=shown("results/{table}.csv", "stage"),
    shell:
        command("{params.stage}")


rule frontier:
    """{wildcards.table}: quality against speed"""
    input:
        needs("results/{table}.csv"),
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
        job=job("results/{table}.csv"),
    shell:
        command("frontier")


rule sweep:
    """{wildcards.sweep}: a method over the values of a setting"""
    input:
        needs("results/sweeps/{sweep}.csv"),
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
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/sweeps/{sweep}.csv"),
    shell:
        command("sweep")
