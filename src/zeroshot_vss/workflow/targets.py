"""A target: a file, the job that makes it, and whether what is there is what the job would make."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.provenance.files import file_digest
from zeroshot_vss.provenance.versions import library_versions

RECORDS = ".made"
"""Folder in that of the results: for each job what its outputs were made from."""


@dataclass(frozen=True)
class Target:
    """A job and its files."""

    job: Job
    prefix: str = ""
    """What the workflow puts before all of its paths where it is a module of another one."""

    @property
    def inputs(self) -> list[str]:
        """Results of other jobs that it reads, as rules know them."""
        return [path.removeprefix(self.prefix) for path in self.job.inputs()]

    @cached_property
    def record(self) -> Mapping[str, Any] | None:
        """The record of the job, read once; None where there is none."""
        return read_record(self.job)

    @property
    def text(self) -> str:
        """The job as JSON."""
        return self.job.model_dump_json(exclude_defaults=True)

    def changed(self) -> str | None:
        """Why what is there is not what the job would make; None where it is, or where nothing is there.

        Snakemake has records of its own, but results may come without them, or be edited after the fact.
        """
        outputs = [Path(path) for path in self.job.outputs()]
        if not all(path.exists() for path in outputs):
            return None
        record = self.record
        if record is None:
            return "nothing says what it was made from"
        if record["key"] != self.job.key():
            return "it was made from other settings, code, weights or data"
        if (listing := self.job.listing()) != record.get("listing"):
            if not self.job.same_data():
                return "the data that it was made from is not what it was"
            # Data that was only touched need not be read at every planning. A read-only folder stays as it is.
            with suppress(InputError):
                _write(self.job, {**record, "listing": listing})
        for path, known in record["files"].items():
            if not Path(path).exists():
                continue  # an intermediate result that somebody removed
            if not _same(Path(path), known):
                return f"{path} is not what was {'written' if Path(path) in outputs else 'read'}"
        return None

    def other_versions(self) -> dict[str, str]:
        """Libraries that what is there was made with, in other versions than the installed ones."""
        now = library_versions()
        made = {} if self.record is None else self.record["versions"]
        return {name: f"{version}, now {now[name]}" for name, version in made.items() if now.get(name) != version}


def record_path(job: Job) -> Path:
    """Where the record of a job is kept: `results/.made/<path of its first output>.json`."""
    first = Path(job.outputs()[0])
    place = first.parts.index("results")
    return Path(*first.parts[: place + 1], RECORDS, *first.parts[place + 1 :]).with_name(f"{first.name}.json")


def write_record(job: Job) -> None:
    """Keep what a finished job's outputs were made from: its key, digests of all files, versions."""
    files = {path: _file(Path(path)) for path in (*job.inputs(), *job.outputs())}
    record = {"stage": job.stage, "key": job.key(), "made": job.outputs(), "files": files,
              "listing": job.listing(), "versions": library_versions()}  # fmt: skip
    _write(job, record)


def _write(job: Job, record: Mapping[str, Any]) -> None:
    with replacing(record_path(job)) as partial:
        partial.write_text(json.dumps(record, indent=1) + "\n")


def read_record(job: Job) -> Mapping[str, Any] | None:
    """The record of a job; None where there is none that can be read."""
    try:
        record = json.loads(record_path(job).read_text())
        return record if {"key", "files", "versions"} <= set(record) else None
    except (OSError, ValueError, TypeError):
        return None


def _members(path: Path) -> Iterable[Path]:
    """The files of a folder, without those that Snakemake puts there; or the file."""
    return sorted(p for p in path.rglob("[!.]*") if p.is_file()) if path.is_dir() else (path,)


def _digest(path: Path, of: Callable[[Path], str]) -> str:
    """One digest of what `of` says of a file, or of all in a folder."""
    lines = (f"{member.relative_to(path)} {of(member)}\n" for member in _members(path))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _listing(path: Path) -> str:
    """Digest of sizes and times, which is looked at before contents are."""
    return _digest(path, lambda member: f"{member.stat().st_size} {member.stat().st_mtime_ns}")


def _file(path: Path) -> dict[str, str]:
    return {"content": _digest(path, file_digest), "listing": _listing(path)}


def _same(path: Path, known: Mapping[str, str]) -> bool:
    return _listing(path) == known["listing"] or _digest(path, file_digest) == known["content"]
