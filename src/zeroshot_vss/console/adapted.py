"""A backbone that is trained on with the video itself, without labels (docs/real-footage.md)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from zeroshot_vss.config import read_config
from zeroshot_vss.config.read import load_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.provenance.files import listing_digest


def adapted_config(video: Path, clip: str, configs: Sequence[Path], home: Path) -> Path:
    """Adapt the backbone of the user's clips to a video, unless it is done; returns the configuration that uses it.

    Weights are kept in `results/adapted/<clip>-<digest of the video's listing>`, so that another video of that name
    trains anew. An interrupted training goes on from its checkpoint.

    Raises:
        InputError: the training ended with an error, which it has told.
    """
    from zeroshot_vss.training.adapt import config_lines
    from zeroshot_vss.training.settings import AdaptationSettings

    config = read_config(load_config(configs, home))
    base = home / config.backbones[config.user_clips.backbone].path
    files = [path for path in video.iterdir() if path.is_file()] if video.is_dir() else [video]
    out = home / "results" / "adapted" / f"{clip}-{listing_digest(files)}"
    if not (out / "training.json").is_file():
        call = [sys.executable, "-m", "zeroshot_vss", "train", "adapt", "--from", str(base), "--frames", str(video),
                "--out", str(out)]  # fmt: skip
        if subprocess.run(call, cwd=home, stdout=sys.stderr, check=False).returncode:
            raise InputError(f"the backbone could not be adapted to {video}; run the same command again to go on")
    path = out.with_name(f"{out.name}.yaml")
    with replacing(path) as partial:
        # What it says in its first lines is for people.
        partial.write_text(config_lines(out, AdaptationSettings().height).partition("\n\n")[2] + "\n", "utf-8")
    return path
