"""What a file may do: no pickle is ever loaded, and nothing is fetched unless the configuration says so."""

from __future__ import annotations

import ast
import io
import pickle
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import huggingface_hub
import numpy as np
import pytest
import torch
import yaml

from small_models import save_embedded, save_mask2former, save_stable_diffusion, save_stable_video_diffusion
from zeroshot_vss.backbones.kind import digest
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.config.read import read_yaml
from zeroshot_vss.entries.index import read_index
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.scores import ClipScores, load_clips, save_clips
from zeroshot_vss.provenance.code import PACKAGE
from zeroshot_vss.segmenters.folder import weights_of
from zeroshot_vss.segmenters.mask2former import FrameSegmenter
from zeroshot_vss.settings.learned import LearnedUpsampler
from zeroshot_vss.settings.segmenter import Segmenter
from zeroshot_vss.training import adapt, adaptation
from zeroshot_vss.training.adaptation import CHECKPOINT
from zeroshot_vss.training.settings import AdaptationSettings
from zeroshot_vss.upsamplers.hub import load_hub

PACKAGE_FOLDER = Path(__file__).parent.parent / "src" / PACKAGE
SOURCES = sorted(PACKAGE_FOLDER.rglob("*.py"))
CPU = torch.device("cpu")


class Marker:
    """An object whose unpickling makes a file: what code of an attacker would do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """The file that no test may find made; it is shown that the pickle would make it."""
    path = tmp_path / "executed"
    pickle.loads(pickle.dumps(Marker(path)))
    path.unlink()
    yield path
    assert not path.exists(), "a pickle was executed"


def plant(folder: Path, marker: Path, *names: str) -> None:
    """Put files of weights that are pickles into a folder, as torch.save writes them and bare."""
    for index, name in enumerate(names):
        torch.save({"weight": Marker(marker)}, folder / name)
        if index % 2:
            (folder / name).write_bytes(pickle.dumps(Marker(marker)))


NAMES = ("diffusion_pytorch_model.bin", "pytorch_model.bin", "model.ckpt", "weights.pt", "weights.pth", "weights.pkl")
SAVE = {"image": save_stable_diffusion, "video": save_stable_video_diffusion}


@pytest.fixture(scope="module", params=list(SAVE))
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Kind and folder of a model."""
    return request.param, SAVE[request.param](tmp_path_factory.mktemp("models") / request.param)


def parts(folder: Path) -> list[Path]:
    """Folders of weights."""
    return sorted({path.parent for path in folder.rglob("*.safetensors")})


def test_pickles_beside_the_weights_are_passed_over(saved: tuple[str, Path], tmp_path: Path, marker: Path) -> None:
    kind, folder = saved
    spec = BackboneSpec.model_validate({"name": "tiny", "path": str(folder), "kind": kind})
    before = digest(spec)
    copy = Path(shutil.copytree(folder, tmp_path / "model"))
    for part in (copy, *parts(copy)):
        plant(part, marker, *NAMES)
    spoiled = spec.model_copy(update={"path": str(copy)})
    load_backbone(spoiled, CPU)
    assert digest(spoiled) == before, "they are none of the files that results depend on"


def test_weights_that_are_pickles_alone_are_refused(saved: tuple[str, Path], tmp_path: Path, marker: Path) -> None:
    kind, folder = saved
    for number, part in enumerate(parts(folder)):
        copy = Path(shutil.copytree(folder, tmp_path / str(number)))
        for path in (copy / part.name).glob("*.safetensors"):
            path.unlink()
        plant(copy / part.name, marker, *NAMES)
        with pytest.raises(InputError, match=rf"backbone 'tiny': .*{part.name}"):
            load_backbone(BackboneSpec.model_validate({"name": "tiny", "path": str(copy), "kind": kind}), CPU)


def test_a_pickle_under_the_name_of_the_weights_is_refused(tmp_path: Path, marker: Path) -> None:
    folder = save_embedded(tmp_path / "model")
    plant(folder / "unet", marker, "diffusion_pytorch_model.safetensors")
    with pytest.raises(InputError, match=r"backbone 'tiny': .*unet.* is no whole safetensors file"):
        load_backbone(BackboneSpec(name="tiny", path=str(folder)), CPU)


def test_a_supervised_network_of_pickles_is_refused(tmp_path: Path, marker: Path) -> None:
    folder = save_mask2former(tmp_path / "network")
    (folder / "model.safetensors").unlink()
    plant(folder, marker, *NAMES)
    settings = Segmenter.model_validate({"path": str(folder), "datasets": ["v"]})
    with pytest.raises(InputError, match="network"):
        FrameSegmenter(weights_of("net", settings), settings, None, CPU)  # pyright: ignore[reportArgumentType]


def test_arrays_of_objects_are_refused(tmp_path: Path, marker: Path) -> None:
    path = tmp_path / "clip.npz"
    objects = io.BytesIO()
    np.save(objects, np.array([Marker(marker)], object), allow_pickle=True)
    for entries in (("clips.npy", "protocols.npy", "frames.npy"), ("0.confusion.npy",)):
        save_clips(path, [ClipScores("a", "vspw", 1, {"confusion": np.eye(2)})])
        with zipfile.ZipFile(path) as whole:
            content = {name: whole.read(name) for name in whole.namelist()}
        with zipfile.ZipFile(path, "w") as spoiled:
            for name, data in content.items():
                spoiled.writestr(name, objects.getvalue() if name in entries else data)
        with pytest.raises(InputError, match=r"clip\.npz: no file of the scores of clips"):
            load_clips(path)
    path.write_bytes(pickle.dumps(Marker(marker)))
    with pytest.raises(InputError, match=r"clip\.npz: no file of the scores of clips"):
        load_clips(path)


UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
UNSAFE_CALLS = {
    "torch.load", "pickle.load", "pickle.loads", "joblib.load", "pd.read_pickle", "pandas.read_pickle", "yaml.load",
    "yaml.full_load", "yaml.unsafe_load", "eval", "exec", "os.system",
}  # fmt: skip
LIMITED_CALLS = {
    ("config/read.py", "yaml.load(path.read_text('utf-8'), _Loader)"),
    ("training/adapt.py", "torch.load(work / CHECKPOINT, weights_only=True)"),
    ("training/trainer.py", "torch.load(checkpoint, weights_only=True)"),
    ("entries/index.py", "yaml.load(path.read_text('utf-8'), _Loader)"),
    ("upsamplers/hub.py", "torch.load(path, map_location='cpu', weights_only=True)"),
}
"""Each call of these functions that cannot run what it reads, word for word; the tests below show it of each.

The loaders of the configuration and of an index make what SafeLoader makes. A training that goes on reads its own
checkpoint (the optimiser's state among it, which safetensors cannot hold), and with `weights_only` PyTorch makes
tensors and plain containers alone; so it is with the weights of a learned upsampler, whose code is the user's own.
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE_FOLDER)))
def test_the_library_calls_nothing_that_runs_what_it_reads(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
            assert not {str(name).split(".")[0] for name in names} & UNSAFE_MODULES
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {word.arg: ast.unparse(word.value) for word in node.keywords}
            limited = (path.relative_to(PACKAGE_FOLDER).as_posix(), ast.unparse(node)) in LIMITED_CALLS
            assert called not in UNSAFE_CALLS or limited, ast.unparse(node)
            assert given.get("allow_pickle", "False") == "False"
            assert given.get("trust_remote_code", "False") == "False"
            if called.endswith(".from_pretrained") and "config" not in given:
                assert "local_files_only" in given or path.parent.name == "training", ast.unparse(node)


@pytest.mark.parametrize("named", ["object/apply:os.mkdir [{}]", "name:os.mkdir ''", "module:os ''"])
def test_a_configuration_that_names_code_is_refused(tmp_path: Path, named: str) -> None:
    made, path = tmp_path / "executed", tmp_path / "config.yaml"
    path.write_text(f"seed: !!python/{named.format(made)}\n")
    yaml.unsafe_load(path.read_text())  # shows that the file is one that a careless reader obeys
    if "apply" in named:
        made.rmdir()
    with pytest.raises(InputError, match="could not determine a constructor for the tag"):
        read_yaml(path)
    assert not made.exists()


@pytest.mark.parametrize("named", ["object/apply:os.mkdir [{}]", "name:os.mkdir ''", "module:os ''"])
def test_an_index_that_names_code_is_refused(tmp_path: Path, named: str) -> None:
    made = tmp_path / "executed"
    (tmp_path / "model-index.yml").write_text(f"model: !!python/{named.format(made)}\n")
    with pytest.raises(InputError, match="could not determine a constructor for the tag"):
        read_index(tmp_path)
    assert not made.exists()


def test_weights_of_a_learned_upsampler_that_run_code_are_refused(tmp_path: Path, marker: Path) -> None:
    (tmp_path / "hubconf.py").write_text("import torch\n\n\ndef line():\n    return torch.nn.Linear(1, 1)\n")
    plant(tmp_path, marker, "other.pt", "bare.pt")
    for name in ("other.pt", "bare.pt"):
        settings = LearnedUpsampler(path=str(tmp_path), entry="line", weights=str(tmp_path / name))
        with pytest.raises(InputError, match=r"cannot be loaded \(UnpicklingError: Weights only load failed"):
            load_hub(settings)


@pytest.mark.parametrize("bare", [False, True])
def test_a_checkpoint_of_a_training_that_runs_code_is_refused(
    tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, bare: bool
) -> None:
    plant(tmp_path, marker, *(["other.pt"] if bare else []), CHECKPOINT)
    monkeypatch.setattr(adaptation, "Adapted", Mock(return_value=torch.nn.Linear(1, 1)))
    monkeypatch.setattr(adaptation, "step_source", Mock())
    monkeypatch.setattr(adapt, "spawn", Mock())
    settings = AdaptationSettings(processes=1)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        adapt.train_weights(tmp_path, Mock(), settings, tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="Weights only load failed"):
        adaptation.adapt_process(0, tmp_path, Mock(), settings, tmp_path, Mock())


def test_the_hub_is_asked_only_where_the_configuration_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def record(repository: str, **options: Any) -> str:
        asked.append(options)
        raise OSError("not in this test")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", record)
    for download in (False, True):
        spec = {"name": "tiny", "path": "some-one/some-model", "revision": "a" * 40, "download": download}
        with pytest.raises(InputError, match="neither a folder nor in the local cache"):
            load_backbone(BackboneSpec.model_validate(spec), CPU)
    assert [options["local_files_only"] for options in asked] == [True, False]
    for options in asked:
        assert options["revision"] == "a" * 40
        kinds = {pattern.rpartition(".")[2] for pattern in options["allow_patterns"]}
        assert kinds == {"json", "txt", "jinja", "model", "safetensors"}, "no pickle is fetched either"
