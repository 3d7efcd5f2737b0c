"""Figures: what they compute, how they are laid out, and that each is drawn from the results it names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from miniatures import write_vspw
from small_models import save_stable_diffusion, save_stable_video_diffusion
from test_config import shipped
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.datasets import VOID
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures import failures, pca, style
from zeroshot_vss.figures.captions import describe
from zeroshot_vss.figures.differences import at_size, most_spilled, of_all_sizes, spill
from zeroshot_vss.figures.job import FigureJob, InspectJob, Source
from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.plan import Figures
from zeroshot_vss.figures.strips import mask_picture, painted, table
from zeroshot_vss.figures.style import Key, Panel, Placed, Row, Sheet, text_width, wrapped
from zeroshot_vss.figures.tracks import centres, follow, select_cells
from zeroshot_vss.io.store import Manifest, content_digest, read_all, write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.method.latents import to_network_size
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.stages import figure
from zeroshot_vss.workflow.plan import Plan

few = settings(max_examples=40, deadline=None)

# Principal components


def test_principal_components_are_fitted_on_all_frames_together() -> None:
    rng = np.random.default_rng(0)
    # Three directions of clearly different spread, turned in 8 dimensions.
    turn = np.linalg.qr(rng.normal(size=(8, 8)))[0][:, :3]
    values = rng.uniform(-1, 1, (2, 5, 6, 3)) * (9, 3, 1)
    colours = pca.principal_colours(values @ turn.T)
    assert colours.shape == (2, 5, 6, 3) and colours.dtype == np.uint8
    for channel in range(3):
        drawn, true = colours[..., channel].ravel().astype(float), values[..., channel].ravel()
        assert abs(np.corrcoef(drawn, true)[0, 1]) > 0.95
    # One frame alone has its own extremes; both together share theirs.
    alone = pca.principal_colours(values[:1] @ turn.T)
    assert not np.array_equal(alone, colours[:1])


@few
@given(st.integers(0, 2**32 - 1))
def test_colours_do_not_depend_on_the_sign_of_the_basis_or_the_origin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(2, 3, 4, 5)) * (5, 4, 3, 2, 1)
    assert np.array_equal(pca.principal_colours(tokens), pca.principal_colours(tokens + 7))
    assert pca.principal_colours(np.ones((1, 2, 2, 4))).max() == 0


def test_the_slice_stacks_one_row_over_time() -> None:
    images = np.arange(4 * 10 * 3 * 3).reshape(4, 10, 3, 3).astype(np.uint8)
    actual = pca.slice_over_time(images, 0.65)
    assert np.array_equal(actual, images[:, 6])


def test_feature_rows_put_two_frames_above_their_slice() -> None:
    one = pca.Features("frames", np.zeros((3, 4, 6, 3), np.uint8))
    two = pca.Features("block 7", np.ones((3, 2, 3, 3), np.uint8))
    heads, pairs, slices = pca.feature_rows([one, two], (0, 2), ("frame 0", "frame 2"), 0.5)
    assert [panel.title for panel in heads.panels if panel] == ["frames", "block 7"]
    assert [panel.line for panel in pairs.panels if panel] == [0.5, None, 0.5, None]
    assert [panel.span for panel in slices.panels if panel] == [2, 2]


# Difference maps


def test_spill_by_hand() -> None:
    masks = np.array([[[1, 0]], [[0, 1]], [[1, 1]]], np.bool_)
    maps = np.array([[[1, 1, 2, 0]], [[1, 0, 3, 0]], [[0, 0, 0, 0]]], np.float16)
    assert spill(maps, masks).tolist() == [0.5, 0.25, 0]
    assert most_spilled(maps, masks, 2) == [0, 1]
    assert most_spilled(maps, masks, 9) == [0, 1, 2]
    assert at_size(masks[0], (2, 4)).tolist() == [[True, True, False, False]] * 2


def test_small_masks_are_passed_over_unless_all_are_small() -> None:
    masks = np.zeros((2, 10, 10), np.bool_)
    masks[0, 0, 0], masks[1, :5] = True, True
    maps = np.ones((2, 10, 10))
    assert spill(maps, masks).tolist() == [0.99, 0.5]
    assert most_spilled(maps, masks, 1) == [1]
    assert most_spilled(maps[:1], masks[:1], 1) == [0]


def test_masks_of_all_sizes() -> None:
    masks = np.zeros((5, 10, 10), np.bool_)
    for index, cells in enumerate((3, 50, 1, 20, 10)):
        masks[index].flat[:cells] = True
    assert of_all_sizes(masks, 3) == [1, 4, 0]
    assert of_all_sizes(masks, 1) == [4]
    assert of_all_sizes(masks, 9) == [1, 3, 4, 0]
    assert of_all_sizes(masks[2:3], 2) == [0]


# Failures


def test_the_worst_frame_of_each_clip() -> None:
    scores = {"a": {0: 0.1, 3: 0.5}, "b": {1: 0.9, 2: 0.9}, "c": {}, "d": {7: 0.5}}
    assert failures.worst(scores, 2) == [("b", 1, 0.9), ("a", 3, 0.5)]
    assert [case.clip for case in failures.worst(scores, 9)] == ["b", "a", "d"]


def test_reconstruction_change_and_where_it_is_largest() -> None:
    frames = np.zeros((2, 20, 30, 3), np.uint8)
    decoded = frames.copy()
    decoded[1, 4:8, 20:24] = (30, 0, 60)
    change = failures.reconstruction_change(frames, decoded)
    assert change.shape == (2, 20, 30) and change[0].max() == 0
    assert change[1, 5, 21] == 30
    y, x = failures.hottest(change[1])
    assert abs(y * 20 - 6) <= 0.5 and abs(x * 30 - 22) <= 0.5
    # Never so near the border that the window leaves the picture.
    corner = np.zeros((10, 10), np.float32)
    corner[0, 0] = 1
    assert failures.hottest(corner, 0.5) == (0.25, 0.25)


def test_static_pixels_and_flips_by_hand() -> None:
    frames = np.array([[[0, 100, 200, 50, 9]], [[5, 106, 195, 50, 9]]], np.uint8)[..., None].repeat(3, -1)
    frames[1, 0, 3, 2] = 90
    truth = np.array([[[1, 1, 2, 2, VOID]], [[1, 1, 3, 2, VOID]]], np.uint8)
    static = failures.static_pixels(frames, truth, 5)
    # The second changes by 6, the third in class, the fourth in one channel; the fifth has no class.
    assert static.tolist() == [[True, False, False, False, False]]
    labels = np.array([[[4, 4, 4, 4, 4]], [[5, 5, 4, 4, 4]]], np.uint8)
    assert failures.flips(labels, static).tolist() == [[True, False, False, False, False]]
    assert not failures.flips(labels[[0, 0]], static).any()


def test_unseen_classes() -> None:
    first, later = np.array([[0, 3], [VOID, 0]], np.uint8), np.array([[0, 2], [VOID, 3]], np.uint8)
    assert failures.unseen(later, first).tolist() == [[False, True], [False, False]]


def test_pixels_are_pointed_at_on_a_pale_frame() -> None:
    frame = np.array([[[0, 0, 0], [255, 0, 0]]], np.uint8)
    drawn = failures.pointed_at(frame, np.array([[False, True]]), (1, 0.5, 0))
    assert drawn.tolist() == [[[128, 128, 128], [255, 128, 0]]]


# Tracks


def test_cells_are_followed_and_chosen_by_hand() -> None:
    # On a grid of 2 x 3 everything moves to the right, and stays at the border.
    right = np.array([1, 2, 2, 4, 5, 5])
    matches = np.stack([right, right])
    assert follow(np.array([0, 4]), matches).tolist() == [[0, 4], [1, 5], [2, 5]]
    assert centres(np.array([0, 5]), (2, 3)).round(3).tolist() == [[0.25, 0.167], [0.75, 0.833]]
    coarse, refined = np.array([[1, 1, 1], [2, 2, 2]]), np.array([[1, 2, 1], [1, 2, 1]])
    # Of the changed cells 1, 3, 5 the third moves farthest; 5 is farther from it than 1.
    assert select_cells(coarse, refined, matches, 3).tolist() == [3, 5, 1]
    assert select_cells(coarse, coarse, matches, 1).tolist() == [0]


# Layout


def test_labels_and_masks_as_pictures() -> None:
    colours = np.array([[10, 20, 30], [40, 50, 60]], np.uint8)
    picture = painted(np.array([[0, 1, VOID]], np.uint8), colours)
    assert picture.shape == (256, 768, 3)
    assert picture[0, [0, 300, 700]].tolist() == [[10, 20, 30], [40, 50, 60], [255, 255, 255]]
    assert np.unique(mask_picture(np.array([[True, False]]))).tolist() == [0, 255]


@few
@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), min_size=1, max_size=20), st.floats(0.3, 3))
def test_wrapped_lines_fit_and_keep_every_word(words: list[str], width: float) -> None:
    lines = wrapped(" ".join(words), width, 6)
    assert " ".join(lines).split() == words
    assert all(text_width(line, 6) <= width or " " not in line for line in lines)


def test_what_belongs_together_is_not_broken() -> None:
    assert wrapped("K\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}20 a\nb", 0.01, 6) == ["K\xa0=\xa020", "a", "b"]


def box(placed: Placed) -> tuple[float, float, float, float]:
    return placed.left, placed.top, placed.left + placed.width, placed.top + placed.height


def overlap(one: Placed, other: Placed) -> bool:
    a, b = box(one), box(other)
    slack = 1e-6
    return a[0] < b[2] - slack and b[0] < a[2] - slack and a[1] < b[3] - slack and b[1] < a[3] - slack


@few
@given(
    st.integers(1, 6), st.integers(1, 4), st.sampled_from([style.COLUMN, style.PAGE]), st.integers(0, 12),
    st.sampled_from(["", "short", "a long title of many words that needs several lines"]),
)  # fmt: skip
def test_nothing_overlaps_and_all_is_on_the_sheet(
    columns: int, rows: int, width: float, keys: int, title: str
) -> None:
    picture = np.zeros((8, 12, 3), np.uint8)
    sheet = Sheet(width)
    lines = [("side of some words " * (i % 3), [picture] * columns) for i in range(rows)]
    sheet.rows(table([title] * columns, lines), {1: 0.1} if columns > 1 else None)
    sheet.keys([Key(f"class {'x' * i}", None if i % 5 == 4 else (0, 0, 0)) for i in range(keys)])
    sheet.caption("Words of the caption. " * 12)
    assert all(placed.left >= 0 and placed.left + placed.width <= width + 1e-6 for placed in sheet.placed)
    assert all(placed.top >= 0 and placed.top + placed.height <= sheet.height + 1e-6 for placed in sheet.placed)
    assert not [pair for pair in combinations(sheet.placed, 2) if overlap(*pair)]


def test_pictures_keep_their_shape_and_spans_cover_their_columns() -> None:
    wide, square = np.zeros((4, 8, 3), np.uint8), np.zeros((5, 5, 3), np.uint8)
    sheet = Sheet(style.PAGE)
    sheet.rows([Row([Panel(wide), None, Panel(wide)]), Row([Panel(square, span=2), Panel(wide)])])
    first, last, span, _ = sheet.placed
    assert first.width == pytest.approx(2 * first.height)
    assert span.left == first.left and span.left + span.width < last.left
    assert span.width == pytest.approx(2 * first.width + style._GAP)


def test_files_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    for name in ("one", "two"):
        sheet = Sheet(style.COLUMN)
        picture = np.random.default_rng(0).integers(0, 256, (8, 12, 3), np.uint8)
        sheet.rows([Row([Panel(picture, "title", line=0.5, ring=(0.5, 0.5)), Panel(picture, outlined=True)], "side")])
        sheet.keys([Key("a", (1, 0, 0)), Key("0 to 1")])
        sheet.caption("\N{GREEK SMALL LETTER LAMDA} = 50")
        sheet.save(tmp_path / f"{name}.pdf", tmp_path / f"{name}.png")
    for kind in ("pdf", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width == round(style.COLUMN * 300)


# The plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(read_config(shipped()))


def test_every_figure_is_planned(plan: Plan) -> None:
    figures = plan.figures
    assert list(figures.planned) == sorted(figure.FIGURES, key=lambda name: int(name.removeprefix("figure")))
    for name, job in figures.planned.items():
        assert job.figure == name
        shown = list(plan.figures.config.backbones)[: 1 if name in ("figure3", "figure4", "figure14") else None]
        assert f"ith {' and '.join(shown)}: " in job.settings
        # The jobs behind the files are known, and the figure is found by either of its files.
        assert job.inputs() and all(plan.target(path) for path in job.inputs())
        for path in job.outputs():
            target = plan.target(path)
            assert FigureJob.model_validate_json(target.text) == target.job == job
    with pytest.raises(InputError, match=r"no row of the configuration needs results/figures/figure16\.pdf"):
        plan.target("results/figures/figure16.pdf")


def inspection(plan: Plan, figure: str, kind: str) -> InspectJob:
    """The inspection of a kind that a figure shows."""
    (path,) = {path for path in plan.figures.planned[figure].inputs() if kind in path}
    job = plan.target(path).job
    assert isinstance(job, InspectJob)
    return job


def test_inspections_start_from_the_coarse_maps_of_their_variations(plan: Plan) -> None:
    blocks = inspection(plan, "figure6", "/scenes-tiny/blocks/")
    assert [path.split("/")[5].split("~clusters")[0] for path in blocks.coarse] == [
        "blocks=6", "blocks=7", "blocks=8", "blocks=6+7+8",
    ]  # fmt: skip
    assert [variation.coarse for variation in blocks.settings.variations] == [0, 1, 2, 3]
    assert blocks.clips == ("scene-0000",)
    paths = inspection(plan, "figure14", "/scenes-tiny/clusters/").coarse
    assert ["~assigned=no" in path for path in paths] == [True] * 4 + [False] * 4
    jobs = [plan.target(path).job for path in paths]
    assert [job.assigned for job in jobs if isinstance(job, CoarseJob)] == [False] * 4 + [True] * 4
    # Checks are of whole parts, whatever an inspection shows.
    checked = plan.target("results/checked/scenes/0000.frames.json").job
    assert isinstance(checked, CheckJob) and len(checked.clips) == 4


def test_titles_name_the_backbone_where_there_are_several() -> None:
    several, one = (["scenes-tiny", "scenes-tiny-video"], ["scenes-tiny"])
    titles = []
    for backbones in (several, one):
        config = read_config(merge(shipped(), {"figures": {"backbones": backbones}}))
        job = Plan(config).figures.planned["figure1"]
        titles.append([source.title for source in job.sources])
    assert titles[0] == ["EmerDiff (scenes-tiny)", "EmerDiff (scenes-tiny-video)", "Ours (scenes-tiny)",
                        "Ours (scenes-tiny-video)"]  # fmt: skip
    assert titles[1] == ["EmerDiff", "Ours"]


def test_other_systems_are_compared_where_a_folder_of_theirs_is_named(tmp_path: Path) -> None:
    comparison = {"figures": {"comparison": {"methods": ["clippy", "colour-pixels"]}, "backbones": ["scenes-tiny"]}}
    maps = str(tmp_path)
    for predictions, folders in (({}, [None]), ({"scenes": maps}, [maps, None])):
        given = {"methods": {"clippy": {"predictions": predictions}}}
        job = Plan(read_config(merge(merge(shipped(), comparison), given))).figures.planned["figure5"]
        assert [source.folder for source in job.sources] == folders
        assert len(job.inputs()) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"clip": "scene-9999"}, "data set 'scenes' has no clip 'scene-9999'"),
        ({"method": "ours-nearest"}, "'ours-nearest' does not upsample by masked modulation"),
    ],
)
def test_wrong_figures_are_answered_in_words(change: dict[str, Any], message: str) -> None:
    wrong = Plan(read_config(merge(shipped(), {"figures": change})))
    with pytest.raises(InputError, match=message):
        _ = wrong.figures


def test_names_in_the_configuration_are_checked() -> None:
    for change in ({"dataset": "x"}, {"backbones": ["x"]}, {"method": "x"}, {"failures": {"dataset": "x"}},
                   {"over_time": {"methods": ["x"]}}):  # fmt: skip
        with pytest.raises(InputError, match="'x' is not defined"):
            read_config(merge(shipped(), {"figures": change}))
    none = Plan(read_config(shipped() | {"figures": None}))
    with pytest.raises(InputError, match="figures: there are none"):
        _ = none.figures
    assert isinstance(Plan(read_config(shipped())).figures, Figures)


def test_settings_in_words() -> None:
    text = describe("Ours", {"SD 2.1": MethodSettings()}).replace("\xa0", " ")
    assert text == (
        "Ours with SD 2.1: features of blocks 6, 7, 8 at step 24 of 25 from the noise of step 22, K = 20, B = 14, "
        "CBR with T = 2, block 7 modulated at step 22 with \N{GREEK SMALL LETTER LAMDA} = 50, latents blended "
        "through step 23, s = 0.7."
    )
    changed = MethodSettings.model_validate(
        {"context": {"blocks": [7]}, "refinement": None,
         "upsampling": {"filter": None, "modulation": {"blend_through": None, "strength": 10}}}
    )  # fmt: skip
    plainer = describe("x", {"y": changed}).replace("\xa0", " ")
    assert (
        plainer.startswith("x with y: features of block 7 at")
        and "no CBR" in plainer
        and "= 10, no latent blending, no filter." in plainer
    )


def test_the_figures_of_the_paper_are_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SD 2.1 and SVD on VSPW, by `config/paper.yaml`, with small models and clips in their formats."""
    write_vspw(tmp_path / "data", clips=3, frames=2, size=(64, 96), rng=np.random.default_rng(0))
    monkeypatch.setenv("VSPW_ROOT", str(tmp_path / "data"))
    models = {"sd21": save_stable_diffusion(tmp_path / "sd"), "svd": save_stable_video_diffusion(tmp_path / "svd")}
    paths = {"backbones": {name: {"path": str(path)} for name, path in models.items()}}
    plan = Plan(read_config(merge(shipped("paper.yaml"), paths)))
    planned = plan.figures.planned
    assert list(planned) == list(figure.FIGURES)
    assert planned["figure2"].blocks == (7, 8) and planned["figure11"].blocks == (7, 8)
    job = inspection(plan, "figure2", "/svd/")
    assert job.settings.temporal == job.settings.spatial == (8, 9) and job.settings.sampling.coupled
    assert {path.split("/")[2] for one in planned.values() for path in one.inputs()} == {"vspw-30"}


