"""One network with a lung head whose lung field is dilated by one position: the first of the search.

    python train.py --data DATA --recipe lungs --validate

The convolutions and perturbations are those of `wide`. Random frames, mean and deviation of the central part of the
film, and mixed feature statistics make the score independent of how a film was framed and exposed. 7 minutes on one
core. Validation AUROC .995, but evidence lies at the chest wall and below the diaphragm: the maximum selects positions
that the dilation adds.
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
    lung_dilation=1,
    epochs=18,
    augmentation=replace(WIDE.augmentation, frame=0.3, frame_width=0.15),
)
