"""Peak memory of extraction from files, at N images and at ten times as many, each in a process of its own.

Decoding, network and writing all hold a bounded number of images, so the peak must not grow with the data; what is
shown beside it is how much larger the decoded images are. Linux: the peak is VmHWM of /proc/self/status.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 128


def extract(folder: Path, count: int) -> None:
    """In a process of its own: features of the first ``count`` files; prints the peak and the store's size."""
    from loocbench.checkpoints import untrained
    from loocbench.data import folders
    from loocbench.features import extraction
    from loocbench.features.encoder import Encoder
    from loocbench.progress import Silent
    from loocbench.types import Split

    items = tuple(sorted(path.name for path in folder.glob("*.jpg"))[:count])
    split = Split("made", "test", items, {}, {})
    encoder = Encoder.from_checkpoint(untrained.build_checkpoint("resnet8", 0, SIZE))
    dataset = folders.open_image_files("made", folder, {"test": split})
    with tempfile.TemporaryDirectory() as cache:
        extraction.extract(encoder, dataset, split, cache=Path(cache), reporter=Silent())
        store = sum(path.stat().st_size for path in Path(cache).glob("images/*.safetensors"))
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    print(json.dumps({"peak": peak, "store": store}))


def measure(images: int, width: int = 200) -> list[dict[str, int]]:
    """The peak and the store's size in bytes, at ``images`` and at ten times as many. width: of the files, in px."""
    from PIL import Image

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        Image.effect_noise((width, 150), 60).convert("RGB").save(folder / "000000.jpg", quality=90)
        data = (folder / "000000.jpg").read_bytes()
        for number in range(1, 10 * images):
            (folder / f"{number:06d}.jpg").write_bytes(data)
        found = []
        for count in (images, 10 * images):
            command = [sys.executable, __file__, "--folder", str(folder), "--images", str(count)]
            found.append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        extract(options.folder, options.images)
        return
    few, many = measure(options.images)
    for count, one in ((options.images, few), (10 * options.images, many)):
        print(f"{count:7,} images: peak {one['peak'] / 1e6:6.0f} MB, decoded images {one['store'] / 1e6:6.0f} MB")
    print(f"ten times the images: {(many['peak'] - few['peak']) / 1e6:.0f} MB more")


if __name__ == "__main__":
    main()
