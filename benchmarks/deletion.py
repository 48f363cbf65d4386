"""Deletion test of the activation map: hiding its strongest region must lower the score more than hiding a random one.

    python -m benchmarks.deletion --data chest_xray [--films 300] [--model M] [--json FILE]

It uses pneumonia films of the training folder only; no test film is read. About 25 scores per film, 5 ms each.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from tqdm import tqdm

from pneumonia import imaging, settings
from pneumonia.command_line import entry_point
from pneumonia.errors import UsageError
from pneumonia.evaluation import dataset, metrics
from pneumonia.inference.graph import Activation
from pneumonia.inference.model import Score
from pneumonia.inference.predictor import load_model

Film = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
ScoreFilm = Callable[[Film], Score]

HIDDEN_SHARE = 0.2
"""Share of the film's area that is hidden."""

RANDOM_MASKS = 10
"""Number of random regions per film. Their mean effect is the one expected by chance."""

BLUR_RADIUS = 12
"""Radius in pixels of the 150 px input. It removes ribs and vessels and retains the shapes of lungs and heart."""

FILMS, SEED = 300, 1
"""Default number of films, and seed of the choice of films and of random regions."""

FILLS = {"mean": "the film's mean grey", "blur": "the film itself, blurred"}
"""Fills of the hidden region. A uniform patch does not occur in films; a blurred one is more natural but hides less."""


def strongest_mask(activation: Activation, side: int = imaging.INPUT_SIDE) -> Mask:
    """Mask `[side, side]` of the `HIDDEN_SHARE` of pixels with the strongest activation."""
    enlarged = Image.fromarray(activation.astype(np.float32)).resize((side, side), Image.Resampling.BICUBIC)
    order = np.argsort(-np.asarray(enlarged), axis=None, kind="stable")
    mask = np.zeros(side * side, dtype=bool)
    mask[order[: round(HIDDEN_SHARE * side * side)]] = True
    return mask.reshape(side, side)


def random_mask(mask: Mask, generator: np.random.Generator) -> Mask:
    """The mask at a random position: shifted with wrap-around and mirrored at random, so its area does not change."""
    shifted = np.roll(mask, generator.integers(0, mask.shape), axis=(0, 1))
    return shifted[:, ::-1] if generator.random() < 0.5 else shifted


def hide(film: Film, mask: Mask, fill: str) -> Film:
    """The `[150, 150, 3]` film with the masked region filled; `fill` is a key of `FILLS`."""
    if fill == "mean":
        filler = np.full_like(film, round(float(film.mean())))
    else:
        filler = np.asarray(Image.fromarray(film).filter(ImageFilter.GaussianBlur(BLUR_RADIUS)))
    return np.where(mask[:, :, None], filler, film)


def log_odds_drops(film: Film, score_film: ScoreFilm, fill: str, generator: np.random.Generator) -> tuple[float, float]:
    """Decrease of the log-odds of pneumonia if (the strongest region, random regions on average) are hidden."""
    score = score_film(film)
    mask = strongest_mask(score.activation)

    def drop(region: Mask) -> float:
        return log_odds(score.probability) - log_odds(score_film(hide(film, region, fill)).probability)

    return drop(mask), float(np.mean([drop(random_mask(mask, generator)) for _ in range(RANDOM_MASKS)]))


def log_odds(probability: float) -> float:
    """Log-odds of a probability, which is clipped to 1e-12 and 1 - 1e-12."""
    probability = min(max(probability, 1e-12), 1 - 1e-12)
    return math.log(probability / (1 - probability))


def summary(drops: npt.NDArray[np.float64], patients: npt.NDArray[np.str_]) -> dict[str, metrics.Figure]:
    """Means over films of the drops `[N, 2]` (strongest, random), with 95 % bootstrap intervals over patients."""
    weights = metrics.bootstrap_weights(patients)
    strongest, random = drops.T
    columns = {
        "strongest": strongest,
        "random": random,
        "difference": strongest - random,
        "films_above_random": strongest > random,
    }
    return {name: _figure(values.astype(np.float64), weights) for name, values in columns.items()}


def _figure(values: Floats, weights: Floats) -> metrics.Figure:
    return metrics.with_interval(float(values.mean()), (weights @ values) / weights.sum(axis=1))


def measure(root: Path, score_film: ScoreFilm, count: int, seed: int = SEED) -> dict[str, Any]:
    """Summary of each fill over `count` pneumonia films of the training folder below `root`, chosen by `seed`."""
    sample = _sample(root, count, seed)
    patients = np.array([film.strict_key for film, _ in sample])
    generator = np.random.default_rng(seed)
    fills = {}
    for fill in FILLS:
        progress = tqdm(sample, fill, unit="film", disable=None)
        drops = [log_odds_drops(input_image, score_film, fill, generator) for _, input_image in progress]
        fills[fill] = summary(np.array(drops), patients)
    return {"films": len(sample), "patients": len(set(patients)), "seed": seed, "hidden": HIDDEN_SHARE, "fills": fills}


def _sample(root: Path, count: int, seed: int) -> list[tuple[dataset.LabelledFilm, Film]]:
    positive = [film for film in dataset.list_films(root, ("train",)) if film.label == 1]
    order = np.random.default_rng(seed).permutation(len(positive))[:count]
    return [(positive[index], imaging.to_input(imaging.read(positive[index].path))) for index in order]


def as_markdown(figures: Mapping[str, Any], model: str) -> str:
    """The table of docs/page.md."""
    films_of = f"{figures['films']} films with pneumonia of {figures['patients']} patients from the training folder"
    head = ["fill of the hidden region", "strongest fifth", "random region, same size and shape", "difference"]
    columns = [*head, "films with a larger decrease than random"]
    lines = [f"Model {model}, {films_of}. Decrease of the log-odds (95 % interval).", "", f"| {' | '.join(columns)} |"]
    return "\n".join([*lines, "|---" * len(columns) + "|", *_rows(figures["fills"])])


def _rows(fills: Mapping[str, Mapping[str, metrics.Figure]]) -> Iterator[str]:
    for fill, figures in fills.items():
        drops = (_format(figures[name]) for name in ("strongest", "random", "difference"))
        above, low, high = (100 * (figures["films_above_random"][name] or 0) for name in ("value", "low", "high"))
        yield f"| {FILLS[fill]} | {' | '.join(drops)} | {above:.0f} % ({low:.0f}-{high:.0f}) |"


def _format(figure: metrics.Figure) -> str:
    value, low, high = ((figure[name] or 0.0) for name in ("value", "low", "high"))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


@entry_point
def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Measure the effect of hiding the region with the strongest activation."
    )
    parser.add_argument("--data", type=Path, help="folder with train/PNEUMONIA; default: PNEUMONIA_DATA")
    parser.add_argument("--films", type=int, default=FILMS)
    parser.add_argument("--model", help="model folder or owner/name@revision; overrides PNEUMONIA_MODEL")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args(arguments)
    root = options.data or _default_data()
    model = load_model(options.model)
    figures = measure(root, model.score, options.films)
    print(as_markdown(figures, f"{model.identity.name} {model.identity.sha256[:12]}"))
    if options.json:
        options.json.write_text(json.dumps({"model": model.identity.as_dict(), **figures}, indent=1) + "\n")
    return 0


def _default_data() -> Path:
    folder = settings.DATA.read()
    if not folder:
        raise UsageError("No films. Allowed: --data DIR, or PNEUMONIA_DATA. Received: neither.")
    return Path(folder)


if __name__ == "__main__":
    sys.exit(main())
