"""DICOM files written by pydicom. Each names a patient, `CHILD`, whose data must not appear in any output."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

Pixels = npt.NDArray[Any]
CHILD: dict[str, Any] = {
    "PatientName": "Doe^Jane",
    "PatientID": "MRN-4711",
    "PatientBirthDate": "20200229",
    "PatientAge": "007Y",
}
UNCOMPRESSED = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def dicom(pixels: Pixels, *, syntax: UID = ExplicitVRLittleEndian, preamble: bool = True, **tags: Any) -> bytes:
    """A file with `pixels` (`[H, W]` or `[frames, H, W]`) and additional `tags`; a tag with value None is omitted."""
    depth = 8 * pixels.dtype.itemsize
    dataset = Dataset()
    stored = pixels.astype(pixels.dtype.newbyteorder(">" if syntax == ExplicitVRBigEndian else "<"))
    elements: dict[str, Any] = {
        **CHILD,
        "PatientAge": "003Y",
        "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1",
        "SOPInstanceUID": "1.2.3.4",
        "Rows": pixels.shape[-2],
        "Columns": pixels.shape[-1],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "BitsAllocated": depth,
        "BitsStored": depth,
        "PixelRepresentation": int(pixels.dtype.kind == "i"),
        "PixelData": stored.tobytes(),
        **tags,
    }
    elements.setdefault("HighBit", elements["BitsStored"] and elements["BitsStored"] - 1)
    with _without_validation():
        for name, value in elements.items():
            if value is not None:
                setattr(dataset, name, value)
    if "PixelData" in dataset and syntax.is_encapsulated:
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    elif "PixelData" in dataset:
        # Only words are byte-swapped in a big-endian file.
        dataset["PixelData"].VR = "OB" if depth == 8 else "OW"
    buffer = io.BytesIO()
    encoding = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": syntax != ExplicitVRBigEndian}
    if preamble:
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True, **encoding)
    else:
        pydicom.dcmwrite(buffer, dataset, **encoding)
    return buffer.getvalue()


@contextmanager
def _without_validation() -> Iterator[None]:
    """Malformed values can be assigned without a warning."""
    settings = pydicom.config.settings
    mode = settings.reading_validation_mode
    settings.reading_validation_mode = pydicom.config.IGNORE
    try:
        yield
    finally:
        settings.reading_validation_mode = mode


def encapsulated(
    pixels: Pixels, syntax: UID, *frames: bytes, has_offsets: bool = True, fragments: int = 1, **tags: Any
) -> bytes:
    """A file with the header of `pixels` and these compressed frames, each in `fragments` fragments."""
    data = pydicom.encaps.encapsulate(list(frames), has_bot=has_offsets, fragments_per_frame=fragments)
    return dicom(pixels, syntax=syntax, PixelData=data, **tags)
