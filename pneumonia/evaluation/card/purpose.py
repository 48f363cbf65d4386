"""Card sections on purpose, protocols and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from ...inference.populations import ADULTS, CHILDREN, POPULATIONS, Population
from ..licences import licence_of_model
from ..number_format import points, score
from .network import has_lung_head

DATASET = "paultimothymooney/chest-xray-pneumonia"

Config = Mapping[str, Any]


def population_of(config: Config) -> Population:
    """The population of the model; bundles without the key `population` are of children."""
    return POPULATIONS[config.get("population", CHILDREN.name)]


def metadata(config: Config, run: Mapping[str, Any]) -> ModelCardData:
    """Front matter of the card, including `model-index`."""
    is_adult, lung_head = population_of(config) is ADULTS, has_lung_head(config)
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="Image Classification",
            dataset_type="siim-covid19-detection" if is_adult else DATASET,
            dataset_name="Held-out fifth of the adults"
            if is_adult
            else f"Chest X-ray pneumonia, {run['protocol']} test",
            dataset_split="test",
            metric_type=name,
            metric_value=run["figures"][name]["value"],
        )
        for name in ("accuracy", "precision", "sensitivity", "specificity", "f1", "auroc")
        if run["figures"][name]["value"] is not None
    ]
    licence: dict[str, Any] = {"license": "mit"}
    if licence_of_model(config)["non_commercial"]:
        licence = {"license": "other", "license_name": "non-commercial-research"}
    return ModelCardData(
        model_name="Chest-film assistant",
        **licence,
        language="en",
        library_name="litert",
        pipeline_tag="image-classification",
        datasets=[DATASET],
        tags=[
            "medical",
            "chest-x-ray",
            "pneumonia",
            "keras",
            "lung-field" if lung_head else "grad-cam",
            "out-of-distribution-detection",
        ],
        eval_results=results,
    )


def introduction(config: Config) -> str:
    """Title, terms, what the model is, and intended use."""
    population, licence = population_of(config), licence_of_model(config)
    not_in_care = " **Not for use in care.**" if licence["non_commercial"] else ""
    return f"""
# Chest-film assistant, {population.description}: Normal, Pneumonia or Unknown

> Licence of the weights: **{licence["name"]}**. {licence["terms"]}{not_in_care}

A network of three convolutions and a dense head, trained from scratch on frontal chest films. {_WHAT[population.name]}
An out-of-distribution gate refuses images unlike films of this population before the network is run, and an undecided
band around the threshold marks uncertain films. In both cases the answer is **Unknown**.
{_LUNG_FIELD if has_lung_head(config) else ""}
## Intended use

{_use(licence)} It is a support tool, not a replacement for a radiologist, and not a medical device. It is
intended for one frontal film of {_PATIENT[population.name]}, if pneumonia is suspected. **Not intended**:
{_NOT_FOR[population.name]}, lateral films, CT, any decision without a physician.

Recipe `{config["recipe"]}`, protocol `{config["protocol"]}`, revision `{config["revision"]}`.
"""


_WHAT = {
    "children": "It answers for children of 1-5 years and was tested on films of one hospital (Kermany et al. 2018).",
    "adults": "It answers for adults of 18 years and over. It was tested on films of patients who were examined for "
    "COVID-19 in Spain and the USA, and on healthy films of one hospital of the USA.",
}

_LUNG_FIELD = """
The score is computed from what lies inside the lung field that the network predicts, and the map on the page shows what
was added up.
"""

_PATIENT = {"children": "a child of 1-5 years", "adults": "an adult of 18 years or over"}

_NOT_FOR = {
    "children": "adults, older children and infants under one year",
    "adults": "children and adolescents, commercial use",
}


def _use(licence: Mapping[str, Any]) -> str:
    if licence["non_commercial"]:
        return "Non-commercial research and teaching, not care."
    return "A second opinion for medical staff, for research and teaching."


def protocols(config: Config) -> str:
    """What the protocols train on and test on."""
    return f"""
## Protocols

{_PROTOCOLS[population_of(config).name]}

In the splits, films that may be of the same patient count as one patient, and copies of a film stay together. No
choice is made on test films. Every access to the test films that could have influenced a decision is in the test-set
access log below.
"""


_PROTOCOLS = {
    "children": """* **official**: trained on the data set's train and val parts, tested on its test part. This model is
  served, and its figures are those to compare with other publications. The test films were saved differently from the
  training films, so this test is harder and more realistic.
* **grouped80**: trained on the films of four fifths of all patients, tested on the rest; a separate model, never
  served.
* **folds5**: five-fold cross-validation by patient with five separate models; its figures are means with their
  intervals.""",
    "adults": """* **adults**: trained on the films of four fifths of the adults, by patient, and on those of children
  if the table above lists them; tested on the adults of the other fifth. This model is served. Each part has the same
  share of each class of each source.""",
}


def limits(config: Config, run: Mapping[str, Any], external: Sequence[Mapping[str, Any]]) -> str:
    """Known limits, followed by measured limits with their figures."""
    known = [*_KNOWN[population_of(config).name], _MAP[has_lung_head(config)], *_ALWAYS]
    measured = [*external_summary(external), *_worst_perturbation(run), *_strongest_cue(run)]
    return "\n".join(["## Limits\n", *(f"* {limit}" for limit in [*known, *measured])])


def external_summary(external: Sequence[Mapping[str, Any]]) -> list[str]:
    """A sentence with the AUROC for each external set of films."""
    return [
        f"On {entry['of']} ({entry['name']}) the model is {entry['verdict']}: AUROC {score(entry['figures']['auroc'])}."
        for entry in external
    ]


_KNOWN = {
    "children": (
        "One hospital, children of 1-5 years, AP projection. A ResNet-50 trained on these films fell from AUROC .95 to "
        ".54 on films of other children (Xin, Li, Yi, *Emergency Radiology* 29 (2022) 107, doi "
        "10.1007/s10140-021-01954-x). This model is not expected to generalise better.",
        "Normal and pneumonia films of the data set were compressed, framed and lettered differently, and networks "
        "learn this. Augmentation reduces the effect and does not remove it: figures on this data set are optimistic "
        "for every model trained on it. The most likely false positive is a film of a healthy child that is framed "
        "like the pneumonia films of the data set.",
        "Some patient numbers of the official test also occur in training (a naming ambiguity of the data set).",
    ),
    "adults": (
        "The pneumonias are those of patients examined for COVID-19 in 2020. Other pneumonias, and those of patients "
        "with chronic lung or heart disease, were not tested.",
        "The healthy films are from another hospital than all films with pneumonia. A network can tell the hospitals "
        "apart; the AUROC within one source is therefore the figure to rely on.",
        '"Negative for pneumonia" is not healthy: these films may show other disease. "Indeterminate" and "atypical" '
        "films count as pneumonia, and many of them do not look like it.",
        "All films were 256 x 256 pixels, and the healthy ones are copies of copies; films from a modality look "
        "different.",
    ),
}

_MAP = {
    False: "The activation map shows which regions raised the score. It is not proof that the network read the lungs.",
    True: "The evidence map shows what was added up inside the predicted lung field. It does not show that the network "
    "recognised a consolidation there, and a lung that the field misses, such as a white one, has no evidence.",
}

_ALWAYS = (
    "The model knows two classes. Tuberculosis, effusion, fractures, masses and misplaced tubes are not among its "
    'labels, and "Normal" does not exclude them.',
)


def _worst_perturbation(run: Mapping[str, Any]) -> list[str]:
    audit = run.get("robustness") or run.get("audits", {}).get("robustness")
    if not audit:
        return []
    rows = audit["changes"]
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
