"""Card sections on the training data, the licence and the citation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...inference.populations import ADULTS
from ..dataset import KERMANY
from ..licences import LICENCES, licence_of_model
from ..population_tables import source_name
from ..table import Table
from .purpose import DATASET, population_of

Config = Mapping[str, Any]


def training_data(config: Config) -> str:
    """The films from which network, thresholds and gate were made, by source with their terms."""
    data, is_adult = config["data"], population_of(config) is ADULTS
    held_out = "adults" if is_adult else "children"
    is_calibrated_elsewhere = "calibrated_on" in config.get("validation", {})
    choices = "thresholds and" if is_calibrated_elsewhere else "thresholds, calibration and"
    return f"""
## Training data

{data["films"]:,} films (fingerprint of all films of the run `{data["fingerprint"][:12]}`). Films of {held_out}, split
off by patient, were held out for validation; {choices} the gate's limits were chosen on them. Films
are read as greyscale, resized to 150 x 150 without keeping the aspect ratio, and augmented during training (rotation,
crop, stretching, blur, sharpening, brightness, noise), because films of the classes were compressed and framed
differently.

{_sources(config).to_markdown()}

{_population_text(config)}
"""


_CHILDREN = f"""Kermany's films (Kaggle data set `{DATASET}`) are of children of 1-5 years, Guangzhou Women and
Children's Medical Center, AP projection."""

_ADULTS = """SIIM's films are of patients who were examined for COVID-19, both classes from the same hospitals, with
the readings of radiologists; "negative for pneumonia" does not mean healthy. The healthy films are those that the
readers of the RSNA challenge 2018 called normal."""

_WITH_CHILDREN = " The films of children show the network more pneumonias."


def _population_text(config: Config) -> str:
    if population_of(config) is not ADULTS:
        return _CHILDREN
    return _ADULTS + (_WITH_CHILDREN if KERMANY in config["data"].get("sources", {}) else "")


def _sources(config: Config) -> Table:
    counts = config["data"].get("sources") or {"kermany": config["data"]["films"]}
    rows = [
        [source_name(name), f"{count:,}", LICENCES[name].name if name in LICENCES else "-"]
        for name, count in counts.items()
    ]
    return Table("Training data", ["Source", "Films for training and validation", "Terms of the films"], rows)


def licence_and_citation(config: Config) -> str:
    """Terms, attribution of every source, and BibTeX."""
    licence = licence_of_model(config)
    attribution = "\n".join(f"* {line}" for line in licence["attribution"])
    code = "" if licence["name"] == "MIT" else " The code is under the MIT licence."
    return f"""
## Licence and source

Weights: {licence["name"]}. {licence["terms"]}{code} The model was made from films and masks of these sources:

{attribution}

The example images are averages of typical training films of one class; none of them is a film of a patient.

## Citation

```bibtex
@software{{chest_film_assistant,
  title   = {{Chest-film assistant: Normal, Pneumonia or Unknown}},
  version = {{{config["revision"]}}},
  note    = {{recipe {config["recipe"]}, protocol {config["protocol"]}}},
  license = {{{licence["name"]}}}
}}
@article{{kermany2018identifying,
  title   = {{Identifying Medical Diagnoses and Treatable Diseases by Image-Based Deep Learning}},
  author  = {{Kermany, Daniel S. and Goldbaum, Michael and Cai, Wenjia and others}},
  journal = {{Cell}},
  volume  = {{172}},
  number  = {{5}},
  pages   = {{1122--1131}},
  year    = {{2018}},
  doi     = {{10.1016/j.cell.2018.02.010}}
}}
```
"""
