"""The radiological text beside a prediction: signs to look for, and pitfalls at the patient's age.

The network outputs a score and an activation map; it does not detect signs. The text therefore never states that a
sign is present; it lists the signs to look for. Definitions follow the glossary of the Fleischner Society; the pitfalls
follow textbooks of radiology. The text depends on the population of the model that answered.
"""

from __future__ import annotations

from ..inference.decision import CLASSES, Prediction
from ..inference.explain import MIN_LUNG_SHARE, strongest_zone
from ..inference.populations import ADULTS, CHILDREN

LUNGS = {False: "the lung boxes", True: "the lungs"}
"""What the zones of a map are part of, by whether the model predicts a lung field."""

MAPPED = {False: "activation", True: "evidence"}
"""What a map shows, by whether the model predicts a lung field, inside which it adds up its score."""

_GLOSSARY = """\
**Sources.** [Fleischner Society: Glossary of Terms for Thoracic Imaging, 2024](https://doi.org/10.1148/radiol.232558) ·
"""

SOURCES = f"""\
{_GLOSSARY}\
[WHO: Standardization of interpretation of chest radiographs for pneumonia in children, 2001](https://iris.who.int/handle/10665/66956) ·
[Bramson et al.: Interpretation of chest radiographs in infants with cough and fever, *Radiology* 2005](https://doi.org/10.1148/radiol.2361040278)
"""  # noqa: E501

_ADULT_SOURCES = f"""\
{_GLOSSARY}\
[Wong et al.: Frequency and Distribution of Chest Radiographic Findings in Patients Positive for COVID-19, *Radiology* 2020](https://doi.org/10.1148/radiol.2020201160)
"""  # noqa: E501

_PNEUMONIA_SIGNS = """\
#### What to look for
* **Consolidation**: a homogeneous opacity that obscures the vessels and airway walls within it.
* **Air bronchogram**: air-filled bronchi, lucent against the surrounding opacity.
* **Silhouette sign**: loss of a heart border or hemidiaphragm where an opacity abuts it; this localises the lobe.
* **Interstitial pattern**: linear or reticular opacities instead of a homogeneous opacity.
* **Pleural effusion**: a blunted costophrenic angle, or a band of opacity along the chest wall.

#### Patterns
* **Lobar**: confined to one lobe, sharply marginated by a fissure; typical of pneumococcal pneumonia.
* **Bronchopneumonia**: patchy, multifocal, often bilateral.
{viral}

The patterns overlap. A radiograph alone cannot distinguish bacterial from viral pneumonia with certainty, and the
network does not distinguish them."""

_VIRAL = {
    CHILDREN.name: (
        "* **Viral**: perihilar streaky opacities, bronchial wall thickening, hyperinflation, small atelectases; often "
        "bilateral."
    ),
    ADULTS.name: (
        "* **Viral**: hazy or interstitial opacities, often bilateral; in COVID-19 mostly peripheral and in the lower "
        "zones."
    ),
}

_NORMAL_APPEARANCE = """\
#### What a normal film shows
* Both lungs equally lucent, vessels tapering towards the periphery, no opacity that obscures them.
* Sharp heart borders and hemidiaphragms.
* Sharp costophrenic angles.
* Hila of similar size and density, the left slightly higher than the right.

A normal film does not exclude pneumonia: early in the disease or in dehydration, it may be normal. Check again the
areas where opacities are easily missed: behind the heart, below the domes of the diaphragm, at the hila and the
apices."""

_CHILDREN_PITFALLS = """\
#### Pitfalls in children
* **Thymus**: a wide upper mediastinum with a wavy margin or a sail shape is normal in small children.
* **Expiration**: with fewer than about six anterior ribs above the diaphragm, lungs look opaque and the heart enlarged.
* **Rotation**: one lung looks more lucent; compare the medial ends of the clavicles with the spine.
* **Round pneumonia**: a round opacity in a febrile child is more often pneumonia than a mass.
* **Peribronchial thickening**: also occurs in asthma and viral bronchiolitis, without pneumonia.
* **Atelectasis**: mucus plugging with lobar volume loss displaces fissures, hila or diaphragm towards the opacity."""

