"""A sample of the hostile corpus, and the limits of memory and time for every file."""

from __future__ import annotations

import dataclasses
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies
from hypothesis.extra import numpy as arrays

from pneumonia import PneumoniaError, Predictor, imaging
from pneumonia.errors import FilmError, TooLarge
from pneumonia.imaging import decode_limits
from pneumonia.inference.model import Model

pytest.importorskip("resource", reason="the corpus runs within limits that Windows lacks")
from tests.hostile import decompression_bombs as bombs
from tests.hostile import films
from tests.hostile.corpus import Hostile, corpus
from tests.hostile.verdict import evaluate, leaks_details
from tests.support import picture_files
from tests.support.dicom_files import dicom

ROOT = Path(__file__).parents[2]
INPUTS = 150
"""Enough for every kind of the corpus; the slow test has 2,000."""


@pytest.fixture(scope="module")
def single_threaded(predictor: Predictor) -> Predictor:
    """A predictor that processes one file at a time, so that its memory is that of the file."""
    return Predictor([Model(predictor.models[0].bundle, 1)])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_hostile_file_gives_a_prediction_or_a_film_error(single_threaded: Predictor) -> None:
    problems = [
        f"{hostile.kind} | {hostile.name} | {outcome.problem}"
        for hostile in corpus(INPUTS, heavy=False)
        if (outcome := evaluate(single_threaded, hostile)).problem
    ]
    assert problems == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", bombs.QUICK)
def test_each_decompression_bomb_stays_within_the_limits(name: str, single_threaded: Predictor) -> None:
    outcome = evaluate(single_threaded, Hostile("bomb", name, bombs.QUICK[name]))
    assert outcome.problem == ""
    assert outcome.memory < 150_000_000


@pytest.mark.slow  # half a minute
@pytest.mark.parametrize("arguments", [("--inputs", "2000")])
def test_the_corpus_in_bounded_processes(arguments: tuple[str, ...]) -> None:
    process = _run(*arguments)
    assert process.returncode == 0, process.stdout


@pytest.mark.soak
def test_the_whole_corpus_in_bounded_processes() -> None:
    process = _run("--inputs", "50000")
    assert process.returncode == 0, process.stdout


@pytest.mark.soak
def test_the_fuzzer_finds_nothing_in_ten_minutes(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is built for Linux on x86-64 only")
    command = [sys.executable, "-m", "tests.hostile.fuzz", "--seconds", "600", "--finds", str(tmp_path)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stderr[-3000:]
    assert not list(tmp_path.iterdir())


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.hostile", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_the_corpus_is_the_same_for_the_same_seed() -> None:
    first, repeated, other = ([hostile.make() for hostile in corpus(60, seed=seed, heavy=False)] for seed in (5, 5, 6))
    assert first == repeated != other


def test_the_runner_counts_what_kills_a_process() -> None:
    """The table is meaningful only if crashes and internal errors are counted."""
    from tests.hostile.run import Report

    report = Report()
    hostile = Hostile("bomb", "x", bytes)
    report.add(hostile, "the process died: SIGSEGV")
    outcome = dataclasses.replace(_outcome(), problem="code internal")
    report.add(hostile, outcome)
    report.add(hostile, _outcome())
    assert report.problems == ["bomb | x | the process died: SIGSEGV", "bomb | x | code internal"]
    assert report.as_markdown().splitlines()[-1].startswith("| all | 3 | 1 | 1 | 0 |")


def _outcome() -> Any:
    from tests.hostile.verdict import Outcome

    return Outcome("Unknown", "", 5, 0.1, 0.1)


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        (partial(bombs.jpeg_of_scans, 100 - 6, 100), "scans"),
        (partial(bombs.tiff_of_frames, decode_limits.MAX_TIFF_FRAMES), "pictures"),
    ],
    ids=["scans of a JPEG", "pictures in a TIFF"],
)
def test_a_count_at_its_limit_is_read(make: Callable[[], bytes], allowed: str) -> None:
    assert imaging.read(make()).width == 100


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(bombs.jpeg_of_scans, 101 - 6, 100), r"too many scans\. Allowed: 100\. Received: 101\."),
        (partial(bombs.tiff_of_frames, decode_limits.MAX_TIFF_FRAMES + 1), r"too many images\. Allowed: 1,000\."),
    ],
    ids=["scans of a JPEG", "pictures in a TIFF"],
)
def test_one_more_is_refused(make: Callable[[], bytes], message: str) -> None:
    with pytest.raises(TooLarge, match=message):
        imaging.read(make())


def test_a_tile_may_have_as_many_pixels_as_a_picture_and_not_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", str(512 * 512))
    assert imaging.read(bombs.tiff_of_one_tile(512)).width == 100
    monkeypatch.setenv("PNEUMONIA_MAX_PIXELS", str(512 * 512 - 1))
    with pytest.raises(TooLarge, match="Received: 512 x 512"):
        imaging.read(bombs.tiff_of_one_tile(512))


