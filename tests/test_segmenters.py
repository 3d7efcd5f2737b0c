"""Supervised networks that label each frame alone: a small random Mask2Former, saved in the real format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from miniatures import write_cityscapes
from small_models import CITYSCAPES_CLASSES, save_mask2former
from workflow_copy import copy_workflow, snakemake, write_config
from zeroshot_vss.datasets import VOID
from zeroshot_vss.datasets.base import Legend
from zeroshot_vss.datasets.cityscapes import LEGEND
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import read_all
from zeroshot_vss.segmenters.folder import segmenter_digest, weights_of
from zeroshot_vss.segmenters.mask2former import FrameSegmenter, class_table
from zeroshot_vss.settings.segmenter import Segmenter

STREETS = Legend(("Sky", "Road", "Pavement"), np.zeros((3, 3), np.uint8))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small random network."""
    return save_mask2former(tmp_path_factory.mktemp("mask2former"))


def loaded(model: Path, legend: Legend = LEGEND, **settings: Any) -> FrameSegmenter:
    """The network with some settings."""
    chosen = Segmenter(path=str(model), datasets=(), **settings)
    return FrameSegmenter(weights_of("net", chosen), chosen, legend, torch.device("cpu"))


def test_maps_are_the_argmax_of_classes_times_masks(model: Path) -> None:
    """Against a loop over pixels and queries, from the network's raw outputs; the frame has the processor's size."""
    segmenter = loaded(model)
    frames = np.random.default_rng(0).integers(0, 256, (2, 64, 96, 3), np.uint8)
    actual = segmenter.maps(frames)
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for frame, labels in zip(frames, actual, strict=True):
        pixels = torch.tensor((frame / 255 - mean) / std, dtype=torch.float32).permute(2, 0, 1)[None]
        with torch.inference_mode():
            out = segmenter.model(pixel_values=pixels)
        masks = torch.nn.functional.interpolate(out.masks_queries_logits, (64, 96), mode="bilinear")[0].double()
        logits = out.class_queries_logits[0].double()
        scores = np.zeros((19, 64, 96))
        for query in range(len(logits)):
            weights = np.exp(logits[query].numpy())
            probabilities = weights[:-1] / weights.sum()
            scores += probabilities[:, None, None] / (1 + np.exp(-masks[query].numpy()))
        best, second = np.sort(scores, 0)[[-1, -2]]
        expected = np.array([LEGEND.names.index(name) for name in CITYSCAPES_CLASSES])[scores.argmax(0)]
        clear = best - second > 1e-4
        assert clear.mean() > 0.9
        assert (labels == expected)[clear].all()


def test_a_frame_is_labelled_alone(model: Path) -> None:
    frames = np.random.default_rng(1).integers(0, 256, (3, 80, 100, 3), np.uint8)
    segmenter = loaded(model, size=(32, 64))
    together = segmenter.maps(frames)
    assert together.shape == (3, 80, 100)
    alone = np.concatenate([segmenter.maps(frames[[index]]) for index in range(3)])
    # Sums of a batch are ordered otherwise: pixels between two classes may fall to either.
    assert (together == alone).mean() > 0.999


def test_classes_are_found_by_name() -> None:
    names = {"sidewalk": "Pavement", "tunnel": None}
    assert class_table(["road", "sky", "sidewalk", "tunnel"], STREETS, names, "net").tolist() == [1, 0, 2, VOID]
    with pytest.raises(InputError, match="has no class 'sidewalk'; say under names which class 'sidewalk' is"):
        class_table(["road", "sidewalk"], STREETS, {}, "net")
    with pytest.raises(InputError, match="the network has no class 'path'; known: road"):
        class_table(["road"], STREETS, {"path": "Pavement"}, "net")


def test_what_is_wrong_with_its_files_is_said(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"method 'net': .* lacks config.json, preprocessor_config.json"):
        loaded(tmp_path)
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    before = segmenter_digest(weights_of("net", Segmenter(path=str(tmp_path), datasets=())))
    whole = (model / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(whole[:-100])
    with pytest.raises(InputError, match=r"method 'net': .* is no whole safetensors file .*; get it again"):
        loaded(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert segmenter_digest(weights_of("net", Segmenter(path=str(tmp_path), datasets=()))) != before
    (tmp_path / "config.json").write_text('{"architectures": ["SegformerForSemanticSegmentation"]}')
    with pytest.raises(InputError, match="is of a SegformerForSemanticSegmentation, expected a Mask2Former"):
        loaded(tmp_path)
    nowhere = Segmenter(path="someone/something", datasets=())
    with pytest.raises(InputError, match=r"run `hf download someone/something`, or set methods: net: segmenter"):
        segmenter_digest(weights_of("net", nowhere))


def test_its_row_of_a_table(model: Path, tmp_path: Path) -> None:
    """One further name in a table; other data sets have no such row; of sparse clips the annotated frame alone."""
    write_cityscapes(tmp_path / "data", ["ulm_000000_000019", "ulm_000001_000019"], rng=np.random.default_rng(2))
    folder = copy_workflow(tmp_path / "workflow")
    cityscapes = {"kind": "cityscapes", "title": "Cityscapes", "protocol": "cityscapes-official",
                  "options": {"root": str(tmp_path / "data")}}  # fmt: skip
    write_config(
        folder,
        {
            "datasets": {"cityscapes": cityscapes, "scenes": {"options": {"count": 1, "frames": 3}}},
            "methods": {"mask2former": {"segmenter": {"path": str(model), "datasets": ["cityscapes"]}}},
            "tables": {
                "of-mine": {
                    "title": "A table that the paper does not have",
                    "datasets": ["cityscapes", "scenes"],
                    "backbones": [],
                    "methods": ["first-frame", "mask2former"],
                }
            },
        },
    )
    done = snakemake(folder, "results/of-mine.csv")
    assert done.returncode == 0, done.stdout
    table: Any = pd.read_csv(folder / "results" / "of-mine.csv")
    rows = table[table["source"] == "measured"][["method", "data set", "supervision"]].to_numpy().tolist()
    assert rows == [
        ["First frame copied", "Cityscapes", "trivial"],
        ["Mask2Former, frame by frame", "Cityscapes", "supervised"],
        ["First frame copied", "generated scenes", "trivial"],
    ]
    results = sorted((folder / "results" / "segmenters" / "cityscapes").rglob("*.h5"))
    assert results
    for path in results:
        maps = read_all(path, "maps")
        assert len(maps) == 30 and (np.delete(maps, 19, 0) == VOID).all()
        assert {LEGEND.names[label] for label in np.unique(maps[19])} <= set(CITYSCAPES_CLASSES)


def test_the_picture_is_read_as_rgb(model: Path) -> None:
    """The processor gets what PIL would read from a file."""
    segmenter = loaded(model)
    picture = np.zeros((64, 96, 3), np.uint8)
    picture[..., 0] = 255
    (taken,) = segmenter.processor(images=[picture], return_tensors="np")["pixel_values"]
    (file,) = segmenter.processor(images=[Image.fromarray(picture)], return_tensors="np")["pixel_values"]
    assert np.array_equal(taken, file) and taken[0].mean() > taken[2].mean()