_ADULT_PITFALLS = """\
#### Pitfalls in adults
* **Heart failure**: perihilar haze, septal lines, effusions and an enlarged heart may look like bilateral pneumonia.
* **Atelectasis**: volume loss, linear basal opacities, fissures displaced towards the opacity.
* **Tumour and tuberculosis**: an opacity may hide a mass; an upper-zone opacity or a cavity raises the question of
  tuberculosis. Repeat the film after treatment.
* **Portable or supine AP film**: the heart looks enlarged, and a layering effusion makes one lung hazy.
* **Emphysema**: consolidation looks patchy, and old scars may look new: compare with earlier films.
* **Overlying shadows**: breasts, nipples, skin folds and dressings."""

_PITFALLS = {CHILDREN.name: _CHILDREN_PITFALLS, ADULTS.name: _ADULT_PITFALLS}

_ZONE_HINTS = {
    "right upper": ("The minor fissure is the lower boundary of the upper lobe: is it elevated?"),
    "right middle": "Compare the hila. The middle lobe abuts the right heart border: is this border lost?",
    "right lower": (
        "Loss of the right heart border suggests middle-lobe disease; loss of the right hemidiaphragm suggests "
        "lower-lobe disease."
    ),
    "left upper": ("Loss of the upper mediastinal border suggests upper-lobe disease."),
    "left middle": "Compare the hila. The lingula abuts the left heart border: is this border lost?",
    "left lower": (
        "Look through the heart: a retrocardiac lower-lobe opacity obscures the left hemidiaphragm and the vessels "
        "behind the heart."
    ),
}
"""Zone with the strongest activation -> structures to compare there (silhouette sign by zone)."""

_THYMUS_HINT = " In small children the thymus also projects here."
"""Added for the upper zones of children."""

_OPERATING_POINT_NOTES = {
    ("screening", CLASSES[0]): (
        "**At screening** the threshold for Pneumonia is low, so that few cases are missed. Normal carries more weight "
        "here than at the other operating points, but does not exclude pneumonia."
    ),
    ("screening", CLASSES[1]): (
        "**At screening** the threshold for Pneumonia is low, so that few cases are missed: many positive answers are "
        "false alarms. Take the answer as a reason to review the film."
    ),
    ("confirm", CLASSES[0]): (
        "**At confirm** the threshold for Pneumonia is high, so that there are few false alarms and more missed cases. "
        "Normal carries the least weight here; to rule out pneumonia, choose screening."
    ),
    ("confirm", CLASSES[1]): (
        "**At confirm** the threshold for Pneumonia is high, so that there are few false alarms. Pneumonia carries "
        "more weight here than at the other operating points, but is not proof."
    ),
}
"""(operating point, label) -> note on the weight of the answer. `balanced` favours neither label and has no note."""

_NEXT_STEPS = {
    "not_a_chest_film": (
        "Use a frontal chest film: the image itself, not a photograph of a screen or a page with several images.",
        "Prefer the DICOM file from the archive to an exported image.",
    ),
    "unlike_training_films": (
        "The models were trained on complete, upright frontal films. Rotate the film to upright; crop borders and "
        "other views away.",
        "If the patient's age was stated, check it: each model reads the films of its age group only.",
        "Lateral films and other body regions are outside the scope of the models: a radiologist must read them.",
        "The film of a severely ill patient, with tubes or complete opacification of a lung, may be refused too: a "
        "refusal is not reassuring.",
    ),
    "age_not_covered": (
        "No model was validated at this age: a radiologist must read the film. The answer of a model for another age "
        "would mislead.",
        "If the stated age, or that in the DICOM file, is wrong, correct it: on the page under Patient's age, "
        "elsewhere as age. The film is then analysed again.",
    ),
    "population_unclear": (
        "State the patient's age: on the page under Patient's age, elsewhere as age. The models for children and for "
        "adults differ, and the film alone does not show which applies.",
        "Prefer the DICOM file from the archive: it usually contains the age.",
    ),
    "inconclusive": (
        "Read the film independently of the model. The probabilities show only which class the model favours.",
        "Examine the patient: fever, respiratory rate, oxygen saturation, and in a child chest indrawing, outweigh "
        "this number.",
        "A second projection, a follow-up film or a second reader helps more than another operating point.",
        "Choose the operating point that fits the clinical question, not the one that gives an answer.",
    ),
    "unreadable_contrast": (
        "The image is blank or almost blank. Export the film again with its window applied.",
        "A DICOM file from the archive contains its own window.",
    ),
}
"""Reason code -> recommended next steps."""


