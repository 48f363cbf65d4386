"""Program of a decoder process: decodes compressed DICOM frames that it receives on stdin.

It runs in a separate process, for the reasons in `decoder_pool.py`. It receives the compressed frame and the elements
that describe the sample layout, and no other tags. Requests and responses are one line of JSON followed by bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

if __package__:
    from . import jpeg_headers, lossless_jpeg
else:  # the program has no package: importing it would load the models

    def _load(name: str) -> Any:
        specification = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module

    jpeg_headers, lossless_jpeg = _load("jpeg_headers"), _load("lossless_jpeg")

try:
    import resource
except ImportError:  # Windows has no `resource`; there only the wall-clock time is limited
    resource = None  # type: ignore[assignment]

DECODERS = {
    JPEGLosslessSV1: "gdcm",
    JPEGLossless: "gdcm",
    JPEGLSLossless: "gdcm",
    JPEG2000Lossless: "pillow",
    RLELossless: "pydicom",
    JPEGBaseline8Bit: "pillow",
    JPEGExtended12Bit: "gdcm",
    JPEGLSNearLossless: "gdcm",
    JPEG2000: "pillow",
}
"""Transfer syntax -> library that decodes it. Where Pillow and GDCM both can, Pillow has the newer version of the
codec. The order is that in which the PACS service prefers them."""

_JPEG_LOSSLESS = {JPEGLossless, JPEGLosslessSV1}
"""Transfer syntaxes of which libjpeg-turbo decodes most frames, if it is installed (`lossless_jpeg`)."""

_DECODED_AS = {JPEGExtended12Bit: JPEGLossless}
"""Transfer syntax -> transfer syntax that is passed to pydicom instead. pydicom does not use GDCM for 12-bit JPEG,
since GDCM cannot write it. GDCM can read it: it uses the header of the codestream and ignores the JPEG transfer
syntax."""

_STATM = Path("/proc/self/statm")
"""Linux file with the memory size of the process in pages. On other systems the memory limit is not enforced."""

DAMAGED, MISSING = "damaged", "missing"
"""Reasons in a response without samples. Damaged: invalid bytes or too much memory. Missing: library not installed."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's `mallopt`."""

END_MARKER = b"\xff\xd9"
"""The last bytes of a JPEG, JPEG-LS or JPEG 2000 codestream."""

_CODED_WITH_HUFFMAN = {JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1}
"""Transfer syntaxes whose decoders fill in missing data and report nothing. Those of JPEG-LS and JPEG 2000 fail."""

_CONTINUATIONS = (b"\x5a\xa5\x33" * 40, b"\x31\x8e\x72" * 40)
"""Bytes that are not the continuation of any film."""

_TAIL_PIXELS = 16
"""Pixels at the end of the last row that are examined; 16 is the width of a coded unit of a film in colour."""


