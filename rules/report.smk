# Pages for `snakemake --report results/report.html`: HTML files that need nothing beside them.
#
# in:  tables, scores of each clip, manifests of the rows' stages, label maps
# out: results/report/{table}.html          the table
#      results/report/{table}-clips.html    scores of each clip (tables of scores)
#      results/report/{table}-runs.html     settings, code, weights, versions and times (tables of scores)
#      results/players/{table}/{dataset}/{clip}.html    the table's rows over a clip, side by side
#      results/overlays/{dataset}/{row}/{clip}.mp4, .html    a row's label maps over a clip, and a page that plays them
#
# Snakemake shows pages, PNGs and PDFs in place; CSV files and videos are saved by a click, hence a page of each.


rule table_page:
    """{wildcards.table} as a page"""
    input:
        "results/{table}.md",
    output:
        report(
            "results/report/{table}.html",
            category="Tables",
            labels=of_table(form="page"),
            caption="../report/table.rst",
        ),
    log:
        "logs/report/{table}.log",
    wildcard_constraints:
        table="|".join(PLAN.config.tables),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        title=lambda wildcards: PLAN.config.tables[wildcards.table].title,
        code=PAGE_CODE["table_page"],
    shell:
        "python scripts/table_page.py {params.title:q} {input:q} {output:q} 2>&1 | tee {log:q}"


rule clips_page:
    """{wildcards.table}: scores of each clip as a page"""
    input:
        plainly(lambda wildcards: REPORT.clips_inputs(wildcards.table)),
    output:
        report(
            "results/report/{table}-clips.html",
            category="Scores of each clip",
            labels=of_table(),
            caption="../report/clips.rst",
        ),
    log:
        "logs/report/{table}-clips.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: REPORT.clips_job(wildcards.table)),
        code=PAGE_CODE["clips_page"],
    shell:
        "python scripts/clips_page.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule runs_page:
    """{wildcards.table}: settings, versions and times as a page"""
    input:
        plainly(lambda wildcards: REPORT.runs_inputs(wildcards.table)),
    output:
        report(
            "results/report/{table}-runs.html",
            category="Settings, versions and times",
            labels=of_table(),
            caption="../report/runs.rst",
        ),
    log:
        "logs/report/{table}-runs.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: REPORT.runs_job(wildcards.table)),
        code=PAGE_CODE["runs_page"],
    shell:
        "python scripts/runs_page.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule row_overlay:
    """Draw the label maps of {wildcards.row} over {wildcards.clip} of {wildcards.dataset}"""
    input:
        plainly(lambda wildcards: REPORT.overlay_input(wildcards.dataset, wildcards.row, wildcards.clip)),
    output:
        video=report(
            "results/overlays/{dataset}/{row}/{clip}.mp4",
            category="Videos",
            labels=of_video(form="saved file"),
            caption="../report/video.rst",
        ),
        page=report(
            "results/overlays/{dataset}/{row}/{clip}.html",
            category="Videos",
            labels=of_video(form="player"),
            caption="../report/video.rst",
        ),
    log:
        "logs/overlays/{dataset}/{row}/{clip}.log",
    benchmark:
        "results/benchmarks/row_overlay/{dataset}/{row}/{clip}.tsv"
    wildcard_constraints:
        row=r"[^/]+",
        clip=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: REPORT.overlay_job(wildcards.dataset, wildcards.row, wildcards.clip)),
        code=PAGE_CODE["row_overlay"],
    shell:
        "python scripts/row_overlay.py {params.job:q} {output.video:q} {output.page:q} {input:q} 2>&1 | tee {log:q}"


rule table_player:
    """Write the player of {wildcards.table} on {wildcards.clip} of {wildcards.dataset}"""
    input:
        plainly(lambda wildcards: REPORT.player_inputs(wildcards.table, wildcards.dataset, wildcards.clip)),
    output:
        "results/players/{table}/{dataset}/{clip}.html",
    log:
        "logs/players/{table}/{dataset}/{clip}.log",
    wildcard_constraints:
        table=tables_of("quality"),
        clip=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=plainly(lambda wildcards: REPORT.player_job(wildcards.table, wildcards.dataset, wildcards.clip)),
        code=PAGE_CODE["table_player"],
    shell:
        "python scripts/table_player.py {params.job:q} {output:q} {input:q} 2>&1 | tee {log:q}"


rule pages:
    """The pages of the main table and the videos: a report of a short run"""
    input:
        "results/figures/overview.png",
        REPORT.pages(["table1"]),
        plainly(lambda wildcards: REPORT.videos()),
    localrule: True
