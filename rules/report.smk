# Pages for `snakemake --report results/report.html`: HTML files that need nothing beside them.
#
# in:  tables, scores of each clip, manifests of the rows' stages, label maps
# out: results/report/{table}.html          the table
#      results/report/{table}-clips.html    scores of each clip (tables of scores)
#      results/report/{table}-runs.html     settings, code, weights, versions and times (tables of scores)
#      results/{table}-leaderboard.html     sorted by any figure, with intervals, ranks, origins, players of clips
#      results/players/{table}/{dataset}/{clip}.html    the table's rows over a clip, side by side
#      results/overlays/{dataset}/{row}/{clip}.mp4, .html    a row's label maps over a clip, and a page that plays them
#
# Snakemake shows pages, PNGs and PDFs in place; CSV files and videos are saved by a click, hence a page of each.
OVERLAYS = "overlays/{dataset}/{row}/{clip}"
PLAYERS = "players/{table}/{dataset}/{clip}"


rule table_page:
    """{wildcards.table} as a page"""
    input:
        needs("results/report/{table}.html"),
    output:
        report(
            "results/report/{table}.html",
            category="Tables",
            labels=of_table(form="page"),
            caption="../report/table.rst",
        ),
    log:
        "logs/report/{table}.log",
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/report/{table}.html"),
    shell:
        command("table_page")


rule clips_page:
    """{wildcards.table}: scores of each clip as a page"""
    input:
        needs("results/report/{table}-clips.html"),
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
        job=job("results/report/{table}-clips.html"),
    shell:
        command("clips_page")


rule runs_page:
    """{wildcards.table}: settings, versions and times as a page"""
    input:
        needs("results/report/{table}-runs.html"),
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
        job=job("results/report/{table}-runs.html"),
    shell:
        command("runs_page")


rule leaderboard:
    """{wildcards.table}: the leaderboard"""
    input:
        needs("results/{table}-leaderboard.html"),
    output:
        report(
            "results/{table}-leaderboard.html",
            category="Leaderboards",
            labels=of_table(),
            caption="../report/leaderboard.rst",
        ),
    log:
        "logs/{table}-leaderboard.log",
    wildcard_constraints:
        table=tables_of("quality"),
    localrule: True
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job("results/{table}-leaderboard.html"),
    shell:
        command("leaderboard")


rule row_overlay:
    """Draw the label maps of {wildcards.row} over {wildcards.clip} of {wildcards.dataset}"""
    input:
        needs(f"results/{OVERLAYS}.mp4"),
    output:
        video=report(
            f"results/{OVERLAYS}.mp4",
            category="Videos",
            labels=of_video(form="saved file"),
            caption="../report/video.rst",
        ),
        page=report(
            f"results/{OVERLAYS}.html",
            category="Videos",
            labels=of_video(form="player"),
            caption="../report/video.rst",
        ),
    log:
        f"logs/{OVERLAYS}.log",
    benchmark:
        f"results/benchmarks/{OVERLAYS}.tsv"
    wildcard_constraints:
        row=r"[^/]+",
        clip=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{OVERLAYS}.mp4"),
    shell:
        command("row_overlay")


rule table_player:
    """Write the player of {wildcards.table} on {wildcards.clip} of {wildcards.dataset}"""
    input:
        needs(f"results/{PLAYERS}.html"),
    output:
        f"results/{PLAYERS}.html",
    log:
        f"logs/{PLAYERS}.log",
    wildcard_constraints:
        table=tables_of("quality"),
        clip=r"[^/]+",
    conda:
        "../envs/zeroshot_vss.yaml"
    params:
        job=job(f"results/{PLAYERS}.html"),
    shell:
        command("table_player")


rule pages:
    """The pages of the main table and the videos: a report of a short run"""
    input:
        "results/figures/overview.png",
        PLAN.pages.names(["table1"]),
        exit_on_input_error(lambda wildcards: PLAN.pages.videos()),
    localrule: True