def describe(prediction: Prediction, *, in_lungs: bool = False) -> str:
    """The full text beside a prediction, as Markdown: next steps, location of the activation, and reading guide.

    `in_lungs`: the map is the evidence in the predicted lung field, which was added up to the score.
    """
    steps = next_steps(prediction)
    sections = ["#### What to do next\n" + "\n".join(f"* {step}" for step in steps)] if steps else []
    if _has_map(prediction):
        sections.append(f"**Map.** {describe_location(prediction, in_lungs=in_lungs)}")
    guide = reading_guide(prediction)
    return "\n\n".join([*sections, guide] if guide else sections)


def next_steps(prediction: Prediction) -> tuple[str, ...]:
    """Recommended steps after Unknown; empty for Normal and Pneumonia."""
    return _NEXT_STEPS[prediction.reason.code] if prediction.reason else ()


def describe_location(prediction: Prediction, *, in_lungs: bool = False) -> str:
    """Sentences that name the zone with the strongest activation or evidence, or say why no zone is named."""
    zone = strongest_zone(prediction.zones or {})
    orientation = "The left side of the image is assumed to be the patient's right."
    caveat = "The map shows where the score came from; it is not proof of disease there."
    if in_lungs:
        caveat = "The map shows the parts of the lungs that raised the score; it is not proof of disease there."
    if zone is None:
        return (
            f"Less than {100 * MIN_LUNG_SHARE:.0f} % of the {MAPPED[in_lungs]} lies inside the lungs: no zone is "
            f"named, and this answer is less trustworthy. {orientation}"
        )
    return f"Strongest in the {zone} zone. {orientation} {caveat}"


def reading_guide(prediction: Prediction) -> str:
    """The signs to look for, as Markdown, for this label, operating point and zone; "" if the film was refused."""
    if prediction.reason is not None and prediction.reason.code != "inconclusive":
        return ""
    sections = [_OPERATING_POINT_NOTES.get((prediction.operating_point, prediction.label), "")]
    population = prediction.population or CHILDREN.name
    signs = _PNEUMONIA_SIGNS.format(viral=_VIRAL[population])
    sections += [_NORMAL_APPEARANCE] if prediction.label == CLASSES[0] else [_zone_hint(prediction), signs]
    sources = _ADULT_SOURCES if population == ADULTS.name else SOURCES
    return "\n\n".join(section for section in [*sections, _PITFALLS[population], sources] if section)


def _has_map(prediction: Prediction) -> bool:
    return prediction.label == CLASSES[1] or (
        prediction.reason is not None and prediction.reason.code == "inconclusive"
    )


def _zone_hint(prediction: Prediction) -> str:
    """Heading and structures to compare in the strongest zone; "" if no zone is named."""
    zone = strongest_zone(prediction.zones or {})
    if not zone:
        return ""
    has_thymus = "upper" in zone and prediction.population != ADULTS.name
    return f"#### In the {zone} zone\n* {_ZONE_HINTS[zone]}{_THYMUS_HINT if has_thymus else ''}"
