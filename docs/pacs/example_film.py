"""Writes a DICOM film to try a PACS with: `python docs/pacs/example_film.py film.dcm`.

It is a computed radiograph (CR) of a made-up patient. Its pixels are the average of 64 films of children with
pneumonia, so it shows no person. Each call makes a new study. `--normal` takes the average of normal films.
"""

import argparse
from datetime import datetime
from pathlib import Path

import numpy as np
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ComputedRadiographyImageStorage, ExplicitVRLittleEndian, generate_uid

EXAMPLES = Path(__file__).resolve().parents[2] / "pneumonia" / "models" / "children" / "examples"
"""Class averages, in this repository. The package need not be installed."""

SIDE = 1024
"""Pixels of the square film."""


def example_film(kind: str) -> Dataset:
    """The film as a data set; `kind` is `pneumonia` or `normal`."""
    picture = next(path for path in sorted(EXAMPLES.glob("*.png")) if kind in path.name)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    now = datetime.now()
    film = Dataset()
    film.file_meta = FileMetaDataset()
    film.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    film.SOPClassUID, film.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    film.StudyInstanceUID, film.SeriesInstanceUID = generate_uid(), generate_uid()
    film.PatientName, film.PatientID, film.PatientBirthDate = "Example^Film", "EXAMPLE-1", ""
    film.PatientSex, film.PatientAge = "O", "004Y"
    film.StudyDate, film.StudyTime, film.StudyID = now.strftime("%Y%m%d"), now.strftime("%H%M%S"), "1"
    film.AccessionNumber, film.ReferringPhysicianName, film.Manufacturer = "", "", "Example"
    film.Modality, film.BodyPartExamined, film.ViewPosition = "CR", "CHEST", "AP"
    film.SeriesNumber, film.InstanceNumber, film.ImageType = 1, 1, ["ORIGINAL", "PRIMARY"]
    film.PatientOrientation = ["L", "F"]
    film.SamplesPerPixel, film.PhotometricInterpretation, film.PixelRepresentation = 1, "MONOCHROME2", 0
    film.Rows, film.Columns = pixels.shape
    film.BitsAllocated, film.BitsStored, film.HighBit = 8, 8, 7
    film.PixelData = pixels.tobytes()
    return film


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--normal", action="store_true")
    arguments = parser.parse_args()
    film = example_film("normal" if arguments.normal else "pneumonia")
    film.save_as(arguments.file, enforce_file_format=True)
    print(f"StudyInstanceUID {film.StudyInstanceUID}")


if __name__ == "__main__":
    main()