def serve() -> None:
    """Process requests from stdin until the service closes it or ends.

    SIGTERM is ignored: a service manager sends it to all processes of a service, and a film whose decoder ended would
    count as damaged.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _keep_freed_memory()
    requests = sys.stdin.buffer
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as responses:
        _redirect_output()
        while line := requests.readline():
            request = json.loads(line)
            header, samples = _handle_request(request, requests.read(request["size"]))
            responses.write(json.dumps(header).encode() + b"\n")
            responses.write(samples)
            responses.flush()


def decode_frame(syntax: UID, layout: dict[str, Any], codestream: bytes) -> npt.NDArray[Any]:
    """Decode a compressed frame to `[H, W]`, or `[H, W, 3]` in RGB.

    `layout` maps pydicom's option names to the values of the DICOM elements. Raises any exception of the decoder.
    """
    if syntax in _CODED_WITH_HUFFMAN:
        codestream = jpeg_headers.corrected(codestream)
    if syntax in _JPEG_LOSSLESS and (fast := lossless_jpeg.decode(codestream, layout)) is not None:
        return fast
    samples = _decode(syntax, layout, codestream)
    if (
        syntax in _CODED_WITH_HUFFMAN
        and _ends_uniformly(samples)
        and not _is_complete(syntax, layout, codestream, samples)
    ):
        raise ValueError("incomplete")
    return samples


def _decode(syntax: UID, layout: dict[str, Any], codestream: bytes) -> npt.NDArray[Any]:
    frames = encapsulate([codestream], has_bot=False)
    options: dict[str, Any] = {**layout, "number_of_frames": 1, "pixel_keyword": "PixelData"}
    samples, _ = _decoder(syntax).as_array(frames, index=0, decoding_plugin=DECODERS[syntax], **options)
    return samples


def _ends_uniformly(samples: npt.NDArray[Any]) -> bool:
    """Whether the end of the image may have been filled in: by one value, or by repetition of the row above."""
    tail = samples[-1, -_TAIL_PIXELS:]
    return bool((tail == tail[-1]).all()) or np.array_equal(samples[-1], samples[-2:][0])


def _is_complete(syntax: UID, layout: dict[str, Any], codestream: bytes, samples: npt.NDArray[Any]) -> bool:
    """Whether the data before the end marker cover the whole image, as `image_files.jpeg_file` checks it.

    A film may have been cut short and closed with a marker, for example by a program that repairs files. A decoder
    that has all data ignores further bytes before the marker. One that lacks data decodes them, and the image changes.
    """
    data = codestream[: codestream.rfind(END_MARKER)].rstrip(b"\xff")  # fill bytes (T.81, B.1.1.2)
    return all(
        np.array_equal(_decode(syntax, layout, data + continuation + END_MARKER), samples)
        for continuation in _CONTINUATIONS
    )


def _decoder(syntax: UID) -> Decoder:
    return get_decoder(_DECODED_AS.get(syntax, syntax))


def _handle_request(request: dict[str, Any], codestream: bytes) -> tuple[dict[str, Any], bytes | memoryview]:
    # Decoders raise many exception types on damaged bytes. Their texts may quote the bytes and are not passed on.
    try:
        _limit_resources(request["memory"], request["cpu_seconds"])
        syntax = UID(request["syntax"])
        if DECODERS[syntax] not in _decoder(syntax).available_plugins:
            return {"failed": MISSING}, b""
        samples = decode_frame(syntax, request["layout"], codestream)
        return {"dtype": samples.dtype.str, "shape": samples.shape}, np.ascontiguousarray(samples).data.cast("B")
    except Exception:
        return {"failed": DAMAGED}, b""


def _keep_freed_memory() -> None:
    """Let the allocator of glibc keep up to 128 MB of freed memory, and take blocks up to 32 MB from it.

    By default it returns each buffer of a frame to the system, which then clears all of its pages anew: a third of the
    processor time for a frame of 2500 x 2000 pixels in JPEG Lossless (53 of 163 ms).
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):  # another system, or another C library
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((_M_MMAP_THRESHOLD, 32 << 20), (_M_TRIM_THRESHOLD, 128 << 20)):
            mallopt(option, value)


def _redirect_output() -> None:
    """Discard output of native code: on stdout it would corrupt the responses, on stderr it would fill the log."""
    null_device = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null_device, stream)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


def _limit_resources(memory: int, cpu_seconds: int) -> None:
    """Limit the memory and CPU time of one request, in addition to what the process uses already.

    CPU time is limited instead of wall-clock time so that no film fails because the machine is busy. The limit also
    ends a decoder that loops after the service was killed.
    """
    if resource is None:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_limit(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime) + cpu_seconds)
    _set_limit(resource.RLIMIT_CORE, 0)  # a core dump would write the patient's film to disk
    if _STATM.exists():
        current = int(_STATM.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        _set_limit(resource.RLIMIT_AS, current + memory)


def _set_limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


if __name__ == "__main__":
    serve()