def test_the_number_of_reads_per_file_is_limited() -> None:
    reader = decode_limits.BoundedReader(b"film", max_reads=3)
    assert [reader.read(1) for _ in range(3)] == [b"f", b"i", b"l"]
    with pytest.raises(TooLarge, match="too many parts"):
        reader.read(1)


def test_the_reads_of_a_run_length_encoded_bmp_are_not_limited() -> None:
    """Runs of one pixel, as for noise: more reads than the limit of the other formats."""
    grain = np.random.default_rng(0).integers(0, 256, (600, 600), dtype=np.uint8)
    rows = (bytes(np.stack([np.ones_like(row), row], axis=1)) + b"\0\0" for row in grain[::-1])
    film = imaging.read(bombs.bmp_of_runs(600, b"".join(rows) + b"\0\1"))
    np.testing.assert_array_equal(film.pixels, grain)


def _png_of_exif_text() -> bytes:
    """EXIF tags as hexadecimal text, which Pillow reads too."""
    text = b"\nexif\n1\n" + bombs.exif_of_tags(100_000).hex().encode()
    return bombs.png_with(bombs.chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(text)))


def _jpeg_of_pictures() -> bytes:
    """The list of pictures of an MPO file, in one segment."""
    entries = [(tag, bombs.SHORT, 30_000, 8) for tag in range(30_000, 35_000) if tag not in {33_432, 34_665, 34_853}]
    tags = (b"II*\0" + struct.pack("<L", 8) + bombs.ifd(entries)).ljust(64_000, b"\0")
    return bombs.jpeg_with(b"\xff\xe2" + struct.pack(">H", len(tags) + 6) + b"MPF\0" + tags)


def _tiff_of_exif() -> bytes:
    """A tag list of EXIF in a TIFF, which Pillow reads after the pixels."""
    start = 8 + bombs.SMALL.size
    tags = [*bombs.layout(100, 100, 8, bombs.SMALL.size), (34_665, bombs.LONG, 1, start + 10_000)]
    data = bombs.tiff(tags).ljust(start + 10_000, b"\0") + bombs.ifd(bombs.tags_at_one_place(1_000_000))
    return data.ljust(1_000_008, b"\0")


TAG_BOMBS: dict[str, Callable[[], bytes]] = {
    "tiff": partial(bombs.tiff_of_tags, 1_000_000),
    "tiff, exif": _tiff_of_exif,
    "jpeg": partial(bombs.jpeg_of_exif, 1_000_000),
    "jpeg, list of pictures": _jpeg_of_pictures,
    "png": lambda: bombs.png_with(bombs.chunk(b"eXIf", bombs.exif_of_tags(1_000_000))),
    "png, text": _png_of_exif_text,
}


@pytest.mark.parametrize("name", TAG_BOMBS)
def test_a_bomb_of_tags_is_read_without_its_tags(name: str, single_threaded: Predictor) -> None:
    """Only the tags that are needed are read; Pillow alone would copy gigabytes."""
    data = TAG_BOMBS[name]()
    assert imaging.read(data).width == 100
    outcome = evaluate(single_threaded, Hostile("bomb", name, lambda: data))
    assert outcome.problem == ""
    assert outcome.memory < 150_000_000


def test_an_oversized_dicom_element_is_ignored() -> None:
    """A window with 40,000 centres is invalid; the film is read without it."""
    plain = imaging.read(dicom(bombs.SMALL)).pixels
    np.testing.assert_array_equal(imaging.read(bombs.dicom_of_values(40_000)).pixels, plain)


RGBA_16 = np.full((2_000, 3_000, 4), 900, np.uint16)
DEEP_FORMS: dict[str, Callable[[], Any]] = {
    "RGB with alpha, 16 bits": lambda: picture_files.png(RGBA_16),
    "TIFF, RGB with 16 bits": lambda: picture_files.tiff_of(RGBA_16[:, :, :3], order=">"),
    "TIFF, 64-bit floats": lambda: picture_files.tiff_of(RGBA_16[:, :, 0] / 1000, order=">"),
    "float": lambda: films.encoded(_picture("F", 9.5), "TIFF"),
    "32 bits": lambda: films.encoded(_picture("I", 999_999), "TIFF"),
    "16 bits": lambda: films.encoded(_picture("I;16", 900), "PNG"),
    "alpha": lambda: films.encoded(_picture("RGBA", (1, 2, 3, 100)), "PNG"),
    "CMYK": lambda: films.encoded(_picture("CMYK", (1, 2, 3, 4)), "TIFF"),
    "WebP with alpha": lambda: films.encoded(_picture("RGBA", (1, 2, 3, 100)), "WEBP", lossless=True),
    "DICOM with a window": lambda: dicom(np.zeros((2_000, 3_000), np.uint16), **bombs.WINDOW),
    "DICOM, signed": lambda: dicom(np.zeros((2_000, 3_000), np.int16), RescaleSlope=2, RescaleIntercept=1),
    "DICOM in YBR": lambda: dicom(
        np.zeros((2_000, 3_000), np.uint8),
        PhotometricInterpretation="YBR_FULL",
        SamplesPerPixel=3,
        PlanarConfiguration=0,
        PixelData=bytes(18_000_000),
    ),
}


