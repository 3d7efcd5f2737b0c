"""One HTML file that needs nothing beside it, in a plain style that also prints well."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from zeroshot_vss.io.files import replacing

LONGEST = 3 * (2**21 - 256) // 4
"""Bytes of a page that Chromium shows inside a report of one file, where it is an address (data:...;base64,...) of
2 MiB at most."""

_ENVIRONMENT = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
_PAGE = _ENVIRONMENT.from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{ title }}</title>
<style>
body { font: 14px/1.45 system-ui, sans-serif; color: #1b1b1b; margin: 1.5rem; }
h1 { font-size: 1.3rem; } h2 { font-size: 1.1rem; margin-top: 1.6rem; }
div.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: .4rem 0 1rem; }
th, td { padding: .22rem .6rem; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
thead th { border-bottom: 2px solid #888; }
tbody th { white-space: nowrap; }
tbody tr:hover { background: #f2f5fa; }
td.n { text-align: right; white-space: nowrap; }
details { margin: .5rem 0; } details details { margin-left: 1.2rem; } summary { cursor: pointer; font-weight: 600; }
code { font-size: 12px; overflow-wrap: anywhere; }
video { max-width: 100%; width: {{ width }}px; background: #000; }
span.swatch { display: inline-block; width: .9em; height: .9em; margin-right: .35em; border: 1px solid #888; }
ul.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; }
</style>
</head>
<body>
{{ body }}
</body>
</html>
""")


def fill(template: str, **values: Any) -> Markup:
    """A piece of HTML from a Jinja template; values are escaped."""
    return Markup(_ENVIRONMENT.from_string(template).render(**values))


def write_page(path: Path, title: str, body: Markup, width: int = 960) -> None:
    """Write a page, whole or not at all. `width` is that of its videos."""
    text = _PAGE.render(title=title, body=body, width=width)
    with replacing(path) as partial:
        partial.write_text(text)
    if path.stat().st_size > LONGEST:
        print(
            f"{path} has {path.stat().st_size:,} bytes; Chromium shows at most {LONGEST:,} inside a report of one "
            "file: open the page itself, or write the report as results/report.zip",
            file=sys.stderr,
        )
