"""One network of `default`, 18 epochs: the lung field is not dilated, and the surroundings of the lungs are varied.

    python train.py --data DATA --recipe lungs_children --validate
    python train.py --data DATA --recipe lungs_children --split order5 --fold 4 --validate

8 minutes on one core. Validation AUROC .995, worst pair of perturbations .983, border of the other class .993; block 4
.986.
"""

from dataclasses import replace

from ..default import RECIPE as DEFAULT

RECIPE = replace(DEFAULT, name="lungs_children", members=1, epochs=18)
