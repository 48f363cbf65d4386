"""pydicom loads every native decoder that it finds when it is imported. The service wants them in `decoders` only."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_gdcm() -> Iterator[None]:
    """Import pydicom inside, and GDCM stays out: 0.05 s, 19 MB, and code that no damaged file should ever reach.

    GDCM also fails to load, and pydicom with it, where the service is started beside a folder called `dl`. Where a
    program has imported either before, nothing is changed.
    """
    if {"pydicom", "gdcm"} & sys.modules.keys():
        yield
        return
    sys.modules["gdcm"] = None  # type: ignore[assignment]  # to Python: there is no such module
    try:
        yield
    finally:
        sys.modules.pop("gdcm", None)
