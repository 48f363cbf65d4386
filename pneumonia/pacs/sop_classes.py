"""SOP classes and transfer syntaxes that the storage SCP accepts. docs/dicom-conformance.md lists them."""

from __future__ import annotations

from functools import cache

from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    DigitalXRayImageStorageForPresentation,
    DigitalXRayImageStorageForProcessing,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
    SecondaryCaptureImageStorage,
    XRayRadiofluoroscopicImageStorage,
)
from pynetdicom import ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, build_context
from pynetdicom.presentation import PresentationContext

from ..imaging.dicom.decoder_worker import DECODERS
from ..reporting.dicom.compression_history import LOSSY_METHODS

VERIFICATION = "1.2.840.10008.1.1"

FILM_CLASSES = frozenset(
    map(
        str,
        (
            ComputedRadiographyImageStorage,
            DigitalXRayImageStorageForPresentation,
            DigitalXRayImageStorageForProcessing,
            XRayRadiofluoroscopicImageStorage,
            SecondaryCaptureImageStorage,
            MultiFrameSingleBitSecondaryCaptureImageStorage,
            MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
            MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
            MultiFrameTrueColorSecondaryCaptureImageStorage,
        ),
    )
)
"""Storage classes of radiographs. Objects of the other storage classes are acknowledged, skipped and counted, so that a
PACS can route whole studies."""

_LOSSLESS = [syntax for syntax in DECODERS if syntax not in LOSSY_METHODS]
_LOSSY = [syntax for syntax in DECODERS if syntax in LOSSY_METHODS]

FILM_SYNTAXES = tuple(
    map(
        str,
        (
            ExplicitVRLittleEndian,
            *_LOSSLESS,
            DeflatedExplicitVRLittleEndian,
            ImplicitVRLittleEndian,
            ExplicitVRBigEndian,
            *_LOSSY,
        ),
    )
)
"""Transfer syntaxes that are read, in the order of preference: the first one that a presentation context proposes is
accepted. Those that `imaging` decodes, with Explicit VR Little Endian first and lossy compression last."""


class _SharedContexts(list[PresentationContext]):
    """pynetdicom copies the list deeply for each association, which takes 75 ms, and does not change it."""

    def __deepcopy__(self, memo: object) -> _SharedContexts:
        return self


@cache
def supported_contexts() -> list[PresentationContext]:
    """The presentation contexts of the storage SCP: verification, films, and all other storage classes."""
    classes = sorted({str(context.abstract_syntax) for context in AllStoragePresentationContexts})
    syntaxes = {name: list(FILM_SYNTAXES) if name in FILM_CLASSES else _ANY_SYNTAX for name in classes}
    contexts = [build_context(name, syntaxes[name]) for name in classes]
    return _SharedContexts([build_context(VERIFICATION, _UNCOMPRESSED), *contexts])


_UNCOMPRESSED = [str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian), str(ExplicitVRBigEndian)]
_ANY_SYNTAX = list(dict.fromkeys([*FILM_SYNTAXES, *map(str, ALL_TRANSFER_SYNTAXES)]))
