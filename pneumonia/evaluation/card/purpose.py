"""Card sections on purpose, training data, protocols, limits and citation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ..number_format import points, score

DATASET = "paultimothymooney/chest-xray-pneumonia"


def metadata(run: Mapping[str, Any]) -> ModelCardData:
    """Front matter of the card, including `model-index`."""
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
from one hospital (Kermany et al. 2018). An out-of-distribution gate refuses images unlike these films before the
network is run, and an undecided band around the threshold marks uncertain films. In both cases the answer is
**Unknown**.

## Intended use

A second opinion for medical staff, for research and teaching. It is a support tool, not a replacement for a
radiologist, and not a medical device. **Not intended**: adults, lateral films, CT, any decision without a physician.

Recipe `{config["recipe"]}`, protocol `{config["protocol"]}`, revision `{config["revision"]}`.
"""


def training_data(config: Mapping[str, Any]) -> str:
    return f"""
## Training data

{config["data"]["films"]:,} films of the Kaggle data set `{DATASET}` (fingerprint of all its films
`{config["data"]["fingerprint"][:12]}`): children of 1-5 years, Guangzhou Women and Children's Medical Center, AP
projection. Some of these films, split off by patient, were held out for validation; thresholds, calibration and the
gate's limits were chosen on them. Films are read as greyscale, resized to 150 x 150 without keeping the aspect ratio,
and augmented during training (rotation, crop, stretching, blur, sharpening, brightness, noise), because normal and
pneumonia films of the data set were compressed and framed differently.
"""


PROTOCOLS = """
## Protocols

* **official**: trained on the data set's train and val parts, tested on its test part. This model is served, and its
  figures are those to compare with other publications. The test films were saved differently from the training
  films, so this test is harder and more realistic.
* **grouped80**: trained on the films of four fifths of all patients, tested on the rest; a separate model, never
  served.
* **folds5**: five-fold cross-validation by patient with five separate models; its figures are means with their
  intervals.

In the splits, films that may be of the same child count as one patient, and copies of a film stay together. No choice
is made on test films. Every access to the official test set that could have influenced a decision is in the
test-set access log below.
"""


def limits(run: Mapping[str, Any], external: Sequence[Mapping[str, Any]]) -> str:
    """Known limits, followed by measured limits with their figures."""
    measured = [*external_summary(external), *_worst_perturbation(run), *_strongest_cue(run)]
    return "\n".join(["## Limits\n", *(f"* {limit}" for limit in [*_KNOWN, *measured])])


def external_summary(external: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence with the AUROC for each external set of films."""
    return [
        f"On {entry['of']} ({entry['name']}) the model is {entry['verdict']}: AUROC {score(entry['figures']['auroc'])}."
        for entry in external
    ]


_KNOWN = (
    "One hospital, children of 1-5 years, AP projection. A ResNet-50 trained on these films fell from AUROC .95 to .54 "
    "on films of other children (Xin, Li, Yi, *Emergency Radiology* 29 (2022) 107, doi 10.1007/s10140-021-01954-x). "
    "This model is not expected to generalise better.",
    "Normal and pneumonia films of the data set were compressed, framed and lettered differently, and networks learn "
    "this. Augmentation reduces the effect and does not remove it: figures on this data set are optimistic for every "
    "model trained on it. The most likely false positive is a film of a healthy child that is framed like the "
    "pneumonia films of the data set.",
    "Some patient numbers of the official test also occur in training (a naming ambiguity of the data set).",
    "The activation map shows which regions raised the score. It is not proof that the network read the lungs.",
    "The model knows two classes. Tuberculosis, effusion, fractures, masses and misplaced tubes are not among its "
    'labels, and "Normal" does not exclude them.',
)


def _worst_perturbation(run: Mapping[str, Any]) -> list[str]:
    if "robustness" not in run:
        return []
    rows = run["robustness"]["changes"]
    worst = max(rows, key=lambda name: rows[name]["loss"]["value"])
    return [
        "Exposure, crop and rotation change the score. The worst perturbation of the robustness audit "
        f"({worst}) costs {points(rows[worst]['loss'])} points of accuracy."
    ]


def _strongest_cue(run: Mapping[str, Any]) -> list[str]:
    if "shortcuts" not in run:
        return []
    hidden = run["shortcuts"]["hidden"]
    cue = max(hidden, key=lambda name: hidden[name]["auroc"]["value"] or 0)
    return [
        f"The network does not read the lungs alone: with the {cue} its AUROC is still {score(hidden[cue]['auroc'])}."
    ]


def citation(config: Mapping[str, Any]) -> str:
    return f"""
## Licence and source

Code and weights: MIT. Films: Kermany, Zhang, Goldbaum, *Labeled Optical Coherence Tomography (OCT) and Chest X-Ray
Images for Classification*, Mendeley Data, doi 10.17632/rscbjbr9sj, CC BY 4.0; Kermany et al., *Cell* 172 (2018) 1122.
The example images are averages of typical training films of one class; none of them is a film of a patient.

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
