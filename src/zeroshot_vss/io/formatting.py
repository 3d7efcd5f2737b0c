"""Quantities in words."""

from __future__ import annotations


def format_size(size: float) -> str:
    """Bytes in the largest unit of which there is one."""
    for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size / 2**10:.0f} KiB"


def format_duration(seconds: float) -> str:
    """Hours and minutes; a minute at least."""
    hours, minutes = divmod(max(round(seconds / 60), 1), 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min"
