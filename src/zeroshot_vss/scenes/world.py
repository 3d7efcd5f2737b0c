"""What a generated clip shows: a street seen from the side, drawn at random from a seed.

A world is sampled once a clip; :mod:`zeroshot_vss.scenes.render` turns it into frames. Surfaces take their
colour from one small palette a clip, whatever their class, so that colour alone does not tell the classes apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.scenes import textures

HEIGHT, WIDTH = 128, 192
MARGIN = 420
"""Pixels by which layers reach beyond the frame on either side: how far the camera can pan."""


class Label(IntEnum):
    """The classes of the generated clips."""

    SKY = 0
    BUILDING = 1
    ROAD = 2
    GRASS = 3
    TREE = 4
    VEHICLE = 5
    PERSON = 6


NOTHING = 255
"""Label of a layer's transparent pixels; never left in a finished frame."""


@dataclass
class Layer:
    """A flat picture at one depth. `parallax` is its motion in pixels for one pixel of camera motion."""

    colour: NDArray[np.float32]
    """[HEIGHT, WIDTH + 2 MARGIN, 3], 0..1."""
    labels: NDArray[np.uint8]
    """[HEIGHT, WIDTH + 2 MARGIN]; NOTHING where the layer is transparent."""
    parallax: float


@dataclass
class Sprite:
    """Something that moves by itself."""

    colour: NDArray[np.float32]
    """[frames of its own cycle, h, w, 3], 0..1."""
    mask: NDArray[np.bool_]
    """[frames of its own cycle, h, w]."""
    label: Label
    feet: float
    """Image row on which it stands."""
    start: float
    """Column of its centre at frame 0, relative to the frame's centre."""
    velocity: float
    """Own motion in pixels a frame at its depth."""


@dataclass
class Ground:
    """The plane below the horizon; its texture is looked up row by row."""

    colour: NDArray[np.float32]
    labels: NDArray[np.uint8]
    horizon: int


@dataclass
class Camera:
    """Paths of the camera and of the light, one value a frame."""

    pan: NDArray[np.float64]
    bob: NDArray[np.float64]
    zoom: NDArray[np.float64]
    gain: NDArray[np.float64]
    tint: NDArray[np.float64]
    """[frames, 3]."""
    shadow: NDArray[np.float64]
    """Column of the cloud shadow's centre."""
    blur: float
    noise: float


@dataclass
class World:
    """One clip, ready to be rendered."""

    layers: list[Layer]
    ground: Ground
    sprites: list[Sprite]
    front: Layer
    camera: Camera


Painter = Callable[[np.random.Generator, int, int], textures.Texture]
FACADES: tuple[Painter, ...] = (textures.bricks, textures.windows, textures.windows, textures.panels)
CROWNS: tuple[Painter, ...] = (textures.leaves, textures.leaves, textures.needles)
LAWNS: tuple[Painter, ...] = (textures.blades, textures.blades, textures.furrows)
ROADS: tuple[Painter, ...] = (textures.asphalt, textures.asphalt, textures.setts)


def sample_world(rng: np.random.Generator, frames: int) -> World:
    """Draw the world of a clip of `frames` frames."""
    palette = _palette(rng)
    horizon = int(rng.integers(50, 66))
    layers = [_sky(rng, palette)]
    if rng.random() < 0.5:
        layers.append(_treeline(rng, palette, horizon))
    layers.append(_buildings(rng, palette, horizon))
    layers.append(_trees(rng, palette, horizon + 4, count=int(rng.integers(3, 8)), size=(34, 52), parallax=0.55))
    ground, road = _ground(rng, palette, horizon)
    sprites = _vehicles(rng, palette, road, frames) + _people(rng, palette, ground, frames)
    sprites.sort(key=lambda s: s.feet)
    front = _trees(rng, palette, HEIGHT + 4, count=int(rng.integers(0, 3)), size=(70, 100), parallax=1.35)
    return World(layers, ground, sprites, front, _camera(rng, frames))


def _palette(rng: np.random.Generator) -> NDArray[np.float32]:
    """Four colours that all surfaces of the clip share, [4, 3] in 0..1."""
    hue = (rng.uniform(0, 180) + rng.normal(0, 28, 4)) % 180
    saturation = rng.uniform(15, 110, 4)
    value = rng.uniform(95, 205, 4)
    hsv = np.stack([hue, saturation, value], 1).astype(np.uint8)[None]
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0], np.float32) / 255  # pyright: ignore[reportReturnType]