# Whole figures, from results that are made up

FRAMES, CLIPS = 4, ("scene-0000", "scene-0001")
DATASET = DataSetSpec(name="scenes", kind="scenes", options={"split": "train", "count": 2, "frames": FRAMES})
VARIATIONS = 8
GRID, SIZE = (16, 24), (128, 192)


def result(folder: Path, **arrays: NDArray[Any]) -> Path:
    """A manifest of both clips with these datasets."""

    def fill(file: Any) -> None:
        for name, values in arrays.items():
            file.create_dataset(name, data=values)

    for clip in CLIPS:
        write_clip(folder / f"{clip}.h5", {}, fill)
    Manifest(folder / "0000.json", {clip: content_digest(folder / f"{clip}.h5") for clip in CLIPS}).write()
    return folder / "0000.json"


def figure_job(name: str, sources: Sequence[Source], folder: Path = Path(), **more: Any) -> FigureJob:
    """A figure of both clips that goes to a folder."""
    files = {suffix: str(folder / f"figure.{suffix}") for suffix in ("pdf", "png")}
    known = {"figure": name, "dataset": DATASET, "clips": CLIPS, "sources": tuple(sources), "settings": ""}
    return FigureJob(**{**known, **files, **more})


def source(path: Path, title: str = "") -> Source:
    """A column of results."""
    return Source(title=title, manifests=(str(path),))


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Label maps and an inspection of two frames, of random values."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("results")
    frames = np.array([1, 3])
    coarse = rng.integers(0, 3, (2, *GRID)).astype(np.uint8)
    places = np.array([(label, frame) for label in range(3) for frame in range(2)], np.int32)
    inspected: dict[str, NDArray[Any]] = {
        "frames": frames,
        "decoded": rng.integers(0, 256, (2, 96, 160, 3), np.uint8),
        "spatial7": rng.normal(size=(2, *GRID, 8)).astype(np.float16),
        "temporal7": rng.normal(size=(2, *GRID, 8)).astype(np.float16),
    }
    for number in range(VARIATIONS):
        inspected |= {f"coarse{number}": coarse, f"places{number}": places}
        for name in ("differences", "filtered"):
            inspected[f"{name}{number}"] = rng.random((6, *SIZE)).astype(np.float16)
        for name in ("labels", "unfiltered_labels"):
            inspected[f"{name}{number}"] = rng.integers(0, 7, (2, *SIZE)).astype(np.uint8)
    maps = rng.integers(0, 7, (FRAMES, *SIZE)).astype(np.uint8)
    matches = rng.integers(0, GRID[0] * GRID[1], (FRAMES - 1, GRID[0] * GRID[1])).astype(np.int32)
    return {
        "maps": result(folder / "maps", maps=maps),
        "look": result(folder / "look", **inspected),
        "coarse": result(folder / "coarse", maps=maps[:, :16, :24], clusters=maps[0, :16, :24]),
        "matches": result(folder / "matches", matches=matches),
    }


