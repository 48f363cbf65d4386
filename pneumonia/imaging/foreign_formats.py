"""Names of the formats that are not read, for error messages, and what a user can do with each."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..messages import message

_EXPORT = message("export the film as DICOM, PNG or JPEG")
_UNPACK = message("unpack it and send the films")
_VOLUME = message("export one radiograph as DICOM or PNG")
_DOCUMENT = message("send the film itself, not a document that contains it")
_DOWNLOAD = message("download the film itself")


class _Format(NamedTuple):
    """`pattern` matches at the start of a file; `name` completes "Received: ..."; `advice` says what to do."""

    pattern: bytes
    name: str
    advice: str


_FORMATS = tuple(
    _Format(*row)
    for row in (
        (rb"%PDF", message("a PDF"), _DOCUMENT),
        (rb"PK\x03\x04.{26}(?s:.{0,60})word/", message("a Word document"), _DOCUMENT),
        (rb"PK\x03\x04.{26}(?s:.{0,60})ppt/", message("a PowerPoint document"), _DOCUMENT),
        (rb"PK\x03\x04.{26}\S{1,60}\.npy", message("a NumPy archive"), _EXPORT),
        (rb"PK(\x03\x04|\x05\x06|\x07\x08)", message("a ZIP or office file"), _UNPACK),
        (rb"Rar!\x1a\x07", message("a RAR archive"), _UNPACK),
        (rb"7z\xbc\xaf\x27\x1c", message("a 7z archive"), _UNPACK),
        (rb"\x1f\x8b", message("a gzip archive"), _UNPACK),
        (rb"BZh[1-9]", message("a bzip2 archive"), _UNPACK),
        (rb"\xfd7zXZ\x00", message("an xz archive"), _UNPACK),
        (rb"\x28\xb5\x2f\xfd", message("a Zstandard archive"), _UNPACK),
        (rb"(?s:.{257})ustar", message("a tar archive"), _UNPACK),
        (rb".{4}ftyp(heic|heix|heim|heis|hevc|hevx|mif1|msf1)", message("a HEIC image (Apple)"), _EXPORT),
        (rb".{4}ftyp(avif|avis)", message("an AVIF image"), _EXPORT),
        (rb".{4}ftypcrx", message("a camera raw file"), _EXPORT),
        (rb".{4}ftyp", message("an MP4 or QuickTime video"), _EXPORT),
        (rb".{4}(moov|mdat|wide|free)", message("an MP4 or QuickTime video"), _EXPORT),
        (rb"(\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n)", message("a JPEG XL image"), _EXPORT),
        (rb"II\xbc", message("a JPEG XR image"), _EXPORT),
        (rb"RIFF.{4}AVI ", message("an AVI video"), _EXPORT),
        (rb"RIFF.{4}WAVE", message("a sound file"), _EXPORT),
        (rb"\x1aE\xdf\xa3", message("a Matroska or WebM video"), _EXPORT),
        (rb"\x00\x00\x01[\xb3\xba]", message("an MPEG video"), _EXPORT),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", message("a Windows Media video"), _EXPORT),
        (rb"8BPS", message("a Photoshop document"), _EXPORT),
        (rb"gimp xcf", message("a GIMP image"), _EXPORT),
        (rb"AT&TFORM", message("a DjVu document"), _DOCUMENT),
        (rb"(%!PS|\xc5\xd0\xd3\xc6)", message("a PostScript file"), _EXPORT),
        (rb"\{\\rtf", message("an RTF document"), _DOCUMENT),
        (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", message("an office document or e-mail of Microsoft"), _DOCUMENT),
        (rb"\x0a[\x00-\x05]\x01[\x01\x02\x04\x08]", message("a PCX image"), _EXPORT),
        (rb"\x76\x2f\x31\x01", message("an OpenEXR image"), _EXPORT),
        (rb"#\?(RADIANCE|RGBE)", message("a Radiance HDR image"), _EXPORT),
        (rb"\x00\x00[\x01\x02]\x00[\x01-\x20]\x00", message("an icon (ICO)"), _EXPORT),
        (rb"icns", message("an icon (ICNS)"), _EXPORT),
        (rb"\x01\xda[\x00\x01][\x01\x02]", message("an SGI image"), _EXPORT),
        (rb"\x59\xa6\x6a\x95", message("a Sun raster image"), _EXPORT),
        (rb"DDS ", message("a DDS texture"), _EXPORT),
        (rb"qoif", message("a QOI image"), _EXPORT),
        (rb"farbfeld", message("a Farbfeld image"), _EXPORT),
        (rb"BPG\xfb", message("a BPG image"), _EXPORT),
        (rb"FLIF", message("a FLIF image"), _EXPORT),
        (rb"P[147Ff][\s#]", message("a PBM, PAM or PFM image"), _EXPORT),
        (rb"#define \w+_width", message("an X bitmap"), _EXPORT),
        (rb"/\* XPM \*/", message("an X pixmap"), _EXPORT),
        (rb"\x8aMNG\r\n\x1a\n", message("an MNG animation"), _EXPORT),
        (rb"\x8bJNG\r\n\x1a\n", message("a JNG image"), _EXPORT),
        (
            rb"\x89?PNG[\r\n\x1a]",
            message("a PNG damaged by a transfer as text"),
            message("transfer it again as binary"),
        ),
        (rb"(IIU\x00|IIR[OS]|MMOR|FUJIFILM|FOVb|\x00MRM)", message("a camera raw file"), _EXPORT),
        (rb"(?s:\A.{344})(n\+1|ni1)\x00", message("a NIfTI volume"), _VOLUME),
        (rb"(\x5c\x01\x00\x00|\x00\x00\x01\x5c)", message("an Analyze or NIfTI volume"), _VOLUME),
        (rb"(\x1c\x02\x00\x00|\x00\x00\x02\x1c)n[+i]2\x00", message("a NIfTI volume"), _VOLUME),
        (rb"NRRD000", message("an NRRD volume"), _VOLUME),
        (rb"(ObjectType|NDims|Comment|ElementType)\s*=", message("a MetaImage volume (MHA, MHD)"), _VOLUME),
        (rb"(?s:.{208})MAP ", message("an MRC volume"), _VOLUME),
        (rb"\x89HDF\r\n\x1a\n", message("an HDF5 file"), _EXPORT),
        (rb"\x93NUMPY", message("a NumPy array (.npy)"), message("load it and pass the array to the Python interface")),
        (rb"MATLAB ", message("a MATLAB file"), _EXPORT),
        (rb"SIMPLE  =", message("a FITS image"), _EXPORT),
        (rb"# vtk DataFile", message("a VTK file"), _EXPORT),
        (rb"\x80[\x02-\x05].", message("a Python pickle"), _EXPORT),
        (rb"SQLite format 3", message("an SQLite database"), _EXPORT),
        (rb"\xd7\xcd\xc6\x9a|\x01\x00\x00\x00.{36} EMF", message("a Windows metafile"), _EXPORT),
        (rb"OggS|FLV\x01", message("a video or sound file"), _EXPORT),
        (
            rb"L\x00\x00\x00\x01\x14\x02\x00",
            message("a Windows shortcut, not the file itself"),
            message("send the file that it points to"),
        ),
        (
            rb"\x00\x05\x16\x07",
            message("metadata of macOS (a file that starts with ._)"),
            message("send the film of the same name"),
        ),
        (rb"(?s:.{32769})CD001", message("a CD image (ISO)"), _UNPACK),
        (rb"(\x7fELF|MZ|#!)", message("a program"), _EXPORT),
        (rb"version https://git-lfs", message("a Git LFS pointer, not the file itself"), message("run `git lfs pull`")),
        (rb"data:", message("a data URL"), message("decode the Base64 text to a file")),
        (rb".\x00[\x02\x03\x0a\x0b]\x00{5}.{8}[\x08\x10\x18\x20]", message("a TGA image"), _EXPORT),
        (
            rb"(iVBORw0KGgo|/9j/|R0lGOD|SUkqA|TU0AK)",
            message("an image in Base64 text"),
            message("decode the text to a file"),
        ),
    )
)
_COMPILED = tuple((re.compile(row.pattern, re.DOTALL), row.name, row.advice) for row in _FORMATS)

_TEXTS = (
    (rb"<svg|<\?xml.{0,500}<svg", message("an SVG drawing"), _EXPORT),
    (rb"<!doctype html|<html|<head|<body|<script", message("a web page (HTML)"), _DOWNLOAD),
    (rb"<\?xml|<[a-z]", message("an XML file"), _EXPORT),
    (rb"[\[{]\s*[\]}\"\[{\d]", message("a JSON file"), _EXPORT),
)
_COMPILED_TEXTS = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), name, advice) for pattern, name, advice in _TEXTS
)

_TEXT_BYTES = 1_000
"""Number of bytes by which text is told from binary data."""

_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def describe(data: bytes) -> tuple[str, str]:
    """(name, advice) for a file of a format that is not read; nothing of the file is quoted.

    The name completes "Received: ..."; the advice completes "Unsupported file format: ...", or is empty.
    """
    for pattern, name, advice in _COMPILED:
        if pattern.match(data):
            return name, advice
    start = data[:_TEXT_BYTES].removeprefix(b"\xef\xbb\xbf")
    for pattern, name, advice in _COMPILED_TEXTS:
        if pattern.match(start.lstrip()):
            return name, advice
    if _is_text(start):
        return message("a text file"), _EXPORT
    if len(start) > 1 and not any(start):
        name = message("{count:,} bytes that start with zeros", count=len(data))
        return name, message("copy or download the file again")
    return message("an unknown format ({count} bytes)", count=len(data)), ""


def _is_text(start: bytes) -> bool:
    """Whether the start of a file is text: no control characters, and valid in UTF-8 (or UTF-16 with its mark)."""
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return True
    if len(start) < 4 or any(byte < 32 and byte not in _TEXT_CONTROLS for byte in start):
        return False
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and len(start) >= 4  # a character at the end may be cut
    return True
