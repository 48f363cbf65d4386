"""Imports libraries and starts the decoder process when a worker starts; otherwise its first film takes seconds."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, RLELossless

from ..inference.populations import POPULATIONS
from ..inference.predictor import Predictor
from ..inference.sources import EMBEDDED_FOLDERS
from ..reporting.dicom.options import ResultOptions
from ..reporting.result_files import create_result_files

_SIZE = (512, 448)
_UID = "2.25.1"
"""The objects of the warm-up leave the process in no way."""


def warm_up(predictor: Predictor, kinds: tuple[str, ...], options: ResultOptions) -> None:
    """Read an average film of each population, compressed, and make its result objects."""
    for population in POPULATIONS:
        for example in sorted((EMBEDDED_FOLDERS[population] / "examples").glob("*pneumonia*.png")):
            data = _film(example.read_bytes())
            reading = predictor.read(data)
            create_result_files(predictor, data, predictor.decide(reading), reading, kinds, options)


def _film(picture: bytes) -> bytes:
    with Image.open(BytesIO(picture), formats=["PNG"]) as image:
        pixels = np.asarray(image.convert("L").resize(_SIZE))
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID = ComputedRadiographyImageStorage
    film.SOPInstanceUID = film.StudyInstanceUID = film.SeriesInstanceUID = _UID
    film.Modality = "CR"
    film.Rows, film.Columns = pixels.shape
    film.SamplesPerPixel, film.PhotometricInterpretation = 1, "MONOCHROME2"
    film.BitsAllocated, film.BitsStored, film.HighBit, film.PixelRepresentation = 8, 8, 7, 0
    film.PixelData = pixels.tobytes()
    film.compress(RLELossless)
    file = BytesIO()
    film.save_as(file, enforce_file_format=True)
    return file.getvalue()
