"""Check of a batch's uploads, and their import into the batch's folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from .. import batch, imaging, settings
from ..batch import zip_members
from ..errors import EmptyFile, TooLarge, UnreadableImage
from ..inference.named_film import NamedFilm
from ..messages import message
from .server.upload import Upload


def check_uploads(uploads: list[Upload]) -> None:
    """Raises `EmptyFile` without uploads, `TooLarge` above the total limit, `UnreadableImage` if they were deleted."""
    if not uploads:
        raise EmptyFile(
            message("No film was given. Allowed: {formats}, or a ZIP of such files.", formats=imaging.FORMATS)
        )
    limit_mb = settings.MAX_UPLOAD_MB.read()
    try:
        total = sum(upload.path.stat().st_size for upload in uploads)
    except OSError:
        raise UnreadableImage(message("The uploads have expired and were deleted. Add the films again.")) from None
    if total > limit_mb * 1_000_000:
        raise TooLarge(
            message(
                "The films are too large in total. Allowed: {limit_mb:,} MB. Received: {total:,.1f} MB. Split them "
                "into several batches.",
                limit_mb=limit_mb,
                total=total / 1000000.0,
            )
        )


def import_uploads(uploads: Iterable[Upload], folder: Path) -> Iterator[NamedFilm]:
    """Store the uploads in `folder` under generated names and yield their films; a ZIP yields each of its members."""
    max_bytes = settings.MAX_UPLOAD_MB.read() * 1_000_000
    for number, upload in enumerate(uploads):
        # The suffix is retained, because a ZIP is also recognised by its suffix.
        path = folder / f"{number}{'.zip' if upload.name.lower().endswith('.zip') else ''}"
        _link(upload.path, path)
        if zip_members.is_zip(path):
            yield from batch.films_in_zip(path, upload.name, max_bytes=max_bytes)
        else:
            yield NamedFilm(upload.name, path)


def _link(upload: Path, path: Path) -> None:
    """Hard-link the upload, or copy it if links are not supported. It is not moved, because other batches may use it.

    Gradio may then delete its own file at any time.
    """
    try:
        os.link(upload, path)
    except OSError:
        shutil.copyfile(upload, path)
