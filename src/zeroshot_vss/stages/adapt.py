"""Adaptation stage: a backbone's weights after training on with a clip's own frames, without labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py

from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.io.store import ClipKey, Manifest, add_array, key_text, run_clips
from zeroshot_vss.jobs.adapt import AdaptJob
from zeroshot_vss.machine.runtime import prepare
from zeroshot_vss.training.adapt import adapted_weights
from zeroshot_vss.training.base_model import check_adaptable


def run(job: AdaptJob) -> None:
    """Write `<clip>.h5`: the weights that changed, float16, by their names in the model (`unet.…`, `vae.…`).

    An interrupted training goes on from its last checkpoint, in `<clip>.training` beside the result.
    """
    prepare(job.compute)
    dataset = job.open()
    model = find_model(job.backbone)
    check_adaptable(model)
    frames = Manifest.load(job.frames)

    def training(name: str) -> Path:
        return Path(job.manifest).parent / f"{name}.training"

    def key(name: str) -> ClipKey:
        return job.clip_key(dataset.clip(name), settings=job.settings.model_dump(mode="json"), weights=model.digest)

    def work(name: str, file: h5py.File) -> None:
        folder = training(name)
        _of_this_training(folder, key_text({**key(name), "frames": frames.digest(name)}))
        weights = adapted_weights(model.folder, {name: dataset.clip(name)}, job.settings, folder)
        for place, tensor in weights.items():
            add_array(file, place, tensor.half().numpy())

    # Each training has processes of its own.
    run_clips("adaptation", job.manifest, job.clips, key, work, [frames])
    # Not before the results are there: a job that is killed in between goes on from its checkpoints.
    for name in job.clips:
        shutil.rmtree(training(name), ignore_errors=True)


def _of_this_training(folder: Path, key: str) -> None:
    """Empty a folder that an interrupted training with another key left behind."""
    stored = folder / "key.json"
    if not stored.exists() or stored.read_text() != key:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        stored.write_text(key)
