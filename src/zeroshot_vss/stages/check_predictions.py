"""Check stage of another system's predictions: label maps are held against their index before they are scored."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.entries.folder import check_folder, write_checked
from zeroshot_vss.jobs.check_predictions import PredictionsJob


def run(job: PredictionsJob) -> None:
    """Write what the folder says of itself and the digests of its label maps.

    Raises:
        InputError: see :func:`zeroshot_vss.entries.folder.check_folder`.
    """
    write_checked(Path(job.checked), check_folder(Path(job.folder), job.purpose))
