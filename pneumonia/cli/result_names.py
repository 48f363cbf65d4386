"""Names of the result files of a film: its stem, a number for further films of that stem, and a suffix for the kind."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePath

from ..files import portable_name
from ..reporting.result_files import ResultFile

_HEAD_BYTES = 1024
"""The first bytes of a file, which contain its identity: a DICOM file in the meta header (PS3.10, 7.1), a bundle as its
second key."""


def stem_of(film: str) -> PurePath:
    """The name of a film's files: that of the film without its extension."""
    return PurePath(portable_name(PurePath(film).stem))


def nested_stem_of(film: str) -> PurePath:
    """As `stem_of`, below the folders of the film's name, so that a table and its files correspond.

    Drive, root and `..` are left out, so that no name leads out of the folder of the files.
    """
    path = PurePath(film)
    folders = [portable_name(part) for part in path.parent.parts if part not in {path.anchor, "..", "."}]
    return PurePath(*folders, portable_name(path.stem))


def numbered_path(stem: Path, number: int, suffix: str) -> Path:
    """The path of the file with this number: `film.sr.dcm` for 1, then `film-2.sr.dcm`."""
    return stem.with_name(f"{stem.name}{suffix}" if number == 1 else f"{stem.name}-{number}{suffix}")


def free_path(stem: Path, number: int, file: ResultFile) -> Path:
    """The path with the first number, from `number`, that is free or belongs to the same object."""
    while True:
        path = numbered_path(stem, number, file.name_suffix)
        # `exists` ignores case where the file system does, so no file replaces another one there either.
        if not path.exists() or _is_same_object(path, file):
            return path
        number += 1


def _is_same_object(path: Path, file: ResultFile) -> bool:
    """Whether a file is an earlier version of the same object: it has the same UID, or as a bundle the same id."""
    identity = file.sop_instance_uid or json.loads(file.data)["id"]
    with path.open("rb") as existing:
        head = existing.read(_HEAD_BYTES)
    return re.search(rb"(?<![\w.-])" + re.escape(identity.encode()) + rb"(?![\w.-])", head) is not None
