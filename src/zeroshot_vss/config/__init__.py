"""The configuration: data sets, backbones, methods, tables, sweeps and figures, one file each."""

from zeroshot_vss.config.model import Config
from zeroshot_vss.config.overrides import merge
from zeroshot_vss.config.read import read_config

__all__ = ["Config", "merge", "read_config"]
