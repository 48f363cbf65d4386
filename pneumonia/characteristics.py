"""The radiological text beside an answer: what such films tend to show, and what is easily mistaken.

The network gives two numbers and a map; it names no sign. So nothing here says that a sign was found: the text tells a
reader what to look for. Definitions follow the Fleischner Society's glossary; the pitfalls in children, textbooks of
paediatric radiology.
"""

from __future__ import annotations

from .decision import CLASSES, Prediction
from .explain import NAMED_SHARE, strongest_zone

SOURCES = """\
**Sources.** [Fleischner Society: Glossary of Terms for Thoracic Imaging, 2024](https://doi.org/10.1148/radiol.232558) ·
[WHO: Standardization of interpretation of chest radiographs for pneumonia in children, 2001](https://iris.who.int/handle/10665/66956) ·
[Bramson et al.: Interpretation of chest radiographs in infants with cough and fever, *Radiology* 2005](https://doi.org/10.1148/radiol.2361040278)
"""  # noqa: E501

_PNEUMONIA = """\
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

The network does not tell bacterial from viral pneumonia."""

_NORMAL = """\
#### What a clear film shows
* Both lungs equally dark, vessels tapering to the edge, no opacity that hides them.
* Sharp borders of heart and diaphragm.
* Open, pointed costophrenic angles.
* Hila of like size and density.

A clear film does not exclude pneumonia: early in the disease, or with little fluid in the body, it may show nothing."""

_PITFALLS = """\
#### Easily mistaken in children
* **Thymus**: a wide upper mediastinum with a wavy edge or a sail shape is normal in small children.
* **Expiration**: fewer than about six ribs above the diaphragm at the front make lungs look opaque and the heart wide.
* **Rotation**: one lung looks darker; compare the inner ends of the collar bones with the spine.
* **Round pneumonia**: a round opacity in a child with fever is more often pneumonia than a mass.
* **Peribronchial thickening**: asthma and viral bronchiolitis show it without pneumonia."""

_NEXT = {
    "not_a_chest_film": """\
#### What to do next
* Drop a frontal chest film: the picture itself, not a photograph of a screen or a page with several pictures.
* A DICOM file from the archive is better than an exported picture.""",
    "unlike_training_films": """\
#### What to do next
* The model knows upright frontal films of children of 1-5 years. Turn a turned film, crop away borders and other views.
* For adults, lateral films and other bodies there is no answer here; a radiologist reads them.""",
    "inconclusive": """\
#### What to do next
* Read the film as if no machine had been asked. The probabilities show which way the network leans, not more.
* Look at the child: fever, fast breathing, chest indrawing and oxygen saturation weigh more than this number.
* A second projection, a film at another time, or a colleague settle more than another click.""",
    "unreadable_contrast": """\
#### What to do next
* The picture is blank or almost so. Export the film again, with its window applied.""",
}


def describe(prediction: Prediction) -> str:
    """The panel's Markdown for an answer."""
    if prediction.reason is not None:
        parts = [_NEXT[prediction.reason.code]]
        parts += (
            [_where(prediction), _PNEUMONIA, _PITFALLS, SOURCES] if prediction.reason.code == "inconclusive" else []
        )
    elif prediction.label == CLASSES[1]:
        parts = [_where(prediction), _PNEUMONIA, _PITFALLS, SOURCES]
    else:
        parts = [_NORMAL, _PITFALLS, SOURCES]
    return "\n\n".join(parts)


def _where(prediction: Prediction) -> str:
    """The strongest zone in words, or why none is named."""
    zone = strongest_zone(prediction.zones or {})
    side = "The image's left is taken for the patient's right."
    proof = "This is where the score came from, not proof of disease there."
    if zone is None:
        return (
            f"**Where the network looked.** Less than {100 * NAMED_SHARE:.0f} % of the activation lies inside the "
            f"lungs, so no zone is named, and this answer deserves less trust. {side}"
        )
    return f"**Where the network looked.** Strongest in the {zone} zone. {side} {proof}"
