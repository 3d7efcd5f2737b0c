"""The notebook runs from its first cell to its last, with the embedded model on a generated clip."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import nbformat

from workflow_copy import ROOT, copy_workflow, environment

NOTEBOOK = ROOT / "examples" / "segment.ipynb"

FURTHER = """
import json
first, merged = result, named
seen = sorted(set(merged.label_maps.ravel().tolist()))
print(json.dumps({
    "shape": first.label_maps.shape, "names": merged.names, "seen": seen,
    "confident": [float(first.confidence.min()), float(first.confidence.max())],
    "pictures": len(figure.axes),
}))
"""


def test_the_notebook_runs(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.get("outputs") for cell in notebook.cells), "outputs are not kept in the repository"
    (tmp_path / "cells.py").write_text("\n\n".join([*cells, FURTHER]))
    home = copy_workflow(tmp_path / "work")
    (home / "models").symlink_to(ROOT / "models")
    done = subprocess.run(
        [sys.executable, "cells.py"], cwd=tmp_path, env=environment(home, MPLBACKEND="Agg"), text=True, check=False,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    output = json.loads(done.stdout.splitlines()[-1])
    assert output["shape"][0] == 4 and output["pictures"] == 3
    assert output["names"]["0"] == "ground" and "1" not in output["names"]
    assert set(output["seen"]) <= {0, 2, 3}
    assert 0 < output["confident"][0] <= output["confident"][1] <= 1
