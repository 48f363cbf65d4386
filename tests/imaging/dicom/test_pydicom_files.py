"""Every DICOM file of pydicom and of pydicom-data gets the result that its header and its pixels justify.

`pydicom_files.csv` lists the files, the result and the reason. "scored" stands for any result of a chest film.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
import pytest
from PIL import Image
from pydicom.pixels import apply_color_lut, pixel_array

from pneumonia import Failure, Predictor
from pneumonia.imaging.dicom.reader import read
from tests.support.pydicom_files import FOLDERS

OTHER_FILES = {".py", ".pyc", ".txt", ".md", ".json", ".icc", ".dump", ".gz", ""}
"""Suffixes of files that are not DICOM. Without suffix: README; DICOM files without suffix lie in `dicomdirtests`."""

with (Path(__file__).parent / "pydicom_files.csv").open() as table:
    ROWS = list(csv.DictReader(table))

every_file = pytest.mark.parametrize("row", ROWS, ids=lambda row: row["file"])

MODALITIES = [b"CT", b"MR", b"US", b"NM"]
NO_RADIOGRAPH = {"CT", "MR", "ultrasound", "nuclear medicine"}
"""Reasons for which a file is refused before its pixels are read; here it is read under another modality."""

NOT_COMPARED = {
    "test_files/JPGExtended.dcm": "pydicom does not decode 12-bit JPEG",
    "test_files/JPEG-lossy.dcm": "pydicom does not decode 12-bit JPEG",
    "test_files/ExplVR_BigEnd.dcm": "smaller than 64 pixels",
    "OBXXXX1A_expb.dcm": "pydicom reads the palettes of this big-endian file as black",
    "OBXXXX1A_expb_2frame.dcm": "pydicom reads the palettes of this big-endian file as black",
    "OT-PAL-8-face.dcm": "no transfer syntax, which pydicom needs",
}


def path_of(row: dict[str, str]) -> Path:
    return FOLDERS[row["package"]] / row["file"]


def test_the_table_lists_every_file_and_no_other() -> None:
    present = {
        (package, path.relative_to(folder).as_posix())
        for package, folder in FOLDERS.items()
        for path in folder.rglob("*")
        if path.is_file() and (path.suffix not in OTHER_FILES or is_in_directory(path))
    }
    assert present == {(row["package"], row["file"]) for row in ROWS}


def is_in_directory(path: Path) -> bool:
    return "dicomdirtests" in path.parts and path.stem != "README"


@pytest.mark.filterwarnings("ignore")
@every_file
def test_each_file_gets_the_result_of_the_table(row: dict[str, str], predictor: Predictor) -> None:
    (result,) = predictor.predict_many([path_of(row)])
    assert summary(result.as_dict()) in row["expected"].split(" or "), row["reason"]
    if isinstance(result, Failure):
        assert str(path_of(row)) not in result.error.message


def summary(result: dict[str, Any]) -> str:
    if "error" in result:
        return str(result["error"]["code"])
    if result["label"] != "Unknown" or result["reason"]["code"] == "inconclusive":
        return "scored"
    return f"Unknown: {result['reason']['code']}"


COMPARED = [
    row
    for row in ROWS
    if row["file"] not in NOT_COMPARED
    and "dicomdirtests" not in row["file"]
    and (row["expected"].startswith(("scored", "Unknown")) or row["reason"] in NO_RADIOGRAPH)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", COMPARED, ids=lambda row: row["file"])
def test_the_pixels_are_those_that_pydicom_decodes(row: dict[str, str]) -> None:
    """Greys rise with the stored values (or fall, for MONOCHROME1), whichever window is shown; colours are equal."""
    dataset = pydicom.dcmread(path_of(row))
    stored = pixel_array(dataset, index=0)
    shown = read(as_radiograph(path_of(row).read_bytes())).pixels
    if dataset.PhotometricInterpretation.startswith("MONOCHROME"):
        is_inverted = dataset.PhotometricInterpretation == "MONOCHROME1"
        assert_rising(-stored.astype(np.int64) if is_inverted else stored, shown)
        return
    colours = apply_color_lut(stored, dataset) if stored.ndim == 2 else stored
    colours = (colours >> 8).astype(np.uint8) if colours.dtype == np.uint16 else colours
    grey = np.asarray(Image.fromarray(colours).convert("L"))
    assert shown.shape == grey.shape
    assert np.abs(shown.astype(np.int64) - grey).max() <= 2


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["OBXXXX1A_expb.dcm", "OBXXXX1A_expb_2frame.dcm"])
def test_palettes_in_big_endian_are_those_of_the_file_in_little_endian(name: str) -> None:
    big, little = (FOLDERS["pydicom-data"] / file for file in (name, name.replace("_expb", "")))
    big_pixels, little_pixels = (read(as_radiograph(path.read_bytes())).pixels for path in (big, little))
    np.testing.assert_array_equal(big_pixels, little_pixels)


def as_radiograph(data: bytes) -> bytes:
    """The file with the modality OT instead of another of two letters."""
    for tag in (b"\x08\x00\x60\x00", b"\x00\x08\x00\x60"):
        start = data.find(tag)
        for modality in MODALITIES if start >= 0 else []:
            position = data.find(modality, start + 4, start + 4 + 10)
            if position >= 0:
                return data[:position] + b"OT" + data[position + 2 :]
    return data


def assert_rising(stored: npt.NDArray[Any], shown: npt.NDArray[Any]) -> None:
    assert stored.shape == shown.shape
    step = max(1, stored.size // 200_000)
    values, greys = stored.ravel()[::step], shown.ravel()[::step].astype(np.int64)
    order = np.lexsort((greys, values))
    assert np.all(np.diff(greys[order]) >= 0)
    is_same = np.diff(values[order]) == 0
    assert not np.any(np.diff(greys[order])[is_same])
    assert greys.max() > greys.min() or values.max() == values.min()
