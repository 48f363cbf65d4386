"""Settings of the whole process, for programs that only serve films: the page, the command line, a worker.

The library changes nothing for its host: it limits what it opens itself. A program of its own can do more, because no
other code shares its process.
"""

from __future__ import annotations

import logging
import sys
import warnings

from PIL import Image

from .. import operating_system


def harden_process() -> None:
    """Change settings of Pillow, pydicom, logging and warnings for the whole process; call it in an entry point.

    * The limit on open files is raised where the system allows it: macOS sets it to 256.
    * GDCM is not loaded when pydicom is imported. This keeps native code that a damaged file could crash out of the
      process, and saves 0.05 s and 19 MB. It also avoids an import error: GDCM fails to load, and pydicom with it, if
      the working directory contains a folder named `dl`. Without effect if pydicom or GDCM is imported already.
    * Warnings and log messages of pydicom and highdicom are dropped: they quote tags, which may identify a patient.
    * Pillow's limit on pixels is removed, so that `PNEUMONIA_MAX_PIXELS` alone decides. That limit is lower, and is
      checked before decoding.
    """
    operating_system.raise_open_file_limit()
    if not {"pydicom", "gdcm"} & sys.modules.keys():
        sys.modules["gdcm"] = None  # type: ignore[assignment]  # makes `import gdcm` raise ImportError
    # pydicom resets the level of its logger when it is imported, but not `propagate`; its only handler discards.
    for library in ("pydicom", "highdicom"):
        logging.getLogger(library).propagate = False
        logging.getLogger(library).addHandler(logging.NullHandler())
        warnings.filterwarnings("ignore", module=rf"{library}(\.|$)")
    Image.MAX_IMAGE_PIXELS = None
