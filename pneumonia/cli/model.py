"""`model`: describe the models in use."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from typing import Any

from .. import load_predictor
from ..command_line import SUCCESS
from ..inference.populations import POPULATIONS, Population
from .options import Commands, add_model_option


def add_parser(commands: Commands) -> argparse.ArgumentParser:
    """Add the command and its options to the parser."""
    parser = commands.add_parser("model", help="show the models in use, their figures and operating points")
    parser.add_argument("--json", action="store_true", help="print the JSON of /model")
    add_model_option(parser)
    return parser


def run(options: argparse.Namespace) -> int:
    """Print population, identity, operating points, figures and licence of each model."""
    description = load_predictor(options.model).describe()
    if options.json:
        print(json.dumps(description))
        return SUCCESS
    for name, model in description["populations"].items():
        _print_model(POPULATIONS[name], model)
    return SUCCESS


def _print_model(population: Population, description: dict[str, Any]) -> None:
    print(f"Model for {population.description}")
    print(f"{description['name']}  revision {description['revision']}  sha256 {description['sha256']}")
    for name, point in description["operating_points"].items():
        print(f"  {name:<10} low {point['low']:.3f}  threshold {point['threshold']:.3f}  high {point['high']:.3f}")
    for protocol, figures in description["figures"].items():
        print(f"  {protocol}: " + ", ".join(_format_figures(figures)))
    if description.get("licence"):
        print(f"  licence: {description['licence']['name']}. {description['licence']['terms']}")


def _format_figures(figures: dict[str, dict[str, Any]]) -> Iterable[str]:
    available = ((name, figure) for name, figure in figures.items() if figure["value"] is not None)
    return (f"{name} {figure['value']:.3f} ({figure['low']:.3f}-{figure['high']:.3f})" for name, figure in available)
