"""The recipe of the adults' model: one network with a lung head at 75 x 75 pixels, trained on films of adults.

    python train.py --data DATA --recipe adults

No lung was drawn on the films of adults. The lung field is learnt from the fields that the embedded children's model
predicts on them. The finer map has positions of 8 pixels instead of 12, so its field is dilated by one position: the
readings are often of opacities at the edge of a lung. Both classes of the SIIM films are from the same hospitals; the
healthy films of RSNA's readings show what a film without any finding looks like. Within SIIM both classes have the same
weight, so that the hospital does not tell the class. SIIM's terms allow non-commercial research only, and so do those
of the model.

40 minutes on one core.
"""

from dataclasses import replace

from .default import RECIPE as DEFAULT

RECIPE = replace(
    DEFAULT,
    name="adults",
    population="adults",
    training_sources=("siim", "rsna_normal"),
    members=1,
    pooling=2,
    lung_dilation=1,
    epochs=28,
    max_undecided=0.2,  # The readings of SIIM overlap more than the children's classes do.
    augmentation=replace(DEFAULT.augmentation, foreign_surroundings=0.1, erased_lungs=0.04),
)
