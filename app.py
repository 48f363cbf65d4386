"""Entry point of the web page, on a machine or on a Hugging Face Space: `python app.py [--share]`."""

from __future__ import annotations

import gc

# The imports run without garbage collection: they create almost no garbage, but each collection scans all objects
# created so far, which takes a fifth of the start-up time. `gc.freeze` excludes these objects from later collections.
gc.disable()

import sys

from pneumonia.web.entry_point import main

gc.freeze()
gc.enable()

if __name__ == "__main__":
    sys.exit(main())
