"""`python -m zeroshot_vss.config`: write config/schema.json and the tables of config/README.md from the models."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.config.manual import fill
from zeroshot_vss.config.schema import schema_text

if __name__ == "__main__":
    manual = Path("config/README.md")
    manual.write_text(fill(manual.read_text("utf-8")), "utf-8")
    Path("config/schema.json").write_text(schema_text(), "utf-8")
