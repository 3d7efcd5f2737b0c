"""`python -m zeroshot_vss.config`: write config/schema.json and the tables of the manual's pages from the models."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.config.manual import PAGES, fill
from zeroshot_vss.config.schema import schema_text

if __name__ == "__main__":
    for page in map(Path, PAGES):
        page.write_text(fill(page.read_text("utf-8")), "utf-8")
    Path("config/schema.json").write_text(schema_text(), "utf-8")
