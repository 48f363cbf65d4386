"""One film in every DICOM encoding that the tests write: transfer syntaxes, bit depths, photometric interpretations."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from pneumonia.inference.predictor import load_model
from tests.support.codestreams import LOSSLESS, LOSSY, Samples
from tests.support.dicom_files import UNCOMPRESSED, dicom, encapsulated

HEIGHT, WIDTH = 696, 896
"""Sides in pixels; multiples of the JPEG block size."""

TAGS: dict[str, dict[str, Any]] = {
    "monochrome1": {"PhotometricInterpretation": "MONOCHROME1"},
    "window": {"WindowCenter": 2000, "WindowWidth": 3500},
    "window_sigmoid": {"WindowCenter": 2000, "WindowWidth": 3500, "VOILUTFunction": "SIGMOID"},
    "window_exact": {"WindowCenter": 2000, "WindowWidth": 3500, "VOILUTFunction": "LINEAR_EXACT"},
    "rescale": {"RescaleSlope": 2, "RescaleIntercept": -1000},
    "rescale_negative": {"RescaleSlope": -1, "RescaleIntercept": 4095},
    "rescale_and_window": {"RescaleSlope": 2, "RescaleIntercept": -1000, "WindowCenter": 3000, "WindowWidth": 6000},
    "empty_window": {"WindowCenter": None, "WindowWidth": None},
    "no_width": {"WindowCenter": 2000, "WindowWidth": 0},
    "lateral": {"ViewPosition": "LL"},
    "hand": {"BodyPartExamined": "HAND"},
    "adult": {"PatientAge": "064Y"},
    "other_modality": {"Modality": "CT"},
}


def encodings(**others: Any) -> dict[str, bytes]:
    """File name without extension -> file content; `others` are further tags of each file."""
    film = _film()
    files = {}
    for bits in (8, 10, 12, 16):
        samples = _samples(film, bits)
        for syntax in UNCOMPRESSED:
            files[f"{syntax.keyword}-{bits}"] = dicom(samples, BitsStored=bits, syntax=syntax, **others)
        for name, (syntax, encode) in LOSSLESS.items():
            if not (bits == 8 and "12" in name):
                data = encapsulated(samples, syntax, encode(samples, bits), BitsStored=bits, **others)
                files[f"lossless-{name.replace(' ', '_').replace('/', '_')}-{bits}"] = data
    for name, (syntax, bits, encode) in LOSSY.items():
        samples = _samples(film, bits)
        data = encapsulated(samples, syntax, encode(samples, bits), BitsStored=bits, **others)
        files[f"lossy-{name.replace(' ', '_').replace('/', '_')}"] = data
    deep = np.rint(film * (4095 / 255)).astype(np.uint16)
    for name, tags in TAGS.items():
        files[f"tags-{name}"] = dicom(deep, BitsStored=12, **{**others, **tags})
        files[f"tags-{name}-no_preamble"] = dicom(deep, BitsStored=12, preamble=False, **{**others, **tags})
    return files


def _film() -> npt.NDArray[np.float64]:
    """`[696, 896]` in 0..255: the mean of the class averages, with noise."""
    averages = []
    for path in load_model("").bundle.examples:
        with Image.open(path) as picture:
            averages.append(np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.float64))
    noise = np.random.default_rng(0).normal(0, 2, averages[0].shape)
    film: npt.NDArray[np.float64] = np.clip(np.rint(np.mean(averages, axis=0) + noise), 0, 255)
    return film


def _samples(film: npt.NDArray[np.float64], bits: int) -> Samples:
    samples: Samples = np.rint(film * ((2**bits - 1) / 255)).astype(np.uint8 if bits <= 8 else np.uint16)
    return samples
