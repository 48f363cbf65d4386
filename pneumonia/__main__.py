"""Entry point of `python -m pneumonia`."""

import sys

from .cli import main

sys.exit(main(prog="python -m pneumonia"))