@pytest.mark.parametrize("sources", [1, 2])
@pytest.mark.parametrize("name", list(figure.FIGURES))
def test_every_figure_is_drawn(name: str, sources: int, made_up: dict[str, Path], tmp_path: Path) -> None:
    from_maps = name in ("figure1", "figure5", "figure9", "figure10")
    paths = [made_up["maps" if from_maps else "look"]] * sources
    if name == "figure8":
        paths = [made_up["look"], made_up["maps"]] * sources
    if name in ("figure3", "figure4"):
        of_batch = [made_up["look"], made_up["coarse"]]
        paths = [*of_batch, *([made_up["look"]] if name == "figure3" else [made_up["matches"], made_up["coarse"]])]
    variations = {"figure7": 2, "figure12": 2, "figure13": 2, "figure14": VARIATIONS}.get(name, 4)
    job = figure_job(
        name, [source(path, f"model {i}") for i, path in enumerate(paths)], tmp_path, frames=(0, 3, 9), cases=2,
        blocks=(7,) * sources, tolerance=8, variations=tuple(f"block {i + 6}" for i in range(variations)),
        settings="Some settings.",
    )  # fmt: skip
    figure.run(job)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(tmp_path / "figure.png") as image:
        assert image.width in (round(style.COLUMN * 300), round(style.PAGE * 300))
        assert image.height < 11 * 300


