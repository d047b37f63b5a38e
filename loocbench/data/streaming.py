"""The prepared images of a split while they are being decoded: a network works on the first ones meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

from loocbench.data import preparing
from loocbench.data.prepared import PreparedImages
from loocbench.progress import Reporter
from loocbench.types import BILINEAR, Dataset, Interpolation, Split

_PATIENCE = 5.0  # seconds to wait for the decoding thread after an error


class _StoppedError(BaseException):
    """Nobody wants the rest: break off as on Ctrl-C, so that a later run goes on from here."""


class StreamingImages:
    """``with StreamingImages(...) as images: images.first(n)`` waits until n images are decoded, and returns them.

    Where the images were prepared before, nothing is decoded and nothing waits. Decoding stops at the end of the block,
    which raises what it raised; the next run goes on where it stopped.
    """

    def __init__(
        self,
        dataset: Dataset,
        split: Split,
        short_side: int,
        *,
        cache: Path,
        reporter: Reporter,
        interpolation: Interpolation = BILINEAR,
    ) -> None:
        self._split = split
        self._dataset, self._short_side, self._cache, self._reporter = dataset, short_side, cache, reporter
        self._is_prepared = preparing.prepared_path(dataset, split, short_side, cache, interpolation).is_file()
        self._interpolation = interpolation
        self._changed = threading.Condition()
        self._count = 0
        self._images: PreparedImages | None = None
        self._error: BaseException | None = None
        self._stopping = False
        self._thread: threading.Thread | None = None

    def __enter__(self) -> StreamingImages:
        if self._is_prepared or os.name == "nt":  # Windows cannot rename a file that is mapped
            self._images, self._count = self._prepare(), len(self._split)
        else:
            self._thread = threading.Thread(target=self._work, name=f"decode {self._split.name}", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self._thread:
            # After an error or Ctrl-C not for long: it may be waiting for another process that decodes the same.
            self._thread.join(None if kind is None else _PATIENCE)
        if kind is None and self._error is not None and not isinstance(self._error, _StoppedError):
            raise self._error  # after the last image was decoded: files that changed, a full disk

    def __len__(self) -> int:
        return len(self._split)

    def first(self, count: int) -> PreparedImages:
        """Waits until the first ``count`` images are decoded. Returns the images, of which those can be read now.

        Raises what decoding raised.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or self._count >= count)
            if self._error is not None:
                raise self._error
            assert self._images is not None  # set with the first count
            return self._images

    def _prepare(self) -> PreparedImages:
        return preparing.prepare(
            self._dataset,
            self._split,
            self._short_side,
            cache=self._cache,
            reporter=self._reporter,
            on_decoded=self._on_decoded,
            interpolation=self._interpolation,
        )

    def _work(self) -> None:
        try:
            images = self._prepare()
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()
            return
        with self._changed:
            self._images, self._count = images, len(self._split)
            self._changed.notify_all()

    def _on_decoded(self, path: Path, count: int) -> None:
        if self._stopping:
            raise _StoppedError
        with self._changed:
            if self._images is None:
                self._images = PreparedImages(path)
            self._count = count
            self._changed.notify_all()
