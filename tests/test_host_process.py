"""The library changes nothing in the process of its host, and reports its own bugs as such."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom.uid import JPEGLosslessSV1

from pneumonia import Failure, Predictor
from pneumonia.errors import TooLarge
from pneumonia.imaging import read
from pneumonia.imaging.dicom import voi
from tests.support import codestreams
from tests.support.dicom_files import CHILD, dicom, encapsulated
from tests.support.picture_files import SHORT, tiff_of

ROOT = Path(__file__).parents[1]

HOST = """
import json, logging, os, sys, warnings
import numpy  # adds a warning filter of its own
import PIL.Image, PIL.ImageFile, PIL.TiffImagePlugin, PIL.JpegImagePlugin, PIL.PngImagePlugin
if "pydicom" in sys.argv[1]:
    import pydicom

def loggers():
    # pydicom adds a handler to its own logger when it is imported.
    names = ["", "PIL", "pneumonia", "numpy"] + ["pydicom"] * ("pydicom" in sys.argv[1])
    return {
        name: [logger.level, logger.disabled, logger.propagate, len(logger.filters), str(logger.handlers)]
        for name, logger in ((name, logging.getLogger(name)) for name in names)
    }

def pillow():
    plugins = (PIL.TiffImagePlugin, PIL.JpegImagePlugin, PIL.PngImagePlugin)
    classes = [value for plugin in plugins for value in vars(plugin).values() if isinstance(value, type)]
    functions = {f"{kind.__qualname__}.{name}": id(value) for kind in classes for name, value in vars(kind).items()
                 if callable(value) and kind.__module__.startswith("PIL")}
    return [PIL.Image.MAX_IMAGE_PIXELS, PIL.ImageFile.LOAD_TRUNCATED_IMAGES, PIL.ImageFile.MAXBLOCK,
            PIL.PngImagePlugin.MAX_TEXT_CHUNK, functions]

def dicom():
    import pydicom
    from pydicom.pixels import get_decoder
    from pydicom.uid import JPEGLosslessSV1, JPEGLSLossless
    return [str({name: value for name, value in vars(pydicom.config.settings).items()}), pydicom.config.debugging,
            [get_decoder(syntax).available_plugins for syntax in (JPEGLosslessSV1, JPEGLSLossless)],
            logging.getLogger("pydicom").propagate, "gdcm" in sys.modules]

def filters(with_dicom):
    # pydicom imports libraries that add filters for their own categories when they are imported.
    return str([row for row in warnings.filters if with_dicom or row[2].__module__ == "builtins"])

def state(with_dicom):
    return {"warnings": filters(with_dicom), "environment": dict(os.environ), "pillow": pillow(),
            "loggers": loggers(), "excepthook": str(sys.excepthook), "recursion": sys.getrecursionlimit(),
            "dicom": dicom() if with_dicom else None}

def predict():
    from pneumonia import load_predictor
    return [type(result).__name__ for result in load_predictor("").predict_many(sys.argv[2:])]
"""

COMPARE = (
    HOST
    + """
before = state("pydicom" in sys.argv[1])
results = predict()
after = state("pydicom" in sys.argv[1])
print(json.dumps({"before": before, "after": after, "results": results, "dicom": dicom()}))
"""
)


@pytest.fixture
def films(tmp_path: Path, normal_film: Any) -> list[str]:
    """A JPEG, a compressed DICOM file, and one with malformed tags."""
    Image.fromarray(normal_film).save(tmp_path / "film.jpg")
    compressed = codestreams.jpeg_lossless(normal_film, 8)
    (tmp_path / "compressed.dcm").write_bytes(encapsulated(normal_film, JPEGLosslessSV1, compressed))
    (tmp_path / "malformed.dcm").write_bytes(dicom(normal_film, BodyPartExamined="Thorax a.p.", PatientAge="3Y"))
    return [str(tmp_path / name) for name in ("film.jpg", "compressed.dcm", "malformed.dcm")]


def run_host(code: str, *arguments: str) -> Any:
    process = subprocess.run(
        [sys.executable, "-W", "default", "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert process.returncode == 0, process.stderr
    assert "malformed" not in process.stderr and "Invalid value" not in process.stderr
    return json.loads(process.stdout.splitlines()[-1])


@pytest.mark.parametrize("host", ["pydicom and Pillow", "Pillow only"])
def test_import_and_prediction_leave_the_host_as_it_was(host: str, films: list[str]) -> None:
    report = run_host(COMPARE, host, *films)
    assert report["results"] == ["Prediction"] * 3
    assert report["before"] == report["after"]
    decoders = report["dicom"][2]
    assert all("gdcm" in plugins for plugins in decoders), "the host must keep GDCM"
    assert report["dicom"][3], "the host must receive the messages of pydicom's logger"


def test_an_entry_point_hardens_its_process(films: list[str]) -> None:
    code = "from pneumonia.imaging.process_hardening import harden_process\nharden_process()\n" + HOST
    code += "import pydicom\npredict()\nprint(json.dumps({'pillow': pillow()[0], 'dicom': dicom()}))"
    report = run_host(code, "pydicom", *films)
    assert report["pillow"] is None
    assert not any("gdcm" in plugins for plugins in report["dicom"][2])


def test_a_host_that_turns_warnings_into_errors_gets_its_films(films: list[str]) -> None:
    code = HOST + "warnings.simplefilter('error')\nprint(json.dumps(predict()))"
    assert run_host(code, "pydicom", *films) == ["Prediction"] * 3


def test_the_limit_of_pillow_in_the_host_does_not_apply_to_opened_files(
    monkeypatch: pytest.MonkeyPatch, normal_film: Any, tmp_path: Path
) -> None:
    """`PNEUMONIA_MAX_PIXELS` applies instead, and no `DecompressionBombWarning` is issued for the host."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for name in ("film.png", "film.jpg", "film.webp", "film.bmp"):
        Image.fromarray(normal_film).save(tmp_path / name)
        assert read(tmp_path / name).width == 150


