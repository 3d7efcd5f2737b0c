"""What the rows of other systems' predictions score them as."""

from __future__ import annotations

from zeroshot_vss.config.datasets import DataSetConfig
from zeroshot_vss.datasets import options_of
from zeroshot_vss.entries.index import Purpose
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.workflow.rows import Row


def purpose_of(row: Row, configured: DataSetConfig, spec: DataSetSpec) -> Purpose:
    """The data set, split and protocol of a row."""
    split = getattr(options_of(spec.kind, spec.options), "split", None)
    return Purpose(
        where=f"methods: {row.method}: predictions: {row.dataset}",
        names=tuple(dict.fromkeys((row.dataset, spec.kind))),
        split=None if split is None else str(split),
        protocol=configured.protocol,
    )
