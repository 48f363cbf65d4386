"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "dcbddf5906e08b165f49f3682ffdfda29c2957fe409852f6d58a02f67a07cf6e"