def test_a_compressed_tiff_above_the_limit_of_pillow_in_the_host_is_refused_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, normal_film: Any, tmp_path: Path
) -> None:
    """Pillow checks the size of a TIFF itself. One that is not compressed is read without Pillow."""
    Image.fromarray(normal_film).save(tmp_path / "film.tif")
    Image.fromarray(normal_film).save(tmp_path / "compressed.tif", compression="tiff_lzw")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read(tmp_path / "film.tif").width == 150
    with pytest.raises(TooLarge, match=r"PIL\.Image\.MAX_IMAGE_PIXELS"):
        read(tmp_path / "compressed.tif")


@pytest.mark.parametrize("bits", [8, 16, 64])
@pytest.mark.parametrize("width", [150, 149])
def test_a_deep_tiff_counts_no_more_pixels_for_pillow_than_it_has(
    bits: int, width: int, monkeypatch: pytest.MonkeyPatch, normal_film: Any
) -> None:
    """Pillow decompresses its rows as bytes; up to four of them are one pixel."""
    samples = normal_film[:, :width].astype(f"u{bits // 8}")
    data = tiff_of(samples, data=zlib.compress(samples.tobytes()), t259=(SHORT, [8]))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", samples.size * max(1, bits // 32))
    np.testing.assert_array_equal(read(data).pixels, samples)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_bug_while_reading_a_dicom_file_is_not_reported_as_a_damaged_file(
    compressed: bool,
    predictor: Predictor,
    normal_film: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The result is `internal` with an id; the log names every frame and no value."""

    def faulty_transform(dataset: Any, *_: Any) -> None:
        raise AttributeError(f"no attribute for {dataset.PatientName}")

    monkeypatch.setattr(voi, "apply_rescale_and_voi", faulty_transform)
    film = encapsulated(normal_film, JPEGLosslessSV1, codestreams.jpeg_lossless(normal_film, 8))
    (failure,) = predictor.predict_many([film if compressed else dicom(normal_film)])
    assert isinstance(failure, Failure) and failure.error.code == "internal"
    incident = failure.error.message.split()[-1].rstrip(".")
    (record,) = [record for record in caplog.records if incident in record.getMessage()]
    for frame in (
        r"pneumonia/inference/predictor\.py:\d+ read",
        r"pneumonia/imaging/reader\.py:\d+ read",
        r"pneumonia/imaging/dicom/reader\.py:\d+ read",
        r"pneumonia/imaging/dicom/reader\.py:\d+ _grey_pixels",
        r"tests/test_host_process\.py:\d+ faulty_transform",
    ):
        assert re.search(frame, record.getMessage())
    assert "AttributeError" in record.getMessage() and "no attribute" not in caplog.text
    assert not any(value in caplog.text + failure.error.message for value in CHILD.values())


def test_a_bug_while_reading_a_picture_is_not_reported_as_a_damaged_file(
    predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pneumonia.imaging.greyscale._colour_warnings", lambda picture: picture.no_such_attribute)
    (failure,) = predictor.predict_many([Image.fromarray(np.zeros((100, 100, 3), np.uint8))])
    assert isinstance(failure, Failure) and failure.error.code == "internal"