def _paint(
    rng: np.random.Generator,
    palette: NDArray[np.float32],
    pattern: textures.Texture,
    contrast: tuple[float, float],
) -> NDArray[np.float32]:
    """Colour a texture: a shared base colour, darker and lighter with the pattern, slightly tinted by a second."""
    base = palette[rng.integers(len(palette))] * rng.uniform(0.85, 1.15)
    other = palette[rng.integers(len(palette))]
    strength = rng.uniform(*contrast)
    p = pattern[..., None]
    colour = base * (1 + strength * p) + 0.15 * np.maximum(p, 0) * (other - base)
    return np.clip(colour, 0, 1).astype(np.float32)


def _empty_layer(parallax: float) -> Layer:
    width = WIDTH + 2 * MARGIN
    return Layer(np.zeros((HEIGHT, width, 3), np.float32), np.full((HEIGHT, width), NOTHING, np.uint8), parallax)


def _sky(rng: np.random.Generator, palette: NDArray[np.float32]) -> Layer:
    layer = _empty_layer(0.04)
    pattern = textures.clouds(rng, HEIGHT, layer.labels.shape[1])
    gradient = np.linspace(-0.3, 0.3, HEIGHT, dtype=np.float32)[:, None]
    layer.colour[:] = _paint(rng, palette, pattern + gradient, (0.12, 0.35)) * 0.8 + 0.2
    layer.labels[:] = Label.SKY
    return layer


def _treeline(rng: np.random.Generator, palette: NDArray[np.float32], horizon: int) -> Layer:
    layer = _empty_layer(0.2)
    width = layer.labels.shape[1]
    ridge = horizon - 12 - 9 * textures.noise(rng, 1, width, 1, 30)[0] - 3 * textures.noise(rng, 1, width, 1, 6)[0]
    inside = np.arange(HEIGHT)[:, None] > ridge[None]
    layer.colour[:] = _paint(rng, palette, CROWNS[rng.integers(3)](rng, HEIGHT, width), (0.3, 0.5))
    layer.labels[inside] = Label.TREE
    return layer


def _buildings(rng: np.random.Generator, palette: NDArray[np.float32], horizon: int) -> Layer:
    layer = _empty_layer(0.4)
    x = -int(rng.integers(0, 40))
    while x < layer.labels.shape[1]:
        wide, tall = int(rng.integers(30, 80)), int(rng.integers(20, 58))
        if rng.random() < 0.8:
            left, right, top = max(x, 0), min(x + wide, layer.labels.shape[1]), max(horizon + 3 - tall, 2)
            if right > left:
                pattern = FACADES[rng.integers(len(FACADES))](rng, HEIGHT - top, right - left)
                layer.colour[top:, left:right] = _paint(rng, palette, pattern, (0.3, 0.55))
                layer.labels[top:, left:right] = Label.BUILDING
                if rng.random() < 0.4:
                    _gable(layer, rng, palette, left, right, top)
        x += wide + int(rng.integers(0, 16))
    return layer


