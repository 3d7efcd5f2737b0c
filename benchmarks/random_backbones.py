"""The table of backbones with small random models in place of the real ones, to see that every row runs.

    python -m benchmarks.random_backbones /tmp/random
    MODELS=/tmp/random snakemake --cores 1 --configfile config/backbones.yaml /tmp/random/random.yaml \\
        -- results/backbones.csv

The folder holds a model for each path of config/backbones.yaml, in its library's format and with as many blocks as
the settings ask for, and `random.yaml`, which says "random weights" in the titles and takes two short clips.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from small_models import save_sdxl, save_stable_diffusion, save_stable_video_diffusion
from small_transformers import save_transformer, save_vision
from small_videos import save_video_transformer

CONFIG = Path(__file__).parents[1] / "config" / "backbones.yaml"
CLIPS = {"split": "test", "count": 2, "frames": 14}
TRAINED = ("scenes-tiny", "scenes-tiny-video", "scenes-tiny-dit", "footage-tiny")
MAKE: dict[str, Callable[[Path], object]] = {
    "stable-diffusion-2-1-base": save_stable_diffusion,
    "stable-diffusion-xl-base-1.0": save_sdxl,
    "cleandift-sd21": save_stable_diffusion,
    "stable-video-diffusion-img2vid": save_stable_video_diffusion,
    "FLUX.1-dev": lambda folder: save_transformer(folder, "flux", depth=29),
    "PixArt-Sigma-XL-2-512-MS": lambda folder: save_transformer(folder, "pixart", depth=15),
    "CogVideoX-2b": lambda folder: save_video_transformer(folder, "cogvideox", 18),
    "HunyuanVideo": lambda folder: save_video_transformer(folder, "hunyuan", 17),
    "Wan2.1-T2V-1.3B-Diffusers": lambda folder: save_video_transformer(folder, "wan", 16),
    "LTX-Video": lambda folder: save_video_transformer(folder, "ltx", 15),
    "dinov3-vitb16-pretrain-lvd1689m": lambda folder: save_vision(folder, "dinov3_vit", depth=12),
}
"""Folder of a model to what saves a small one."""


def overlay(config: dict[str, dict[str, dict[str, object]]]) -> dict[str, object]:
    """What is laid over config/backbones.yaml, given what that holds: titles, clips, and which rows are made."""
    titles = {name: {"title": f"{entry['title']} (random weights)"} for name, entry in config["backbones"].items()}
    rows = [*TRAINED, *config["backbones"]]
    return {
        "backbones": titles,
        "datasets": {"scenes": {"options": CLIPS}},
        "tables": {"backbones": {"title": "Backbones, small random models", "backbones": rows}},
    }


def main() -> None:
    """Write the models and the overlay."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    for name, save in MAKE.items():
        shutil.rmtree(folder / name, ignore_errors=True)
        save(folder / name)
    config = yaml.safe_load(CONFIG.read_text())
    (folder / "random.yaml").write_text(yaml.safe_dump(overlay(config), sort_keys=False))


if __name__ == "__main__":
    main()
