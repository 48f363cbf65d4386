"""The page's entry, here and on a Space: `python app.py [--share]`."""

from __future__ import annotations

import argparse
import logging
import sys

from pneumonia import PneumoniaError, load_predictor
from pneumonia.web import page


def main() -> int:
    parser = argparse.ArgumentParser(description="The chest-film assistant's page, on http://127.0.0.1:7860.")
    parser.add_argument("--share", action="store_true", help="a public link that anyone can use while this runs")
    share = parser.parse_args().share
    # Only our own log: a library's might quote an address or a file name.
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("pneumonia").setLevel(logging.INFO)
    try:
        options = page.launch_options(share=share)
        if options["share"] and not options["auth"]:
            logging.warning(
                "ANYONE WITH THE LINK CAN USE THIS PAGE, and films pass through Gradio's relay. Set PNEUMONIA_AUTH to "
                "ask for a login."
            )
        page.build(load_predictor()).launch(**options)
    except PneumoniaError as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
