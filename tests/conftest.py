"""Shared fixtures: a clean environment, generated films, and the embedded model, which is loaded once."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from pneumonia import Predictor, load_predictor, settings
from pneumonia.inference import sources

Grey = npt.NDArray[np.uint8]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", action="store_true", help="save each state of the page in screenshots/")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two processes for folders of fast tests; none if a file is named or slow tests are selected.

    On two cores that share a cache, three or four processes took a fifth longer.
    """
    folders = all(Path(argument).is_dir() for argument in config.args)
    return 2 if folders and "not slow" in config.option.markexpr else 0


LONGEST_FIRST = (
    "tests/web/",
    "tests/archive/",
    "tests/learning/",
    "tests/benchmarks/",
    "tests/imaging/dicom/",
    "tests/hostile/",
    "tests/pacs/",
    "tests/publishing/",
    "tests/cli/",
)
"""Folders with the files that take longest. Each process takes the next file, so a long one at the end delays all."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def position(item: pytest.Item) -> int:
        folders = (number for number, folder in enumerate(LONGEST_FIRST) if item.nodeid.startswith(folder))
        return next(folders, len(LONGEST_FIRST))

    items.sort(key=position)


@pytest.fixture(scope="session", autouse=True)
def clean_environment() -> Iterator[None]:
    """Removes the settings of the developer's shell."""
    with pytest.MonkeyPatch.context() as patch:
        for setting in settings.SETTINGS:
            patch.delenv(setting.name, raising=False)
        patch.setenv(settings.LANGUAGE.name, "en")  # the terminal of the developer may be in another language
        yield


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Programs that the tests start react to Ctrl+C. A shell ignores SIGINT for pytest in its background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """The embedded model on two threads."""
    return load_predictor("", threads=2)


@pytest.fixture(scope="session")
def normal_film() -> Grey:
    """A film that the gate accepts and that shows no patient: the average of normal training films, `[150, 150]`."""
    path = next(path for path in sorted((sources.EMBEDDED_FOLDER / "examples").glob("*.png")) if "normal" in path.name)
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.fixture(scope="session")
def large_film(normal_film: Grey) -> Grey:
    """The same film at 900 x 700 with noise, like a detector image."""
    large = np.asarray(Image.fromarray(normal_film).resize((900, 700), Image.Resampling.BICUBIC)).astype(np.float64)
    grain = np.random.default_rng(0).normal(0, 2, large.shape)
    return np.clip(large + grain, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def encode() -> Callable[..., bytes]:
    """`encode(pixels_or_picture, "PNG", **options)` -> file bytes."""

    def encode_image(picture: Grey | Image.Image, kind: str, **options: object) -> bytes:
        buffer = io.BytesIO()
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return encode_image


@pytest.fixture(scope="session")
def write_films(normal_film: Grey) -> Callable[[Path, dict[str, list[str]]], Path]:
    """`write_films(root, {"test/NORMAL": ["a.png"]})`: films with different noise that the gate accepts."""

    def write(root: Path, names: dict[str, list[str]]) -> Path:
        files = [(folder, name) for folder, file_names in names.items() for name in file_names]
        for seed, (folder, name) in enumerate(files):
            grain = np.random.default_rng(seed).normal(0, 3, normal_film.shape)
            (root / folder).mkdir(parents=True, exist_ok=True)
            film = Image.fromarray(np.clip(normal_film + grain, 0, 255).astype(np.uint8))
            film.save(root / folder / name, "PNG")
        return root

    return write


@pytest.fixture(scope="session")
def data() -> Iterator[Path]:
    """The folder of real films; tests that need it are skipped without `PNEUMONIA_DATA`."""
    folder = REAL_FILMS
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs real films: set PNEUMONIA_DATA to their folder")
    yield Path(folder)


REAL_FILMS = os.environ.get("PNEUMONIA_DATA", "")
"""Read when the tests are collected, since `clean_environment` clears the settings for each test."""
