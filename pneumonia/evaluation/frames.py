"""Frame audit: answers for films inside simulated uniform frames, compared with those for the films alone.

python -m pneumonia.evaluation.frames --data chest_xray --split train --count 300
python -m pneumonia.evaluation.frames --unframed chest_xray/train/NORMAL nih/NORMAL
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from .. import imaging, load_predictor
from ..command_line import entry_point
from ..errors import FilmError
from ..inference.decision import CLASSES, Failure, Prediction
from ..inference.predictor import Predictor
from .dataset import SPLITS, list_films
from .number_format import share
from .simulated_frames import COLOURS, SHARES, Grey, add_frame
from .table import Table

ENCODINGS = {"exact": None, "JPEG quality 75": 75}
"""How the framed film is stored: without loss, or as a JPEG of this quality."""

MAX_OFFSET = 2
"""Largest distance in pixels of the found film from the true one at which the frame counts as removed."""


@dataclass(frozen=True)
class FrameResult:
    """Outcomes for films inside one kind of frame, as shares of the films or counts.

    `same`: share with the label and reason of the film alone. `located`: share of frames that were removed within
    `MAX_OFFSET` pixels. `missed`: number of films called Pneumonia alone and Normal in the frame. `refused`: number of
    films that are answered alone and refused in the frame.
    """

    films: int
    same: float
    located: float
    missed: int
    refused: int


def compare(
    predictor: Predictor,
    films: Sequence[Grey],
    before: Sequence[Prediction | Failure],
    frame_share: float,
    colour: str,
    encoding: str,
) -> FrameResult:
    """Compare the answers `before` for `films`, `[H, W]` each, with those inside a frame.

    `encoding` is a key of `ENCODINGS`.
    """
    quality = ENCODINGS[encoding]
    framed = [_encode(add_frame(film, frame_share, colour), quality) for film in films]
    pairs = list(zip(before, predictor.predict_many(framed), strict=True))
    located = [_is_located(*pair, frame_share) for pair in zip(films, framed, strict=True)]
    return FrameResult(
        films=len(films),
        same=float(np.mean([outcome(one) == outcome(other) for one, other in pairs])),
        located=float(np.mean(located)),
        missed=sum(outcome(one) == CLASSES[1] and outcome(other) == CLASSES[0] for one, other in pairs),
        refused=sum(outcome(one) in CLASSES and is_refused(other) for one, other in pairs),
    )


def count_framed(folder: Path) -> tuple[int, int]:
    """(number of films of a folder that can be read, number of those in which a frame is found)."""
    films = framed = 0
    for path in tqdm(sorted(folder.iterdir()), folder.name, unit="film", disable=None):
        try:
            area = imaging.read(path).area
        except FilmError:
            continue
        films, framed = films + 1, framed + (area != imaging.WHOLE)
    return films, framed


def outcome(result: Prediction | Failure) -> str:
    """The label, or for Unknown and errors their code."""
    if isinstance(result, Failure):
        return result.error.code
    return result.label if result.reason is None else result.reason.code


def is_refused(result: Prediction | Failure) -> bool:
    """True for a film that was not scored."""
    return isinstance(result, Failure) or result.probability is None


def _encode(image: Grey, quality: int | None) -> Grey:
    if quality is None:
        return image
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("L"))


def _is_located(film: Grey, framed: Grey, frame_share: float) -> bool:
    """True if the area in `framed` is that of the film, or the part of the film that is found in the film alone."""
    rows, columns = (max(1, round(frame_share * side)) for side in film.shape)
    inner = imaging.film_area(film).box(film.shape[1], film.shape[0])
    true_box = (inner[0] + columns, inner[1] + rows, inner[2] + columns, inner[3] + rows)
    found_box = imaging.film_area(framed).box(framed.shape[1], framed.shape[0])
    offsets = [abs(one - other) for one, other in zip(true_box, found_box, strict=True)]
    return all(offset <= MAX_OFFSET for offset in offsets)


def load_displays(data: Path, split: str, count: int | None, first: int = 0) -> list[Grey]:
    """Display images of `count` films of a split, evenly spaced over its files from number `first` on.

    All of these films if `count` is None.
    """
    listed = list_films(data, (split,))
    chosen = listed[first :: max(1, len(listed) // count)] if count else listed[first:]
    return [imaging.to_display(imaging.read(film.path)) for film in tqdm(chosen, "reading films", disable=None)]


def _rows(predictor: Predictor, films: Sequence[Grey]) -> Iterator[list[str]]:
    before = list(predictor.predict_many(films))
    kinds = [(encoding, colour, depth) for encoding in ENCODINGS for colour in COLOURS for depth in SHARES]
    for encoding, colour, depth in tqdm(kinds, "frames", disable=None):
        result = compare(predictor, films, before, depth, colour, encoding)
        cells = [share(result.same), str(result.missed), str(result.refused), share(result.located)]
        yield [f"{colour}, {100 * depth:.0f} %", encoding, *cells]


@entry_point
def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables as Markdown; returns the exit code (2 after an error)."""
    parser = argparse.ArgumentParser("python -m pneumonia.evaluation.frames", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR", help="films in Kaggle's layout")
    parser.add_argument("--split", choices=SPLITS, default="train", help="default: train")
    parser.add_argument("--count", type=int, metavar="N", help="number of films; default: all")
    parser.add_argument("--unframed", type=Path, nargs="+", default=[], metavar="FOLDER", help="count frames in films")
    parser.add_argument("--model", metavar="M", help="model bundle; default: PNEUMONIA_MODEL")
    options = parser.parse_args(arguments)
    if options.data is None and not options.unframed:
        parser.error("No films. Allowed: --data DIR, or --unframed FOLDER. Received: neither.")
    if options.data is not None:
        films = load_displays(options.data, options.split, options.count)
        columns = ["frame", "stored", "same answer", "Pneumonia to Normal", "refused", "removed within 2 px"]
        rows = list(_rows(load_predictor(options.model), films))
        print(f"{len(films):,} films.\n\n{Table('Films in frames', columns, rows).to_markdown()}\n")
    if options.unframed:
        counts = [(folder, *count_framed(folder)) for folder in options.unframed]
        rows = [[folder.as_posix(), f"{films:,}", f"{framed:,}"] for folder, films, framed in counts]
        print(Table("Frames in films", ["folder", "films", "frame found"], rows).to_markdown())
    return 0


if __name__ == "__main__":
    sys.exit(main())
