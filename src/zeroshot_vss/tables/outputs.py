"""Which files a table is."""

from __future__ import annotations


def layouts(csv: str) -> list[str]:
    """The files of a table: long form, and the paper's layout as Markdown and LaTeX."""
    return [csv, *(csv.removesuffix(".csv") + ending for ending in (".md", ".tex"))]


def plots(stem: str) -> list[str]:
    """The files of a figure, by their path without an ending."""
    return [stem + ending for ending in (".png", ".pdf")]
