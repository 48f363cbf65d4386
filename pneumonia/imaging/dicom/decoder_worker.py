"""One compressed DICOM frame -> its samples: the program that a decoder's process runs, and its protocol.

It runs beside the service and never inside it (`decoders.py` says why), knows nothing of films, and gets no tag but
those that say how the samples are laid out. A request and an answer are each a line of JSON and then bytes.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pydicom
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

try:
    import resource
except ImportError:  # Windows: there only the time is bounded
    resource = None  # type: ignore[assignment]

DECODERS = {
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "gdcm",
    JPEGLossless: "gdcm",
    JPEGLosslessSV1: "gdcm",
    JPEGLSLossless: "gdcm",
    JPEGLSNearLossless: "gdcm",
    JPEG2000Lossless: "pillow",
    JPEG2000: "pillow",
    RLELossless: "pydicom",
}
"""Which library decodes which transfer syntax. Where two could, Pillow's copy of the codec is the newer one."""

_DECODED_AS = {JPEGExtended12Bit: JPEGLossless}
"""pydicom asks GDCM for no 12-bit JPEG, since GDCM cannot write it. GDCM reads it, going by the codestream's own
header, whichever JPEG it is called."""

_STATM = Path("/proc/self/statm")
"""Linux: the process's size in pages. Elsewhere the system does not keep to a limit of memory anyway."""

DAMAGED, MISSING = "damaged", "missing"
"""What an answer without samples says: bad bytes, or more memory than allowed; the library is not installed."""


_JPEG_2000_SIZE = b"\xff\x4f\xff\x51"
_JPEG_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_END_MARKER = b"\xff\xd9"
_MAX_END_DISTANCE = 64
"""How far from the frame's end its end marker may stand: writers pad."""


def has_end_marker(syntax: UID, frame: bytes) -> bool:
    """Whether the frame reaches its end marker. Decoders fill up what is missing, and half a film is no film.

    The marker's two bytes stand nowhere in the samples of JPEG, JPEG-LS and JPEG 2000. RLE has none; its samples are
    counted when they are decoded.
    """
    return syntax == RLELossless or _END_MARKER in frame[-_MAX_END_DISTANCE:]


def frame_size(syntax: UID, frame: bytes) -> tuple[int, int] | None:
    """(height, width) as the frame's own header has them; None where it has none, as RLE.

    A decoder goes by them, and samples of another size would be laid into the film's rows all the same.
    """
    if syntax == RLELossless:
        return None
    if syntax in JPEG2000TransferSyntaxes:
        position = frame.find(_JPEG_2000_SIZE) + len(_JPEG_2000_SIZE)
        right, bottom, left, top = struct.unpack_from(">4L", frame, position + 4)
        return bottom - top, right - left
    position = 2
    while frame[position + 1] not in _JPEG_FRAME_HEADERS:
        position += 1 if frame[position + 1] == 0xFF else 2 + int.from_bytes(frame[position + 2 : position + 4])
    height, width = struct.unpack_from(">HH", frame, position + 5)
    return height, width


def serve() -> None:
    """Answer requests on stdin until it ends, which it does at the latest when the service does."""
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as responses:
        _redirect_output()
        while line := requests.readline():
            request = json.loads(line)
            facts, samples = _handle_request(request, requests.read(request["size"]))
            responses.write(json.dumps(facts).encode() + b"\n")
            responses.write(samples)
            responses.flush()


def decode_frame(syntax: UID, layout: dict[str, Any], codestream: bytes) -> npt.NDArray[Any]:
    """The samples, `[H, W]` or `[H, W, 3]` in RGB; `layout` holds pydicom's names of the image's elements."""
    frames = encapsulate([codestream], has_bot=False)
    options: dict[str, Any] = {**layout, "number_of_frames": 1, "pixel_keyword": "PixelData"}
    samples, _ = _decoder(syntax).as_array(frames, index=0, decoding_plugin=DECODERS[syntax], **options)
    return samples


def _decoder(syntax: UID) -> Decoder:
    return get_decoder(_DECODED_AS.get(syntax, syntax))


def _handle_request(request: dict[str, Any], codestream: bytes) -> tuple[dict[str, Any], bytes]:
    # Damaged bytes make decoders raise nearly everything. No text of theirs is passed on: it may quote the bytes.
    try:
        _limit_resources(request["memory"], request["cpu_seconds"])
        syntax = UID(request["syntax"])
        if DECODERS[syntax] not in _decoder(syntax).available_plugins:
            return {"failed": MISSING}, b""
        samples = decode_frame(syntax, request["layout"], codestream)
        return {"dtype": samples.dtype.str, "shape": samples.shape}, samples.tobytes()
    except Exception:
        return {"failed": DAMAGED}, b""


def _redirect_output() -> None:
    """What native code prints would mix with the responses, or end in the service's log."""
    null_device = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null_device, stream)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def _limit_resources(memory: int, cpu_seconds: int) -> None:
    """Bound what one request may use, on top of what the process uses already.

    Seconds of the processor and not of the clock, so that a busy machine costs no film its answer; and they end a
    decoder that spins on after the service was killed.
    """
    if resource is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + cpu_seconds)
    _set_limit(resource.RLIMIT_CORE, 0)  # a core dump would lay a patient's film on the disk
    if _STATM.exists():
        current = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        _set_limit(resource.RLIMIT_AS, current + memory)


def _set_limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    serve()
