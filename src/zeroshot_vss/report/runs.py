"""How rows were made: settings, code, weights, device, versions, times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from zeroshot_vss.io.costs import costs_of
from zeroshot_vss.io.store import Manifest
from zeroshot_vss.report.page import fill
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.workflow.explain import Facts, made_facts, read_origin

RUNS = """\
<h1>{{ title }}</h1>
<p>From the results themselves: what each stage of a row was made with, and what it took. Stages that rows share ran
once. A row opens with a click.</p>
{% for row, stages in rows %}
<details{{ ' open' if loop.first }}><summary>{{ row.method }}{{ ', ' + row.backbone if row.backbone }}, on
 {{ row.dataset }}</summary>
{% if not stages %}<p>Predictions of another system, which are scored as they are.</p>{% endif %}
{% if stages %}
<table><thead><tr><th>stage</th><th>clips</th><th>seconds</th><th>seconds a clip</th><th>memory, GiB</th>
<th>on the GPU, GiB</th><th>disk, MiB</th></tr></thead><tbody>
{% for stage in stages %}
<tr><td>{{ stage.name }}</td><td class=n>{{ stage.clips }}</td><td class=n>{{ shown(stage.seconds) }}</td>
<td class=n>{{ shown(stage.seconds_a_clip) }}</td><td class=n>{{ shown(stage.host) }}</td>
<td class=n>{{ shown(stage.gpu) }}</td><td class=n>{{ shown(stage.disk) }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% for stage in stages %}
<details><summary>{{ stage.name }}</summary><div class="wide"><table><tbody>
{% for name, value in stage.facts %}
<tr><th>{{ name }}</th><td><code>{{ value }}</code></td></tr>
{% endfor %}
</tbody></table></div></details>
{% endfor %}
</details>
{% endfor %}
"""
MIB = 2**20


@dataclass(frozen=True)
class StageRun:
    """A stage of a row over all clips."""

    name: str
    clips: int
    facts: Facts
    """What its results have in common."""
    seconds: float | None
    """None where the cost of a clip is not known."""
    host: float | None
    gpu: float | None
    disk: float

    @property
    def seconds_a_clip(self) -> float | None:
        """Mean."""
        return None if self.seconds is None else self.seconds / self.clips


def stage_run(name: str, manifests: Sequence[Path]) -> StageRun:
    """What a stage's jobs left behind. Of each job the first clip says how all were made."""
    jobs = [Manifest.load(path) for path in manifests]
    origins = [read_origin(job.files()[0]) for job in jobs]
    facts = made_facts(origins[0])
    if differing := sum(origin.made != origins[0].made for origin in origins):
        facts.append(("differ", f"{differing} of {len(jobs)} parts were made otherwise; see `zeroshot_vss explain`"))
    results = [file for job in jobs for file in job.files()]
    costs = costs_of(results)
    return StageRun(
        name=name,
        clips=len(results),
        facts=facts,
        seconds=sum(cost.seconds for cost in costs) if len(costs) == len(results) else None,
        host=max((cost.host_gib for cost in costs), default=None),
        gpu=max((cost.gpu_gib for cost in costs if cost.gpu_gib is not None), default=None),
        disk=sum(file.stat().st_size for file in results) / MIB,
    )


def runs_page(title: str, rows: Sequence[tuple[EfficiencyRow, Sequence[StageRun]]]) -> Markup:
    """Rows with their stages."""
    return fill(RUNS, title=title, rows=rows, shown=lambda value: "" if value is None else f"{value:.3g}")
