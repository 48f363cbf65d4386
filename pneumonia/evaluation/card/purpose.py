"""What the model is for, what it learnt from, where it ends: the card's prose, with no figure of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from .numbers import points, score

DATASET = "paultimothymooney/chest-xray-pneumonia"


def metadata(run: Mapping[str, Any]) -> ModelCardData:
    """The front matter, `model-index` included."""
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Image Classification",
            dataset_type=DATASET,
            dataset_name=f"Chest X-ray pneumonia, {run['protocol']} test",
            dataset_split="test",
            metric_type=name,
            metric_value=run["figures"][name]["value"],
        )
        for name in ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc")
        if run["figures"][name]["value"] is not None
    ]
    return ModelCardData(
        model_name="Chest-film assistant",
        license="mit",
        language="en",
        library_name="litert",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        tags=["medical", "chest-x-ray", "pneumonia", "keras", "grad-cam", "out-of-distribution-detection"],
        eval_results=results,
    )


def introduction(config: Mapping[str, Any]) -> str:
    return f"""
# Chest-film assistant: Normal, Pneumonia or Unknown

A network of three convolutions and a dense head, trained from scratch on frontal chest films of children of 1-5 years
from one hospital (Kermany et al. 2018). A gate in front of it refuses images unlike these films, and a band around the
threshold leaves the unsure undecided: both answers are **Unknown**.

## Intended use

A second look by medical staff, for research and teaching. It is a support tool, not a replacement for a radiologist,
and no medical device. **Not intended**: adults, lateral films, CT, any decision without a physician.

Recipe `{config["recipe"]}`, protocol `{config["protocol"]}`, revision `{config["revision"]}`.
"""


def training_data(config: Mapping[str, Any]) -> str:
    return f"""
## Training data

{config["data"]["films"]:,} films of the Kaggle data set `{DATASET}` (fingerprint of all its films
`{config["data"]["fingerprint"][:12]}`): children of 1-5 years, Guangzhou Women and Children's Medical Center, from
front to back. A part of them, split off by patient, trained nothing and chose thresholds, calibration and the gate's
limits. Films are read as grey, stretched to 150 x 150 and changed at random while training (turned, cropped, stretched,
blurred, sharpened, brighter, darker, with noise), because normal and pneumonia films were saved and framed differently.
"""


PROTOCOLS = """
## Protocols

* **official**: trained on the data set's train and val parts, tested on its test part. This model is served, and these
  are the figures to compare with others'. The test films were saved unlike the training films: harder, and more honest.
* **grouped80**: four fifths of the patients of all films train, the others test; a model of its own, never served.
* **folds5**: five folds by patient, five models of their own, for a mean and its interval.

Whatever might be one child counts as one patient when films are split, and copies of a film stay together. Nothing is
chosen on a test film; each look at the official test that could have changed a choice is listed below.
"""


def limits(run: Mapping[str, Any], external: Sequence[Mapping[str, Any]]) -> str:
    """The limits; those that were measured with their figures."""
    measured = [*carried(external), *_changes(run), *_cues(run)]
    return "\n".join(["## Limits\n", *(f"* {limit}" for limit in [*_KNOWN, *measured])])


def carried(external: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence for each foreign set of films: how poor the model is there."""
    return [
        f"On {entry['of']} ({entry['name']}) it is {entry['verdict']}: AUROC {score(entry['figures']['auroc'])}."
        for entry in external
    ]


_KNOWN = (
    "One hospital, children of 1-5 years, films taken from front to back. A ResNet-50 trained on these films fell from "
    "AUROC .95 to .54 on films of other children (Xin, Li, Yi, *Emergency Radiology* 29 (2022) 107, "
    "doi 10.1007/s10140-021-01954-x); nothing better should be expected here.",
    "Normal and pneumonia films of the data set were saved, framed and lettered differently, and networks learn this. "
    "Augmentation works against it and does not remove it: figures on this data set's own films flatter every model "
    "trained on it, and a healthy child whose film is framed as those of the sick were is the likeliest false alarm.",
    "Some patient numbers of the official test also occur in training (a naming ambiguity of the data set).",
    "The activation map shows what moved the score. It is not proof that the network read the lungs.",
    "The model knows two classes. Tuberculosis, effusion, fractures, masses, a misplaced tube: it was never shown them "
    'by name, and "Normal" does not exclude them.',
)


def _changes(run: Mapping[str, Any]) -> list[str]:
    if "robustness" not in run:
        return []
    changes = run["robustness"]["changes"]
    worst = max(changes, key=lambda name: changes[name]["loss"]["value"])
    return [
        f"Exposure, crop and turn move the score. Of the changes under Robustness the worst ({worst}) costs "
        f"{points(changes[worst]['loss'])} points of accuracy."
    ]


def _cues(run: Mapping[str, Any]) -> list[str]:
    if "shortcuts" not in run:
        return []
    hidden = run["shortcuts"]["hidden"]
    most = max(hidden, key=lambda name: hidden[name]["auroc"]["value"] or 0)
    return [f"It does not read lungs only: with the {most} it still has an AUROC of {score(hidden[most]['auroc'])}."]


def citation(config: Mapping[str, Any]) -> str:
    return f"""
## Licence and source

Code and weights: MIT. Films: Kermany, Zhang, Goldbaum, *Labeled Optical Coherence Tomography (OCT) and Chest X-Ray
Images for Classification*, Mendeley Data, doi 10.17632/rscbjbr9sj, CC BY 4.0; Kermany et al., *Cell* 172 (2018) 1122.
The examples are averages of typical training films of a class; no patient's film is among them.

## Citation

```bibtex
@software{{chest_film_assistant,
  title   = {{Chest-film assistant: Normal, Pneumonia or Unknown}},
  version = {{{config["revision"]}}},
  note    = {{recipe {config["recipe"]}, protocol {config["protocol"]}}},
  license = {{MIT}}
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