def _picture(mode: str, colour: Any) -> Any:
    from PIL import Image

    return Image.new(mode, (3_000, 2_000), colour)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measuring the peak memory needs Linux")
@pytest.mark.parametrize("form", DEEP_FORMS)
def test_no_form_of_a_film_takes_more_than_twenty_bytes_a_pixel(form: str, single_threaded: Predictor) -> None:
    outcome = evaluate(single_threaded, Hostile("large", form, DEEP_FORMS[form]))
    assert outcome.problem == ""
    # The constant allows for the file and several float64 copies of a slice of a million pixels.
    assert outcome.memory < 20 * 6_000_000 + 64_000_000


QUICK = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
SHORT = strategies.integers(0, 65_535)
WORDS = strategies.sampled_from(["", "MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "PALETTE COLOR", "HSV"])
NUMBERS = strategies.floats(width=32) | strategies.integers(-(2**31), 2**31 - 1)
HEADERS = strategies.fixed_dictionaries(
    {},
    optional={
        "Rows": strategies.integers(0, 200) | SHORT,
        "Columns": strategies.integers(0, 200) | SHORT,
        "BitsAllocated": strategies.sampled_from([0, 1, 8, 16, 32, 64]) | SHORT,
        "BitsStored": strategies.integers(0, 33),
        "HighBit": strategies.integers(0, 33),
        "PixelRepresentation": strategies.integers(0, 2),
        "SamplesPerPixel": strategies.integers(0, 4),
        "PlanarConfiguration": strategies.integers(0, 2),
        "NumberOfFrames": strategies.integers(-2, 2**31),
        "PhotometricInterpretation": WORDS,
        "WindowCenter": NUMBERS.map(lambda value: f"{value:.6g}"),
        "WindowWidth": NUMBERS.map(lambda value: f"{value:.6g}"),
        "RescaleSlope": NUMBERS.map(lambda value: f"{value:.6g}"),
        "RescaleIntercept": NUMBERS.map(lambda value: f"{value:.6g}"),
        "VOILUTFunction": strategies.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID", "?"]),
        "Modality": strategies.text(max_size=8),
        "PatientAge": strategies.text("0123456789YMWD", max_size=4),
    },
)


@pytest.mark.filterwarnings("ignore")
@settings(QUICK, max_examples=150)
@given(HEADERS, strategies.sampled_from([np.uint8, np.uint16, np.int16, np.uint32]))
def test_arbitrary_headers_raise_only_film_errors(header: dict[str, Any], kind: Any) -> None:
    try:
        data = dicom(np.full((80, 90), 77, kind), **header)
    except (ValueError, TypeError, OverflowError, AttributeError, UnicodeError):
        return  # pydicom cannot write this header
    _read(data)


@pytest.mark.filterwarnings("ignore")
@QUICK
@given(strategies.sampled_from(sorted(films.dicoms())), strategies.data())
def test_damaged_dicom_files_raise_only_film_errors(name: str, data: strategies.DataObject) -> None:
    whole = bytearray(films.dicoms()[name])
    positions = strategies.one_of(strategies.integers(130, 900), strategies.integers(0, len(whole) - 1))
    changes = strategies.lists(strategies.tuples(positions, strategies.integers(0, 255)), max_size=8)
    for position, value in data.draw(changes):
        whole[position] = value
    _read(bytes(whole))


SHAPES = arrays.array_shapes(min_dims=1, max_dims=4, max_side=90)
KINDS = (
    arrays.floating_dtypes()
    | arrays.unsigned_integer_dtypes()
    | arrays.integer_dtypes()
    | arrays.complex_number_dtypes()
    | arrays.boolean_dtypes()
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(QUICK, max_examples=100)
@given(strategies.data())
def test_arbitrary_arrays_raise_only_film_errors(data: strategies.DataObject) -> None:
    kind = data.draw(KINDS)
    shape = data.draw(SHAPES | strategies.sampled_from([(64, 64), (70, 80, 3), (70, 80, 4), (70, 80, 1)]))
    _read(data.draw(arrays.arrays(kind, shape, fill=arrays.from_dtype(np.dtype(kind)))))


def _read(source: Any) -> None:
    try:
        film = imaging.read(source)
    except PneumoniaError as error:
        assert isinstance(error, FilmError)
        assert not leaks_details(error.message)
    else:
        assert imaging.to_input(film).shape == (150, 150, 3)
