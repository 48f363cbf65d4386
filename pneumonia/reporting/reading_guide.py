"""The radiological text beside an answer: what such films tend to show, and what is easily mistaken.

The network gives two numbers and a map; it names no sign. So nothing here says that a sign was found: the text tells a
reader what to look for. Definitions follow the Fleischner Society's glossary; the pitfalls in children, textbooks of
paediatric radiology.
"""

from __future__ import annotations

from ..inference.decision import CLASSES, Prediction
from ..inference.explain import MIN_NAMED_SHARE, strongest_zone

SOURCES = """\
**Sources.** [Fleischner Society: Glossary of Terms for Thoracic Imaging, 2024](https://doi.org/10.1148/radiol.232558) ·
[WHO: Standardization of interpretation of chest radiographs for pneumonia in children, 2001](https://iris.who.int/handle/10665/66956) ·
[Bramson et al.: Interpretation of chest radiographs in infants with cough and fever, *Radiology* 2005](https://doi.org/10.1148/radiol.2361040278)
"""  # noqa: E501

_PNEUMONIA_SIGNS = """\
#### What to look for
* **Consolidation**: an even opacity that hides the vessels and airway walls beneath it.
* **Air bronchogram**: air-filled airways, dark against the opacity around them.
* **Silhouette sign**: a border of heart or diaphragm is lost where an opacity touches it; it tells the lobe.
* **Interstitial pattern**: fine lines or a net instead of an even opacity.
* **Pleural effusion**: a blunted costophrenic angle, or a band along the chest wall.

#### Patterns
* **Lobar**: one lobe, sharply bounded by a fissure; typical of pneumococci.
* **Bronchopneumonia**: patchy, in several places, often on both sides.
* **Viral**: perihilar streaks, thick bronchial walls, overinflation, small atelectases; often on both sides.

The patterns overlap: on the film alone, bacterial and viral pneumonia cannot be told apart with certainty, and the
network does not tell bacterial from viral pneumonia."""

_NORMAL_APPEARANCE = """\
#### What a clear film shows
* Both lungs equally dark, vessels tapering to the edge, no opacity that hides them.
* Sharp borders of heart and diaphragm.
* Open, pointed costophrenic angles.
* Hila of like size and density, the left a little higher.

A clear film does not exclude pneumonia: early in the disease, or with little fluid in the body, it may show nothing.
Look once more where opacities hide: behind the heart, below the domes of the diaphragm, at the hila and the apices."""

_PITFALLS = """\
#### Easily mistaken in children
* **Thymus**: a wide upper mediastinum with a wavy edge or a sail shape is normal in small children.
* **Expiration**: fewer than about six ribs above the diaphragm at the front make lungs look opaque and the heart wide.
* **Rotation**: one lung looks darker; compare the inner ends of the collar bones with the spine.
* **Round pneumonia**: a round opacity in a child with fever is more often pneumonia than a mass.
* **Peribronchial thickening**: asthma and viral bronchiolitis show it without pneumonia.
* **Atelectasis**: a plug of mucus takes volume from a lobe; fissures, hila or diaphragm move towards the opacity."""

_ZONE_HINTS = {
    "right upper": (
        "The minor fissure bounds the upper lobe below: is it raised? In small children the thymus lies here too."
    ),
    "right middle": ("Compare the hila. The middle lobe touches the right border of the heart: is that lost?"),
    "right lower": (
        "A lost right border of the heart speaks for the middle lobe, a lost diaphragm for the lower lobe."
    ),
    "left upper": (
        "A lost border of the upper mediastinum speaks for the upper lobe. In small children the thymus lies here too."
    ),
    "left middle": "Compare the hila. The lingula touches the left border of the heart: is that lost?",
    "left lower": (
        "Look through the heart: a lower-lobe opacity behind it hides the left diaphragm and the vessels there."
    ),
}
"""What the strongest zone borders on, and so what to compare there: the silhouette sign, zone by zone."""

