"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "82f8db6f123c5f8388179e35522377fdb957cc1d6bd9131a512186be7bbea389"
