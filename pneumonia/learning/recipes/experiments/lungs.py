"""One network with a lung head: only features inside the predicted lung field are scored.

    python train.py --data DATA --recipe lungs --validate

The convolutions and perturbations are those of `wide`. Random frames, mean and deviation of the central part of the
film, and mixed feature statistics make the score independent of how a film was framed and exposed.
"""

from dataclasses import replace

from .wide import RECIPE as WIDE

RECIPE = replace(
    WIDE,
    name="lungs",
    head="lungs",
    dense=96,
    lung_field_weight=1.0,
    style_mixing=0.5,
    central_share=0.6,
    deviation_floor=4.0,
    epochs=14,
    augmentation=replace(WIDE.augmentation, frame=0.3, frame_width=0.15),
)
