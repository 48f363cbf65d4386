"""The recipe of the adults' model: a network with a lung head, trained on films of adults and of children.

    python train.py --data DATA --recipe adults

DATA contains the films of children, their lung masks and the films of adults (`docs/data.md`). The lung field is learnt
from the masks of the children's films, because adult films have none. Both classes of the SIIM films are from the same
hospitals; the healthy films of RSNA's readings show what a film without any finding looks like. SIIM's terms allow
non-commercial research only, and so do those of the model.
"""

from dataclasses import replace

from .experiments.lungs import RECIPE as LUNGS

RECIPE = replace(
    LUNGS,
    name="adults",
    population="adults",
    training_sources=("kermany", "siim", "rsna_normal"),
    balanced_calibration=True,
    max_undecided=0.2,  # The readings of SIIM overlap more than the children's classes do.
)
