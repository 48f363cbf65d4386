"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "d1537bbb7b50611410bdb6adbaf5f3c3faf1269ac00fe85d4aabd196439106e6"
