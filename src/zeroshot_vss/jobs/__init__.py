"""What a job is given: its files, its clips, and the settings of its stage. One file a stage."""

from zeroshot_vss.registry import Registry

JOBS = Registry(
    "stage",
    {
        "check": "zeroshot_vss.jobs.check:CheckJob",
        "check_predictions": "zeroshot_vss.jobs.check_predictions:PredictionsJob",
        "adapt": "zeroshot_vss.jobs.adapt:AdaptJob",
        "features": "zeroshot_vss.jobs.features:FeaturesJob",
        "correspondences": "zeroshot_vss.jobs.correspondences:CorrespondenceJob",
        "coarse": "zeroshot_vss.jobs.coarse:CoarseJob",
        "upsample": "zeroshot_vss.jobs.upsample:UpsampleJob",
        "baseline": "zeroshot_vss.jobs.baseline:BaselineJob",
        "segmenter": "zeroshot_vss.jobs.segmenter:SegmenterJob",
        "score": "zeroshot_vss.jobs.score:ScoreJob",
        "table": "zeroshot_vss.tables.quality:TableJob",
        "intervals_figure": "zeroshot_vss.tables.intervals_figure:IntervalsFigureJob",
        "attributes_table": "zeroshot_vss.tables.attributes:AttributesJob",
        "classes_table": "zeroshot_vss.tables.classes:ClassesJob",
        "settings_table": "zeroshot_vss.tables.used_settings:SettingsJob",
        "efficiency_table": "zeroshot_vss.tables.efficiency:EfficiencyJob",
        "frontier": "zeroshot_vss.tables.frontier:FrontierJob",
        "sweep": "zeroshot_vss.tables.sweep:SweepJob",
        "overview": "zeroshot_vss.jobs.overview:OverviewJob",
        "overlay": "zeroshot_vss.jobs.overlay:OverlayJob",
        "player": "zeroshot_vss.jobs.overlay:PlayerJob",
        "exports": "zeroshot_vss.jobs.overlay:ExportsJob",
        "table_player": "zeroshot_vss.report.job:TablePlayerJob",
        "inspect": "zeroshot_vss.figures.job:InspectJob",
        "figure": "zeroshot_vss.figures.job:FigureJob",
        "table_page": "zeroshot_vss.report.job:TablePageJob",
        "clips_page": "zeroshot_vss.report.job:ClipsPageJob",
        "leaderboard": "zeroshot_vss.report.job:LeaderboardJob",
        "runs_page": "zeroshot_vss.report.job:RunsPageJob",
        "row_overlay": "zeroshot_vss.report.job:RowOverlayJob",
    },
)
"""Stage to its kind of job; `zeroshot_vss.stages.<stage>` does it."""
