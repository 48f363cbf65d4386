"""Picture of the evidence maps of the embedded models' class averages: `python -m tests.example_maps [--out docs]`.

A class average shows no patient. One row for each model, normal before pneumonia: the average, and its map with the
edge of the predicted lung field.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from pneumonia import imaging, load_predictor
from pneumonia.inference import map_overlay
from pneumonia.inference.model import Model

SIDE = 300
"""Width and height of a tile in pixels."""


def row(model: Model) -> Image.Image:
    """The examples of one model beside their maps, `[300, 1200]`."""
    tiles = []
    for path in model.bundle.examples:
        input_image = imaging.to_input(imaging.read(path))
        score = model.score(input_image)
        film = Image.fromarray(input_image[:, :, 0]).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        evidence = map_overlay.overlay(np.asarray(film), score.activation, lung_field=score.lung_field)
        tiles += [np.asarray(film.convert("RGB")), np.asarray(evidence)]
    return Image.fromarray(np.hstack(tiles))


def main() -> None:
    parser = argparse.ArgumentParser("python -m tests.example_maps", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"), help="folder of maps.jpg (default: docs)")
    rows = [np.asarray(row(model)) for model in load_predictor("").models]
    Image.fromarray(np.vstack(rows)).save(parser.parse_args().out / "maps.jpg", quality=85)


if __name__ == "__main__":
    main()