_OPERATING_POINT_NOTES = {
    ("screening", CLASSES[0]): (
        "**At screening** the model calls a film Pneumonia early, so as to miss little. A Normal weighs more here than "
        "at the other operating points, and still excludes nothing."
    ),
    ("screening", CLASSES[1]): (
        "**At screening** the model calls a film Pneumonia early, so as to miss little: many of these are false "
        "alarms. Take it as a reason to look."
    ),
    ("confirm", CLASSES[0]): (
        "**At confirm** the model calls a film Pneumonia late, so as to raise few false alarms: it misses more. A "
        "Normal weighs least here; to rule out, choose screening."
    ),
    ("confirm", CLASSES[1]): (
        "**At confirm** the model calls a film Pneumonia late, so as to raise few false alarms. A Pneumonia weighs "
        "more here than at the other operating points, and still proves nothing."
    ),
}
"""What an answer is worth at an operating point that leans to one side; `balanced` needs no word."""

_NEXT_STEPS = {
    "not_a_chest_film": (
        "Drop a frontal chest film: the picture itself, not a photograph of a screen or a page with several pictures.",
        "A DICOM file from the archive is better than an exported picture.",
    ),
    "unlike_training_films": (
        "The model knows upright frontal films of children of 1-5 years. Turn a turned film, crop away borders and "
        "other views.",
        "For adults, lateral films and other bodies there is no answer here; a radiologist reads them.",
        "A very sick child's film, with tubes or a white lung, may be refused too: no answer is no reassurance.",
    ),
    "inconclusive": (
        "Read the film as if no machine had been asked. The probabilities show which way the network leans, not more.",
        "Look at the child: fever, fast breathing, chest indrawing and oxygen saturation weigh more than this number.",
        "A second projection, a film at another time, or a colleague settle more than another click.",
        "Choose an operating point by the question that you ask, not until it gives an answer.",
    ),
    "unreadable_contrast": (
        "The picture is blank or almost so. Export the film again, with its window applied.",
        "A DICOM file from the archive brings its own window.",
    ),
}
"""What to do next: reason code -> steps."""


def describe(prediction: Prediction) -> str:
    """All that is said beside an answer, as Markdown."""
    steps = next_steps(prediction)
    parts = ["#### What to do next\n" + "\n".join(f"* {step}" for step in steps)] if steps else []
    if _has_map(prediction):
        parts.append(f"**Where the network looked.** {describe_location(prediction)}")
    guide = reading_guide(prediction)
    return "\n\n".join([*parts, guide] if guide else parts)


def next_steps(prediction: Prediction) -> tuple[str, ...]:
    """What to do where there is no answer; nothing where there is one."""
    return _NEXT_STEPS[prediction.reason.code] if prediction.reason else ()


def describe_location(prediction: Prediction) -> str:
    """The strongest zone in words, or why none is named."""
    zone = strongest_zone(prediction.zones or {})
    orientation = "The image's left is taken for the patient's right."
    caveat = "This is where the score came from, not proof of disease there."
    if zone is None:
        return (
            f"Less than {100 * MIN_NAMED_SHARE:.0f} % of the activation lies inside the lungs, so no zone is named, "
            f"and this answer deserves less trust. {orientation}"
        )
    return f"Strongest in the {zone} zone. {orientation} {caveat}"


def reading_guide(prediction: Prediction) -> str:
    """What to look for on such a film, as Markdown: by answer, operating point and strongest zone; "" if refused."""
    if prediction.reason is not None and prediction.reason.code != "inconclusive":
        return ""
    parts = [_OPERATING_POINT_NOTES.get((prediction.operating_point, prediction.label), "")]
    parts += [_NORMAL_APPEARANCE] if prediction.label == CLASSES[0] else [_zone_hint(prediction), _PNEUMONIA_SIGNS]
    return "\n\n".join(part for part in [*parts, _PITFALLS, SOURCES] if part)


def _has_map(prediction: Prediction) -> bool:
    return prediction.label == CLASSES[1] or (
        prediction.reason is not None and prediction.reason.code == "inconclusive"
    )


def _zone_hint(prediction: Prediction) -> str:
    """What to compare in the strongest zone, where one is named."""
    zone = strongest_zone(prediction.zones or {})
    return f"#### In the {zone} zone\n* {_ZONE_HINTS[zone]}" if zone else ""