def _gable(
    layer: Layer, rng: np.random.Generator, palette: NDArray[np.float32], left: int, right: int, top: int
) -> None:
    peak = max(top - int(rng.integers(6, 14)), 0)
    mask = np.zeros(layer.labels.shape, np.uint8)
    cv2.fillConvexPoly(mask, np.array([[left, top], [(left + right) // 2, peak], [right - 1, top]]), 1)
    colour = _paint(rng, palette, textures.panels(rng, HEIGHT, layer.labels.shape[1]), (0.2, 0.4))
    layer.colour[mask > 0] = colour[mask > 0]
    layer.labels[mask > 0] = Label.BUILDING


def _trees(
    rng: np.random.Generator,
    palette: NDArray[np.float32],
    feet: int,
    count: int,
    size: tuple[int, int],
    parallax: float,
) -> Layer:
    layer = _empty_layer(parallax)
    width = layer.labels.shape[1]
    for x in rng.uniform(0, width, count * 3):
        tall = int(rng.integers(*size))
        mask = np.zeros((HEIGHT, width), np.uint8)
        kind = int(rng.integers(len(CROWNS)))
        half = int(tall * rng.uniform(0.28, 0.45))
        trunk = max(tall // 14, 1)
        cv2.rectangle(mask, (int(x) - trunk, feet - tall // 2), (int(x) + trunk, feet), 1, -1)
        bark = mask > 0
        if kind == 2:
            corners = [[int(x) - half, feet - tall // 4], [int(x), feet - tall], [int(x) + half, feet - tall // 4]]
            cv2.fillConvexPoly(mask, np.array(corners), 1)
        else:
            for _ in range(5):
                cx, cy = x + rng.normal(0, half / 2.5), feet - tall * 0.66 + rng.normal(0, half / 3)
                cv2.circle(mask, (int(cx), int(cy)), int(half * rng.uniform(0.5, 0.75)), 1, -1)
        colour = _paint(rng, palette, CROWNS[kind](rng, HEIGHT, width), (0.35, 0.6))
        colour[bark] *= 0.55
        layer.colour[mask > 0] = colour[mask > 0]
        layer.labels[mask > 0] = Label.TREE
    return layer


def _ground(
    rng: np.random.Generator, palette: NDArray[np.float32], horizon: int
) -> tuple[Ground, tuple[float, float]]:
    """The plane and the image rows (top, bottom) of its road."""
    rows, width = HEIGHT - horizon + 16, WIDTH + 4 * MARGIN
    top = int(rng.uniform(0.1, 0.45) * rows)
    bottom = int(top + rng.uniform(0.35, 0.6) * rows)
    colour = _paint(rng, palette, LAWNS[rng.integers(len(LAWNS))](rng, rows, width), (0.3, 0.5))
    road = _paint(rng, palette, ROADS[rng.integers(len(ROADS))](rng, rows, width), (0.25, 0.5))
    x = np.arange(width)
    wobble = 2.5 * np.sin(x / rng.uniform(50, 110) + rng.uniform(0, 6))
    row = np.arange(rows)[:, None]
    inside = (row >= top + wobble) & (row < bottom + wobble)
    dashes = (np.abs(row - (top + bottom) / 2 - wobble) < 1.2) & (x % 36 < 18)
    road[dashes & inside] = np.clip(palette.max(0) * 1.2, 0, 1)
    colour[inside] = road[inside]
    labels = np.where(inside, Label.ROAD, Label.GRASS).astype(np.uint8)
    return Ground(colour, labels, horizon), (float(horizon + top), float(min(horizon + bottom, HEIGHT)))


def depth(row: float, horizon: float) -> float:
    """Motion of a ground point on image `row` for one pixel of camera motion: 0.45 far, 1.2 at the lower edge."""
    return 0.45 + 0.75 * (row - horizon) / (HEIGHT - horizon)


def _vehicles(
    rng: np.random.Generator, palette: NDArray[np.float32], road: tuple[float, float], frames: int
) -> list[Sprite]:
    sprites: list[Sprite] = []
    lanes = (road[0] + 0.35 * (road[1] - road[0]), road[0] + 0.85 * (road[1] - road[0]))
    for lane, feet in enumerate(lanes):
        direction = 1.0 if lane else -1.0
        speed = rng.uniform(0.3, 2.6)
        x = rng.uniform(-240, -60)
        while x < 240:
            colour, mask = _vehicle(rng, palette, float(rng.uniform(0.9, 1.25)) * (1.0 + 0.35 * lane))
            if direction < 0:
                colour, mask = colour[:, ::-1], mask[:, ::-1]
            velocity = direction * speed
            sprites.append(Sprite(colour[None], mask[None], Label.VEHICLE, feet, x - velocity * 6, velocity))
            x += mask.shape[1] + rng.uniform(30, 170)
    return sprites


def _vehicle(
    rng: np.random.Generator, palette: NDArray[np.float32], scale: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A car, a van or a lorry: a smooth body, glass, two dark wheels."""
    kind = int(rng.integers(3))
    width, height = (int(v * scale) for v in ((42, 17), (44, 25), (62, 27))[kind])
    mask, glass = np.zeros((height, width), np.uint8), np.zeros((height, width), np.uint8)
    base = height - max(height // 6, 2)
    if kind == 0:
        cv2.rectangle(mask, (0, height // 2), (width - 1, base), 1, -1)
        cabin = np.array(
            [[width // 5, height // 2], [width // 3, 0], [int(width * 0.7), 0], [int(width * 0.85), height // 2]]
        )
        cv2.fillConvexPoly(mask, cabin, 1)
        cv2.rectangle(glass, (int(width * 0.34), 2), (int(width * 0.49), height // 2 - 1), 1, -1)
        cv2.rectangle(glass, (int(width * 0.53), 2), (int(width * 0.7), height // 2 - 1), 1, -1)
    elif kind == 1:
        cv2.rectangle(mask, (0, 0), (int(width * 0.85), base), 1, -1)
        cv2.rectangle(mask, (0, height // 2), (width - 1, base), 1, -1)
        cv2.rectangle(glass, (int(width * 0.6), height // 8), (int(width * 0.8), height // 2), 1, -1)
    else:
        cv2.rectangle(mask, (0, 0), (int(width * 0.7), base - 2), 1, -1)
        cv2.rectangle(mask, (int(width * 0.74), height // 4), (width - 1, base), 1, -1)
        cv2.rectangle(mask, (0, base - 3), (width - 1, base), 1, -1)
        cv2.rectangle(glass, (int(width * 0.84), height // 3), (width - 2, int(height * 0.55)), 1, -1)
    shade = np.repeat(np.linspace(0.7, -0.7, height, dtype=np.float32)[:, None], width, 1)
    colour = _paint(rng, palette, shade, (0.2, 0.35))
    colour[glass > 0] = rng.uniform(0.08, 0.25)
    radius = max(height // 6, 3)
    for centre in (0.2, 0.8):
        wheel = np.zeros((height, width), np.uint8)
        cv2.circle(wheel, (int(width * centre), height - radius - 1), radius, 1, -1)
        mask |= wheel
        colour[wheel > 0] = 0.08
        cv2.circle(wheel, (int(width * centre), height - radius - 1), max(radius // 2, 1), 2, -1)
        colour[wheel == 2] = 0.5
    return colour, mask > 0


def _people(rng: np.random.Generator, palette: NDArray[np.float32], ground: Ground, frames: int) -> list[Sprite]:
    sprites: list[Sprite] = []
    for _ in range(int(rng.integers(2, 7))):
        feet = rng.uniform(ground.horizon + 18, HEIGHT - 3)
        tall = int(26 + 34 * (feet - ground.horizon) / (HEIGHT - ground.horizon))
        colour, mask = _person(rng, palette, tall)
        velocity = float(rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.2))
        sprites.append(Sprite(colour, mask, Label.PERSON, feet, rng.uniform(-220, 220), velocity))
    return sprites


def _person(
    rng: np.random.Generator, palette: NDArray[np.float32], tall: int, cycle: int = 8
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """A walking figure: head, striped or plain trunk, swinging arms and legs; [cycle, tall, w]."""
    width = int(tall * 0.56)
    centre, limb = width // 2, max(int(tall * 0.1), 2)
    shirt = palette[rng.integers(len(palette))] * rng.uniform(0.5, 1.3)
    trousers = palette[rng.integers(len(palette))] * rng.uniform(0.25, 0.7)
    skin = np.array([0.85, 0.66, 0.52]) * rng.uniform(0.45, 1.05)
    striped = rng.random() < 0.5
    colours = np.zeros((cycle, tall, width, 3), np.float32)
    masks = np.zeros((cycle, tall, width), np.bool_)
    neck, hip = int(tall * 0.2), int(tall * 0.55)
    for step in range(cycle):
        swing = np.sin(2 * np.pi * step / cycle) * tall * 0.13
        canvas = colours[step]
        drawn = np.zeros((tall, width), np.uint8)
        for side in (-1, 1):
            foot = (int(centre + side * swing), tall - 1)
            _stroke(canvas, drawn, (centre, hip), foot, limb, trousers)
            _stroke(
                canvas,
                drawn,
                (centre, neck + 3),
                (int(centre - side * swing * 1.2), hip),
                max(limb - 1, 1),
                shirt * 0.8,
            )
        cv2.ellipse(drawn, (centre, (neck + hip) // 2), (int(tall * 0.12), (hip - neck) // 2 + 2), 0, 0, 360, 2, -1)
        canvas[drawn == 2] = shirt
        if striped:
            stripes = (np.arange(tall) % 5 < 2)[:, None] & (drawn == 2)
            canvas[stripes] = shirt * 0.5
        cv2.circle(drawn, (centre, int(tall * 0.1)), max(int(tall * 0.095), 2), 3, -1)
        canvas[drawn == 3] = skin
        masks[step] = drawn > 0
    return np.clip(colours, 0, 1), masks


def _stroke(
    canvas: NDArray[np.float32],
    drawn: NDArray[np.uint8],
    start: tuple[int, int],
    end: tuple[int, int],
    thickness: int,
    colour: NDArray[np.floating],
) -> None:
    line = np.zeros(drawn.shape, np.uint8)
    cv2.line(line, start, end, 1, thickness)
    canvas[line > 0] = colour
    drawn[line > 0] = 1


def _camera(rng: np.random.Generator, frames: int) -> Camera:
    t = np.arange(frames)
    speed = rng.choice([-1.0, 1.0]) * rng.uniform(0.8, 3.6)
    pan = speed * t + rng.uniform(2, 10) * np.sin(t / rng.uniform(6, 12))
    light = rng.uniform(0.08, 0.28) * np.sin(t / rng.uniform(5, 14) + rng.uniform(0, 6))
    tint = rng.uniform(0.0, 0.07, 3) * np.sin(t[:, None] / rng.uniform(6, 16, 3) + rng.uniform(0, 6, 3))
    return Camera(
        pan=np.clip(pan, -MARGIN / 1.5, MARGIN / 1.5),
        bob=rng.uniform(0, 2.0) * np.sin(t / rng.uniform(2, 5)),
        zoom=1.0 + rng.uniform(0.0, 0.14) * (0.5 - 0.5 * np.cos(t / rng.uniform(8, 16))),
        gain=1.0 + light,
        tint=1.0 + tint,
        shadow=rng.uniform(-60, WIDTH) + rng.uniform(-4, 4) * t,  # pyright: ignore[reportArgumentType]
        blur=rng.uniform(0.35, 0.6),
        noise=rng.uniform(0.005, 0.02),
    )
