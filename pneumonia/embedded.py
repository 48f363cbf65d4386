"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "bf946ef4719dfa88c0075f4d65c893042565d0a497b2ade7c4b12a3740d1dfbd"
