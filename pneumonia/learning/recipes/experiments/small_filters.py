"""`small` with 50 % more filters in the first two convolutions and 25 % more in the third.

    python train.py --data chest_xray --recipe small_filters --split order5 --fold 4 --validate

3 minutes on one core. AUROC .993 on block 0, .987 on block 4.
"""

from dataclasses import replace

from ...recipe import Convolution
from .small import RECIPE as SMALL

RECIPE = replace(
    SMALL, name="small_filters", convolutions=(Convolution(48, 5), Convolution(96, 3), Convolution(160, 3))
)
