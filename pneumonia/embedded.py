"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.embed`."""

CONFIG_SHA256 = ""
