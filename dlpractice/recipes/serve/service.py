"""From bytes that a client has sent to answers: decoded in threads, computed in batches."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dlpractice.data.codecs.library_notes import noting
from dlpractice.data.files.decoding import ImageError
from dlpractice.data.files.pixel_cache import usable_cores
from dlpractice.recipes.serve.micro_batches import MOST_ROWS, MicroBatches
from dlpractice.recipes.serve.monitoring import Meters
from dlpractice.recipes.serve.request_errors import RequestError, status_of
from dlpractice.recipes.serve.served_model import Floats, ServedModel
from dlpractice.recipes.serve.uploads import Bounds, Desk, Upload


@dataclass(frozen=True)
class SentImage:
    """An image of a request. pixels: (S, S, C) uint8, or None and why. note: what is odd about its file."""

    name: str
    pixels: NDArray[np.uint8] | None
    error: ImageError | None = None
    note: str = ""


class Service:
    """A model at work, and what its work is bounded by."""

    def __init__(self, model: ServedModel, bounds: Bounds | None = None) -> None:
        self.model = model
        self.desk = Desk(bounds or Bounds())
        self.meters = Meters()
        self.batches = MicroBatches(model.compute, self.desk.bounds.waiting, self.meters.watch_batch)
        self.meters.waiting.set_function(lambda: self.batches.waiting)
        self._readers = ThreadPoolExecutor(usable_cores(), "decode")

    def warm_up(self) -> None:
        """Computes once with each size of batch, for which a net is compiled."""
        for size in (1 << power for power in range(MOST_ROWS.bit_length())):
            self.model.compute(np.zeros((size, *self.model.row_shape), np.float32))

    def start(self) -> None:
        """Begins to work; of all calls, this is the first."""
        self.batches.start()

    async def stop(self) -> None:
        """Ends once all that has been handed over is done."""
        await self.in_thread(self.batches.stop)
        self._readers.shutdown()

    async def in_thread(self, work: Any, *arguments: Any) -> Any:
        """What `work` gives, which takes too long for the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work, *arguments)

    async def decode(self, uploads: Sequence[Upload]) -> list[SentImage]:
        """Each image, in order, decoded as in training.

        Raises:
            RequestError: there is none.
        """
        if not uploads:
            raise RequestError(
                400, "the request holds no image", "send one as its body, or several in a form"
            )
        images = await asyncio.gather(*(self.in_thread(self._decode, upload) for upload in uploads))
        for image in images:
            self.meters.images.labels("refused" if image.error else "decoded").inc()
        return list(images)

    async def compute(self, images: Sequence[SentImage]) -> list[Floats | None]:
        """Each image's row of what the net gives; None for one that cannot be read."""
        pixels = [image.pixels for image in images if image.pixels is not None]
        rows = iter(await self.batches.compute(np.stack(pixels)) if pixels else ())
        return [None if image.pixels is None else next(rows) for image in images]

    async def compute_one(self, uploads: Sequence[Upload]) -> tuple[SentImage, Floats]:
        """The one image of a request that may hold no other, and its row.

        Raises:
            RequestError: there is none, or there are several.
            ImageError: it cannot be read.
        """
        if len(uploads) > 1:
            raise RequestError(400, f"one image is wanted; got {len(uploads)}", "send them one by one")
        image = (await self.decode(uploads))[0]
        if image.error:
            raise image.error
        row = (await self.compute([image]))[0]
        assert row is not None
        return image, row

    def _decode(self, upload: Upload) -> SentImage:
        try:
            with noting() as notes:
                pixels = self.model.decode(upload.content, upload.name)
            return SentImage(upload.name, pixels, note="; ".join(notes))
        except ImageError as error:
            return SentImage(upload.name, None, error)


def describe_images(
    model: ServedModel,
    images: Sequence[SentImage],
    rows: Sequence[Floats | None],
    top: int,
    least: float | None,
) -> list[dict[str, Any]]:
    """A row for each image, as those of `dlp predict --json`.

    least: see `ServedModel.describe`.

    Raises:
        RequestError: none of the images can be read.
    """
    answers: list[dict[str, Any]] = []
    for image, row in zip(images, rows, strict=True):
        said = {"error": image.error.reason} if image.error else {}
        said |= {} if row is None else model.describe(row, top, least)
        answers.append({"path": image.name, **said, **({"note": image.note} if image.note else {})})
    if errors := [image.error for image in images if image.error]:
        if len(errors) == len(images) == 1:
            raise errors[0]
        if len(errors) == len(images):
            reason = f"none of the {len(images)} images can be read"
            raise RequestError(status_of(errors[0]), reason, "see their errors", predictions=answers)
    return answers
