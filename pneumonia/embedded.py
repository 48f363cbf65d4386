"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "df7633ef934f6e35ec6c44ea5beca27924d2cb801760f832b247cb69d35a67b9"
