"""Entry point of the web page, on a machine or on a Hugging Face Space: `python app.py [--share]`."""

from __future__ import annotations

import sys

from pneumonia.web.entry_point import main

if __name__ == "__main__":
    sys.exit(main())
