"""Radiological texts about films: signs, patterns, pitfalls at the patient's age, hints by zone, and next steps.

The network outputs a score and an activation map; it does not detect signs. The texts therefore never state that a sign
is present; they list the signs to look for. Definitions follow the glossary of the Fleischner Society; the pitfalls
follow textbooks of radiology.
"""

from __future__ import annotations

from ..inference.decision import CLASSES
from ..inference.populations import ADULTS, CHILDREN
from ..messages import Message, join, message
from . import zone_wording

_SOURCES_BY_POPULATION = {
    CHILDREN.name: (
        "[WHO: Standardization of interpretation of chest radiographs for pneumonia in children, 2001]"
        "(https://iris.who.int/handle/10665/66956)",
        "[Bramson et al.: Interpretation of chest radiographs in infants with cough and fever, *Radiology* 2005]"
        "(https://doi.org/10.1148/radiol.2361040278)",
    ),
    ADULTS.name: (
        "[Wong et al.: Frequency and Distribution of Chest Radiographic Findings in Patients Positive for COVID-19, "
        "*Radiology* 2020](https://doi.org/10.1148/radiol.2020201160)",
    ),
}
_GLOSSARY = "[Fleischner Society: Glossary of Terms for Thoracic Imaging, 2024](https://doi.org/10.1148/radiol.232558)"


def section(heading: Message, *points: Message) -> Message:
    """Markdown of a heading and a list."""
    return join([join(["### ", heading], ""), *(join(["* ", point], "") for point in points)], "\n")


def sources(population: str) -> Message:
    """Markdown of the sources, whose titles are not translated."""
    titles = join([_GLOSSARY, *_SOURCES_BY_POPULATION[population]], " · ")
    return message("**Sources**: {titles}", titles=titles)


SIGNS = section(
    message("What to look for"),
    message("**Consolidation**: a homogeneous opacity that obscures the vessels and airway walls within it."),
    message("**Air bronchogram**: air-filled bronchi, lucent against the surrounding opacity."),
    message(
        "**Silhouette sign**: loss of a heart border or hemidiaphragm where an opacity abuts it; this localises the "
        "lobe."
    ),
    message("**Interstitial pattern**: linear or reticular opacities instead of a homogeneous opacity."),
    message("**Pleural effusion**: a blunted costophrenic angle, or a band of opacity along the chest wall."),
)

PATTERNS = {
    population: section(
        message("Patterns"),
        message("**Lobar**: confined to one lobe, sharply marginated by a fissure; typical of pneumococcal pneumonia."),
        message("**Bronchopneumonia**: patchy, multifocal, often bilateral."),
        viral,
    )
    for population, viral in (
        (
            CHILDREN.name,
            message(
                "**Viral**: perihilar streaky opacities, bronchial wall thickening, hyperinflation, small atelectases; "
                "often bilateral."
            ),
        ),
        (
            ADULTS.name,
            message(
                "**Viral**: hazy or interstitial opacities, often bilateral; in COVID-19 mostly peripheral and in the "
                "lower zones."
            ),
        ),
    )
}

LIMITS_OF_PATTERNS = join(
    (
        message("The patterns overlap."),
        message(
            "A radiograph alone cannot distinguish bacterial from viral pneumonia with certainty, and the network "
            "does not distinguish them."
        ),
    )
)

NORMAL_APPEARANCE = section(
    message("What a normal film shows"),
    message("Both lungs equally lucent, vessels tapering towards the periphery, no opacity that obscures them."),
    message("Sharp heart borders and hemidiaphragms."),
    message("Sharp costophrenic angles."),
    message("Hila of similar size and density, the left slightly higher than the right."),
)

LIMITS_OF_NORMAL = join(
    (
        message("A normal film does not exclude pneumonia: early in the disease or in dehydration, it may be normal."),
        message(
            "Check again the areas where opacities are easily missed: behind the heart, below the domes of the "
            "diaphragm, at the hila and the apices."
        ),
    )
)

PITFALLS = {
    CHILDREN.name: section(
        message("Pitfalls in children"),
        message("**Thymus**: a wide upper mediastinum with a wavy margin or a sail shape is normal in small children."),
        message(
            "**Expiration**: with fewer than about six anterior ribs above the diaphragm, lungs look opaque and the "
            "heart enlarged."
        ),
        message("**Rotation**: one lung looks more lucent; compare the medial ends of the clavicles with the spine."),
        message("**Round pneumonia**: a round opacity in a febrile child is more often pneumonia than a mass."),
        message("**Peribronchial thickening**: also occurs in asthma and viral bronchiolitis, without pneumonia."),
        message(
            "**Atelectasis**: mucus plugging with lobar volume loss displaces fissures, hila or diaphragm towards the "
            "opacity."
        ),
    ),
    ADULTS.name: section(
        message("Pitfalls in adults"),
        message(
            "**Heart failure**: perihilar haze, septal lines, effusions and an enlarged heart may look like bilateral "
            "pneumonia."
        ),
        message("**Atelectasis**: volume loss, linear basal opacities, fissures displaced towards the opacity."),
        message(
            "**Tumour and tuberculosis**: an opacity may hide a mass; an upper-zone opacity or a cavity raises the "
            "question of tuberculosis. Repeat the film after treatment."
        ),
        message(
            "**Portable or supine AP film**: the heart looks enlarged, and a layering effusion makes one lung hazy."
        ),
        message("**Emphysema**: consolidation looks patchy, and old scars may look new: compare with earlier films."),
        message("**Overlying shadows**: breasts, nipples, skin folds and dressings."),
    ),
}

