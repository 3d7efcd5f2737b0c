"""Frames and exact maps of the classes and of the moving objects of a generated world."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.scenes.world import HEIGHT, MARGIN, NOTHING, WIDTH, Label, Layer, Sprite, World, depth, sample_world

FIRST_OBJECT = len(Label)
"""What is drawn are maps of classes and, from this value on, of moving objects in the order of `World.sprites`."""


def render_clip(
    seed: int, frames: int, only: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A clip by its seed.

    Args:
        seed: the clip; the same seed gives the same bytes.
        frames: length of the clip.
        only: frame numbers to render, all where None (the world is the same either way).

    Returns:
        Frames [n, 128, 192, 3] uint8 RGB and labels [n, 128, 192] uint8, see :class:`world.Label`.
    """
    world, pictures, maps = _render(seed, frames, only)
    classes = np.arange(256, dtype=np.uint8)
    classes[FIRST_OBJECT : FIRST_OBJECT + len(world.sprites)] = [sprite.label for sprite in world.sprites]
    return pictures, classes[maps]


def render_objects(
    seed: int, frames: int, only: NDArray[np.intp] | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The same clip with its moving objects told apart.

    Args:
        seed: as for :func:`render_clip`, and so are the others.
        frames: length of the clip.
        only: frame numbers to render.

    Returns:
        Frames as :func:`render_clip` gives them, and objects [n, 128, 192] uint8: 1, 2, ... for the vehicles and
        persons of the clip, in or out of view, each with its number in all frames; 0 elsewhere.
    """
    world, pictures, maps = _render(seed, frames, only)
    objects = np.zeros(256, np.uint8)
    objects[FIRST_OBJECT : FIRST_OBJECT + len(world.sprites)] = np.arange(1, len(world.sprites) + 1)
    return pictures, objects[maps]


def _render(
    seed: int, frames: int, only: NDArray[np.intp] | None
) -> tuple[World, NDArray[np.uint8], NDArray[np.uint8]]:
    rng = np.random.default_rng(np.random.SeedSequence([20240516, seed]))
    world = sample_world(rng, frames)
    chosen = np.arange(frames) if only is None else only
    # The sensor noise of a frame comes from the clip and the frame alone, whichever frames are asked for.
    pairs = [_frame(world, int(t), np.random.default_rng([seed, int(t)])) for t in chosen]
    return world, np.stack([p[0] for p in pairs]), np.stack([p[1] for p in pairs])


def _frame(world: World, t: int, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    pan = float(world.camera.pan[t])
    colour = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    labels = np.full((HEIGHT, WIDTH), NOTHING, np.uint8)
    for layer in world.layers:
        _put_layer(colour, labels, layer, pan)
    _put_ground(colour, labels, world, pan)
    for number, sprite in enumerate(world.sprites):
        _put_sprite(colour, labels, sprite, FIRST_OBJECT + number, world.ground.horizon, pan, t)
    _put_layer(colour, labels, world.front, pan)
    colour, labels = _move_camera(colour, labels, float(world.camera.zoom[t]), float(world.camera.bob[t]))
    return _expose(colour, world, t, rng), labels


def _put_layer(colour: NDArray[np.float32], labels: NDArray[np.uint8], layer: Layer, pan: float) -> None:
    left = int(np.clip(round(MARGIN + layer.parallax * pan), 0, 2 * MARGIN))
    piece = layer.labels[:, left : left + WIDTH]
    seen = piece != NOTHING
    colour[seen] = layer.colour[:, left : left + WIDTH][seen]
    labels[seen] = piece[seen]


def _put_ground(colour: NDArray[np.float32], labels: NDArray[np.uint8], world: World, pan: float) -> None:
    ground = world.ground
    for row in range(ground.horizon, HEIGHT):
        left = int(2 * MARGIN + depth(row, ground.horizon) * pan)
        colour[row] = ground.colour[row - ground.horizon, left : left + WIDTH]
        labels[row] = ground.labels[row - ground.horizon, left : left + WIDTH]


def _put_sprite(
    colour: NDArray[np.float32],
    labels: NDArray[np.uint8],
    sprite: Sprite,
    label: int,
    horizon: int,
    pan: float,
    t: int,
) -> None:
    phase = t % len(sprite.mask)
    mask, picture = sprite.mask[phase], sprite.colour[phase]
    height, width = mask.shape
    x = WIDTH / 2 + sprite.start + sprite.velocity * t - depth(sprite.feet, horizon) * pan
    left, top = round(x - width / 2), round(sprite.feet) - height
    y0, y1, x0, x1 = max(top, 0), min(top + height, HEIGHT), max(left, 0), min(left + width, WIDTH)
    if y0 >= y1 or x0 >= x1:
        return
    shadow = slice(max(y1 - 2, 0), min(y1 + 2, HEIGHT))
    colour[shadow, x0:x1] *= 0.6
    inside = mask[y0 - top : y1 - top, x0 - left : x1 - left]
    colour[y0:y1, x0:x1][inside] = picture[y0 - top : y1 - top, x0 - left : x1 - left][inside]
    labels[y0:y1, x0:x1][inside] = label


def _move_camera(
    colour: NDArray[np.float32], labels: NDArray[np.uint8], zoom: float, bob: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    matrix = np.array([[zoom, 0, (1 - zoom) * WIDTH / 2], [0, zoom, (1 - zoom) * HEIGHT / 2 + bob]], np.float32)
    size = (WIDTH, HEIGHT)
    moved = cv2.warpAffine(colour, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    kept = cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.float32), np.asarray(kept, np.uint8)


def _expose(colour: NDArray[np.float32], world: World, t: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    camera = world.camera
    x = np.arange(WIDTH, dtype=np.float32)[None, :, None]
    cloud = 1 - 0.3 * np.exp(-(((x - camera.shadow[t]) / 40) ** 2))
    lit = colour * cloud * (camera.gain[t] * camera.tint[t])
    soft = cv2.GaussianBlur(np.asarray(lit, np.float32), (0, 0), camera.blur)
    grain = rng.standard_normal(soft.shape, dtype=np.float32) * camera.noise
    return np.asarray(np.clip(soft + grain, 0, 1) * 255 + 0.5, np.uint8)
