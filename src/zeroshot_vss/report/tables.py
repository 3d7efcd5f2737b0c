"""Tables as HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markdown_it import MarkdownIt
from markupsafe import Markup

from zeroshot_vss.report.job import RowTitle
from zeroshot_vss.report.page import fill
from zeroshot_vss.tables.quality import FIGURES

ACROSS = Markup('<div class="wide">{}</div>')
CLIPS = """\
<h1>{{ title }}</h1>
<p>Figures of each clip in %, as its own score: those of the table pool all clips.</p>
{% for (dataset, figure), table in tables.items() %}
<h2>{{ dataset }}: {{ figure }}</h2>
<div class="wide"><table><thead><tr><th>clip</th><th>frames</th>
{%- for name in table.columns %}<th>{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for (clip, frames), line in table.iterrows() %}
<tr><td>{{ clip }}<td class=n>{{ frames }}{% for value in line %}<td class=n>{{ shown(value) }}{% endfor %}</tr>
{% endfor %}
</tbody></table></div>
{% endfor %}
"""


def from_markdown(text: str) -> Markup:
    """A Markdown text with tables. HTML inside it stays text."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    return ACROSS.format(Markup(html))


def clip_tables(rows: Sequence[RowTitle], scores: Sequence[Any]) -> dict[tuple[str, str], pd.DataFrame]:
    """Clips down and methods across, in %, for each data set and each of the paper's figures that it has.

    Args:
        rows: in words.
        scores: of each row: `clip`, `frames` and figures of 0..1.
    """
    tables: dict[tuple[str, str], dict[str, Any]] = {}
    for row, table in zip(rows, scores, strict=True):
        for key, name in FIGURES.items():
            if key in table and table[key].notna().any():
                values = 100 * table.set_index(["clip", "frames"])[key]
                tables.setdefault((row.dataset, name), {})[row.column] = values
    return {place: pd.DataFrame(columns) for place, columns in tables.items()}


def clips_page(title: str, tables: Mapping[tuple[str, str], pd.DataFrame]) -> Markup:
    """The scores of each clip."""
    return fill(CLIPS, title=title, tables=tables, shown=lambda value: "" if pd.isna(value) else f"{value:.1f}")
