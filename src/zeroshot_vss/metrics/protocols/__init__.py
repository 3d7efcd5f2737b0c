"""The benchmarks' rules by name. A new metric is a file with a `Metric`, a new protocol one with a `Protocol` and a
line in PROTOCOLS."""

from zeroshot_vss.registry import Registry

PROTOCOLS = Registry(
    "protocol",
    {
        "vspw": "zeroshot_vss.metrics.protocols.segmentation:VSPW",
        "camvid-11": "zeroshot_vss.metrics.protocols.segmentation:CAMVID_11",
        "camvid-32": "zeroshot_vss.metrics.protocols.segmentation:CAMVID_32",
        "cityscapes-official": "zeroshot_vss.metrics.protocols.cityscapes:OFFICIAL",
        "cityscapes-paper": "zeroshot_vss.metrics.protocols.cityscapes:PAPER",
        "davis-2016": "zeroshot_vss.metrics.protocols.objects:DAVIS_2016",
        "davis-2017": "zeroshot_vss.metrics.protocols.objects:DAVIS_2017",
        "clvos": "zeroshot_vss.metrics.protocols.objects:CLVOS",
    },
)
"""Objects of :class:`zeroshot_vss.metrics.protocols.base.Protocol`."""
