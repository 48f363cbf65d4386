"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "20afb1d5a05ec4ee7ec851386b515ef841ea1e48a9a88d00957fb6170348fad3"
