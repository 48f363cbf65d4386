"""Card section on the network: what it computes, and from which part of the film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]


def has_lung_head(config: Config) -> bool:
    """True if the network scores the predicted lung field alone. Its config names the targets of the field."""
    return "lung_targets" in config.get("data", {})


def network(config: Config, run: Mapping[str, Any]) -> str:
    """The section as Markdown; "" for a network without a lung head, which the introduction describes."""
    if not has_lung_head(config):
        return ""
    members = run.get("training", {}).get("members", 1)
    several = (
        f"The model consists of {members} such networks with different random seeds. Its score is the sigmoid of their "
        "mean logit; evidence and lung field are the means of theirs.\n\n"
        if members > 1
        else ""
    )
    return f"""
## The network

A film is converted to grey, reduced to a coarse grid and standardised by the mean and the deviation of its central
part, so that a frame or a bright border does not change the scale. Three convolutions follow. A side branch of one
further convolution predicts the **lung field**: for each position of the last feature map, how far it belongs to a
lung. Only features inside this field reach the dense layers: the mean, the maximum and the standard deviation of each
feature, weighted by the field. What lies outside has no part in the score, except through the receptive field of the
convolutions, which is wider than a position. The classifier cannot move the field, because no gradient passes from the
score to it.

{several}The **evidence map** is not an explanation after the fact. It shows what was added up: the contribution of
each position to the logit, gradient times feature inside the field. Contributions add up to the logit without the part
of the biases. The page shows the positive part, the evidence for pneumonia.

{_lung_targets(config)}
"""


_TARGETS = {
    "drawn masks": "The lung field is learnt from masks that people drew on films of children (V7 Labs).",
    "predicted lung fields": "No lung was drawn on the training films. The lung field is learnt from the fields that "
    "the model of children predicts on them, which are learnt from drawn masks.",
    "fixed lung boxes": "No lung was drawn on the training films. The lung field is learnt from two fixed boxes: it "
    "says little about the lungs of a film.",
}
"""Kind of the targets in training -> a sentence."""


def _lung_targets(config: Config) -> str:
    kind = config["data"]["lung_targets"]
    text = _TARGETS.get(kind, f"The targets of the lung field in training: {kind}.")
    if config.get("population") == "adults":
        text += " The agreement of the field with the lungs of adults is not measured, since no masks of adults exist."
    return text
