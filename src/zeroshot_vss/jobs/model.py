"""Jobs that run a backbone."""

from __future__ import annotations

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.jobs.base import ResultsJob


class ModelJob(ResultsJob):
    """A job that runs a backbone."""

    backbone: BackboneSpec
    weights: str
    """Digest of the backbone's files."""
