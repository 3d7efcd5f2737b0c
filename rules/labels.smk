# What files are called in `snakemake --report`.
#
# in:  PLAN
# out: functions that give the labels of a table's, a sweep's and a video's files


def of_table(**form):
    """Labels of a table's files in the report."""
    return lambda wildcards: {"table": PLAN.config.tables[wildcards.table].title, **form}


def of_sweep(**form):
    """Labels of a sweep's files in the report."""
    return lambda wildcards: {"sweep": PLAN.config.sweeps[wildcards.sweep].title, **form}


def of_video(**form):
    """Labels of a row's videos in the report."""
    return lambda wildcards: {
        "clip": wildcards.clip,
        "method": wildcards.row,
        "data set": wildcards.dataset,
        **form,
    }
