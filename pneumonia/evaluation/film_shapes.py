"""Shapes of whole films: how elongated the films of each source are, and how many exceed the limits of the service.

`inference.cut_off_films` takes an elongated film for one of which a part was cropped. A data folder may have films that
were stretched to squares; their shape says nothing. The table `masks.csv` has the original sizes of the children's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ..inference.cut_off_films import ASPECT_LIMITS
from . import lung_masks
from .dataset import FilmSet
from .population_tables import source_name
from .table import Table

SHARES = (0.5, 0.95, 0.99, 0.998)
"""Shares of the films that are below the quantiles of the table."""

SIZES_BY_TABLE, SIZES_BY_FILE = "masks.csv", "files"


def limits() -> list[float]:
    """The limits of all populations, in ascending order."""
    bounds = {bound for limit in ASPECT_LIMITS.values() for bound in (limit.near, limit.far)}
    return sorted(bound for bound in bounds if bound is not None)


def aspects_by_source(films: FilmSet, masks: Path | None) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    """(source, where the sizes are from) -> longer side of each film as a multiple of the shorter one.

    `masks`: folder with the table of original sizes, if there is one. A film that it lacks has the size of its file.
    """
    sizes = {} if masks is None else lung_masks.original_sizes(masks)
    aspects: dict[tuple[str, str], list[float]] = {}
    for film in films.films:
        size = sizes.get(lung_masks.film_key(film.path))
        origin = SIZES_BY_FILE if size is None else SIZES_BY_TABLE
        width, height = size or _size_of(film.path)
        aspects.setdefault((film.source or "kermany", origin), []).append(max(width, height) / min(width, height))
    return {key: np.array(values) for key, values in sorted(aspects.items())}


def shape_table(aspects: Mapping[tuple[str, str], npt.NDArray[np.float64]]) -> str:
    """Quantiles and maximum of each source, and the number of films above each limit, as Markdown."""
    columns = ["source", "sizes", "films", "squares", *(f"{100 * share:g} %" for share in SHARES), "longest"]
    columns += [f"above {bound:g}" for bound in limits()]
    rows = [[source_name(source), origin, *_cells(values)] for (source, origin), values in aspects.items()]
    return Table("Shapes of whole films", columns, rows).to_markdown()


def _cells(aspects: npt.NDArray[np.float64]) -> list[str]:
    quantiles = [*np.quantile(aspects, SHARES), aspects.max()]
    above = [int(np.sum(aspects > bound)) for bound in limits()]
    counts = [len(aspects), int(np.sum(aspects == 1)), *above]
    films, squares, *rest = (f"{count:,}" for count in counts)
    return [films, squares, *(f"{quantile:.2f}" for quantile in quantiles), *rest]


def _size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size
