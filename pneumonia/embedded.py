"""The anchor of trust for the embedded bundle; written by `python -m pneumonia.evaluation.release`."""

CONFIG_SHA256 = "be2528b99c5298a08e0bf25e8d185ff417d6c42ab2219b3741ed174a8ac49b3b"
