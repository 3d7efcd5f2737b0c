"""A table as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.tables import from_markdown


def run(title: str, markdown: Path, page: Path) -> None:
    """Write the page from the table's Markdown."""
    write_page(page, title, from_markdown(markdown.read_text()))
