"""ObjectNet (Barbu et al. 2019), the thirteen classes that ImageNet-100 has too: a test set."""

from __future__ import annotations

from pathlib import Path

from loocbench.data import folders
from loocbench.data.entry import DatasetSource, Entry
from loocbench.data.official import Official, Part
from loocbench.data.readers.imagenet100 import make_imagenet_split, read_imagenet100_classes
from loocbench.errors import UserError
from loocbench.types import Dataset

# ObjectNet's folders whose ImageNet classes (its own mapping) meet the 100: exactly thirteen.
CLASS_FOLDERS = {
    "bench": "n03891251",
    "bottle_cap": "n02877765",
    "chair": "n04099969",
    "helmet": "n03379051",
    "iron_for_clothes": "n03584829",
    "jeans": "n03594734",
    "keyboard": "n03085013",
    "lampshade": "n03637318",
    "laptop_open": "n03642806",
    "mixing_salad_bowl": "n03775546",
    "safety_pin": "n04127249",
    "vacuum_cleaner": "n04517823",
    "wheel": "n02974003",
}
_BORDER = 2  # pixels; ObjectNet frames every image in red, and its paper cuts two pixels off each side


def read_objectnet(root: Path) -> Dataset:
    """Read ``images/<class>/`` as a test split, the red frame of each image cut off. Raises UserError."""
    names = read_imagenet100_classes()
    found = [
        (f"{folder}/{item}", wnid)
        for folder, wnid in CLASS_FOLDERS.items()
        for item in folders.list_images(root / "images" / folder)
    ]
    if not found:
        raise UserError(
            f"{root / 'images'} has none of ObjectNet's folders (bench/, chair/ …); unpack the archive there."
        )
    test = make_imagenet_split("objectnet13", [item for item, _ in found], [wnid for _, wnid in found], names, "test")
    return folders.open_image_files("objectnet13", root / "images", {"test": test}, border=_BORDER)


ENTRY = Entry(
    name="objectnet13",
    short="ObjectNet-13",
    title="ObjectNet's classes that ImageNet-100 has too",
    test_only=True,
    folders=("objectnet-1.0", "objectnet"),
    read=read_objectnet,
    official=Official((Part("test", ("test",), 0),), classes=13),
    source=DatasetSource(
        "https://objectnet.dev/download.html",
        licence="CC BY 4.0",
        terms="for tests only: no parameter may be tuned on it, and the red frame must stay on published images",
        by_hand="unpack ObjectNet's archive (its page gives the password) so that objectnet-1.0/images/bench/ is there",
    ),
)
