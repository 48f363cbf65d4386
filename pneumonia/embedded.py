"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "772ee6496499646bf99fd02762d85f6979d2d0cd1a55a26a2f7e08c3b4ed9211"