ZONE_HEADINGS = {
    "right upper": message("In the right upper zone"),
    "right middle": message("In the right middle zone"),
    "right lower": message("In the right lower zone"),
    "left upper": message("In the left upper zone"),
    "left middle": message("In the left middle zone"),
    "left lower": message("In the left lower zone"),
}
_STRONGEST_IN_IMAGE = {
    "left": message("Strongest on the left side of the image: {zone}."),
    "right": message("Strongest on the right side of the image: {zone}."),
}
STRONGEST_ZONE = {
    "right upper": message("Strongest in the right upper zone."),
    "right middle": message("Strongest in the right middle zone."),
    "right lower": message("Strongest in the right lower zone."),
    "left upper": message("Strongest in the left upper zone."),
    "left middle": message("Strongest in the left middle zone."),
    "left lower": message("Strongest in the left lower zone."),
} | {
    f"image {side} {height}": message(sentence, zone=name)
    for side, sentence in _STRONGEST_IN_IMAGE.items()
    for height, name in zone_wording.HEIGHTS.items()
}
ZONE_HINTS = {
    "right upper": message("The minor fissure is the lower boundary of the upper lobe: is it elevated?"),
    "right middle": message("Compare the hila. The middle lobe abuts the right heart border: is this border lost?"),
    "right lower": message(
        "Loss of the right heart border suggests middle-lobe disease; loss of the right hemidiaphragm suggests "
        "lower-lobe disease."
    ),
    "left upper": message("Loss of the upper mediastinal border suggests upper-lobe disease."),
    "left middle": message("Compare the hila. The lingula abuts the left heart border: is this border lost?"),
    "left lower": message(
        "Look through the heart: a retrocardiac lower-lobe opacity obscures the left hemidiaphragm and the vessels "
        "behind the heart."
    ),
}
"""Zone with the strongest activation -> structures to compare there (silhouette sign by zone)."""

THYMUS_HINT = message("In small children the thymus also projects here.")
"""Added for the upper zones of children."""

OPERATING_POINT_NOTES = {
    ("screening", CLASSES[0]): message(
        "**At screening** the threshold for Pneumonia is low, so that few cases are missed. Normal carries more "
        "weight here than at the other operating points, but does not exclude pneumonia."
    ),
    ("screening", CLASSES[1]): message(
        "**At screening** the threshold for Pneumonia is low, so that few cases are missed: many positive answers "
        "are false alarms. Take the answer as a reason to review the film."
    ),
    ("confirm", CLASSES[0]): message(
        "**At confirm** the threshold for Pneumonia is high, so that there are few false alarms and more missed "
        "cases. Normal carries the least weight here; to rule out pneumonia, choose screening."
    ),
    ("confirm", CLASSES[1]): message(
        "**At confirm** the threshold for Pneumonia is high, so that there are few false alarms. Pneumonia carries "
        "more weight here than at the other operating points, but is not proof."
    ),
}
"""(operating point, label) -> note on the weight of the answer. `balanced` favours neither label and has no note."""

NEXT_STEPS = {
    "not_a_chest_film": (
        message(
            "Use a frontal chest film: the image itself, not a photograph of a screen or a page with several images."
        ),
        message("Prefer the DICOM file from the archive to an exported image."),
    ),
    "unlike_training_films": (
        message(
            "The models were trained on complete, upright frontal films. Rotate the film to upright; crop borders "
            "and other views away."
        ),
        message("If the patient's age was stated, check it: each model reads the films of its age group only."),
        message(
            "Lateral films and other body regions are outside the scope of the models: a radiologist must read them."
        ),
        message(
            "The film of a severely ill patient, with tubes or complete opacification of a lung, may be refused too: "
            "a refusal is not reassuring."
        ),
    ),
    "age_not_covered": (
        message(
            "No model was validated at this age: a radiologist must read the film. The answer of a model for another "
            "age would mislead."
        ),
        message(
            "If the stated age, or that in the DICOM file, is wrong, correct it: on the page under Patient's age, "
            "elsewhere as age. The film is then analysed again."
        ),
    ),
    "population_unclear": (
        message(
            "State the patient's age: on the page under Patient's age, elsewhere as age. The models for children and "
            "for adults differ, and the film alone does not show which applies."
        ),
        message("Prefer the DICOM file from the archive: it usually contains the age."),
    ),
    "inconclusive": (
        message("Read the film independently of the model. The probabilities show only which class the model favours."),
        message(
            "Examine the patient: fever, respiratory rate, oxygen saturation, and in a child chest indrawing, "
            "outweigh this number."
        ),
        message("A second projection, a follow-up film or a second reader helps more than another operating point."),
        message("Choose the operating point that fits the clinical question, not the one that gives an answer."),
    ),
    "unreadable_contrast": (
        message("The image is blank or almost blank. Export the film again with its window applied."),
        message("A DICOM file from the archive contains its own window."),
    ),
}
"""Reason code -> recommended next steps."""