def test_label_maps_of_another_system_are_drawn_as_our_own(made_up: dict[str, Path], tmp_path: Path) -> None:
    for clip in CLIPS:
        maps = read_all(made_up["maps"].parent / f"{clip}.h5", "maps")
        (tmp_path / clip).mkdir()
        for index, labels in enumerate(maps):
            Image.fromarray(labels).save(tmp_path / clip / f"{DATASET.open().clip(clip).frame_name(index)}.png")
    sources = (Source(title="theirs", folder=str(tmp_path)), source(made_up["maps"], "ours"))
    material = Material(figure_job("figure5", sources, frames=(0, 3)))
    theirs, ours = (material.labels(number, CLIPS[1], (0, 3)) for number in (0, 1))
    assert np.array_equal(theirs, ours) and theirs.shape == (2, *SIZE)


def said(name: str, *paths: Path) -> str:
    """All words of a figure."""
    job = figure_job(name, [*map(source, paths)], frames=(0,), tolerance=255, cases=2, settings="Settings.")
    return " ".join(one.what for one in figure.FIGURES[name](Material(job)).placed if isinstance(one.what, str))


def test_figures_say_what_was_found(made_up: dict[str, Path]) -> None:
    clip, frames = DATASET.open().clip(CLIPS[0]), [1, 3]
    decoded = read_all(made_up["look"].parent / f"{CLIPS[0]}.h5", "decoded")
    given = to_network_size(clip.frames(frames), (96, 160))
    changes = failures.reconstruction_change(given, decoded).mean((1, 2))
    text = said("figure8", made_up["look"], made_up["maps"])
    assert all(f"frame {frame}: {change:.1f}" in text for frame, change in zip(frames, changes, strict=True))
    maps = read_all(made_up["maps"].parent / f"{CLIPS[0]}.h5", "maps")
    truth = np.stack([labels for i in range(FRAMES) if (labels := clip.labels(i)) is not None])
    flipped = ((maps[1:] != maps[:-1]) & (truth[1:] == truth[:-1])).mean((1, 2))
    worst = int(flipped.argmax())
    text = said("figure9", made_up["maps"])
    assert f"frames {worst}, {worst + 1}: {100 * flipped[worst]:.1f} %" in text
    assert "of 2 clips" in text and text.endswith("Settings.")
    assert "none shows a class that its annotated frame lacks" in said("figure10", made_up["maps"])
    with pytest.raises(InputError, match="has 4 frames, none of"):
        figure.FIGURES["figure1"](Material(figure_job("figure1", [], frames=(9,))))


def test_words_that_are_too_long_are_set_smaller() -> None:
    width = style.text_width("scenes-tiny-video", style.TITLE)
    assert style.fitting_size([("Ours (x)", width), ("", 0.0)], style.TITLE) == style.TITLE
    smaller = style.fitting_size([("of scenes-tiny-video", width / 2), ("a", width)], style.TITLE)
    assert smaller == pytest.approx(style.TITLE / 2)
    assert style.text_width("scenes-tiny-video", smaller) <= width / 2 * 1.001
