"""Recordings as pictures: WAV files become square log-mel spectrograms, dark where it is loud.

S. S. Stevens, J. Volkmann and E. B. Newman, "A scale for the measurement of the psychological magnitude
pitch", 1937, in the form 2595 log10(1 + f / 700).
"""

import hashlib
import io
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dlpractice.data.files.decoding import Decoded, ImageError, read
from dlpractice.data.files.image_facts import FACTS, facts_of
from dlpractice.data.files.index_items import Index, Item
from dlpractice.data.files.pixel_cache import Scan, in_order
from dlpractice.data.storage.row_store import RowView
from dlpractice.progress import Progress

# What a picture shows: one second, 50 to 8,000 Hz, and 60 dB down from its loudest point.
WINDOW_SECONDS = 1.0
LOWEST_HZ, HIGHEST_HZ = 50.0, 8000.0
RANGE_DB = 60.0

_FRAME_SECONDS = 0.025
_HOP_SECONDS = 0.01
# Samples a second; a damaged header may state billions.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000
# Frequencies this far apart at most, so that the narrow mel bands at the lower end hold some.
_BIN_HZ = 4.0
# A 16-bit recording that is louder than its last bit has more than this.
_SILENCE = 1e-10


class RecordingError(ImageError):
    """A recording that cannot be made a picture."""


def load_spectrogram(source: Path | bytes, name: str = "", *, image_size: int) -> NDArray[np.uint8]:
    """The loudest second of a recording as a picture, (image_size, image_size) uint8.

    Time runs to the right over WINDOW_SECONDS around the middle of the sound, and the pitch rises upwards on
    the mel scale from LOWEST_HZ to HIGHEST_HZ. 0 is as loud as the loudest point of the picture, 255 is
    RANGE_DB below it or less: how loud the recording is as a whole does not matter. Where it is shorter, or
    its sampling rate has no such high frequencies, there is silence.

    Args:
        source: a WAV file, or the bytes of one that `name` names in errors: integers of 8 to 32 bits or
            floating-point numbers; of several channels the mean is taken.

    Raises:
        RecordingError: empty, cut short, silent, or nothing that can be read as WAV.
    """
    name = name or (str(source) if isinstance(source, Path) else "recording")
    rate, samples = _decode(source, name)
    middle = _find_middle(samples, rate)
    power = _measure_bands(samples, rate, middle, image_size)
    loudest = power.max()
    if not loudest > _SILENCE:
        raise RecordingError(name, "unreadable", "the recording is silent")
    decibels = 10 * np.log10(np.maximum(power / loudest, 1e-30))
    darkness = np.clip(1 + decibels / RANGE_DB, 0, 1)
    picture: NDArray[np.uint8] = np.rint(255 * (1 - darkness)).astype(np.uint8)
    return picture.T[::-1]


def scan_recordings(
    index: Index, image_size: int, progress: Progress
) -> tuple[Scan, dict[str, NDArray[np.uint8]]]:
    """Recordings as `pixel_cache.scan` has images, a spectrogram standing for the picture.

    Returns:
        the scan, and for each hash the spectrogram, (image_size, image_size) uint8.
    """

    def load(item: Item) -> tuple[str, NDArray[np.uint8]] | ImageError:
        name = str(index.file(item))
        try:
            content = read(index.file(item))
            return hashlib.sha256(content).hexdigest(), load_spectrogram(content, name, image_size=image_size)
        except ImageError as error:
            return error

    hashes: dict[str, str] = {}
    bad: dict[str, ImageError] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    facts = []
    progress.stage("reading", len(index.items), "recordings")
    for item, result in zip(index.items, in_order(load, index.items), strict=True):
        progress.advance()
        if isinstance(result, ImageError):
            bad[item.path] = result
            continue
        hashes[item.path], picture = result
        pictures[result[0]] = picture
        facts.append(facts_of(Decoded(Image.fromarray(picture), image_size, image_size, "WAV", frames=1)))
    return Scan(hashes, bad, RowView(np.array(facts, FACTS), np.arange(len(facts)), "")), pictures


def _decode(source: Path | bytes, name: str) -> tuple[int, NDArray[np.float64]]:
    """The sampling rate in Hz, and the mean over the channels, (n,) in -1..1."""
    from scipy.io import wavfile

    try:
        content = source if isinstance(source, bytes) else read(source)
    except ImageError as error:
        raise RecordingError(name, error.problem, error.reason) from error
    if not content:
        raise RecordingError(name, "empty", "the file is empty (0 bytes)")
    bare = _keep_sound(content, name)
    try:
        rate, samples = wavfile.read(io.BytesIO(bare))
    # Broken files make the reader raise nearly anything (ValueError, struct.error, TypeError, ...).
    except Exception as error:
        reason = f"cannot be read as WAV: {str(error) or type(error).__name__}"
        raise RecordingError(name, "unreadable", reason) from error
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        reason = f"{rate:,} samples a second are not within {_LOWEST_RATE:,} to {_HIGHEST_RATE:,}"
        raise RecordingError(name, "unreadable", reason)
    return rate, _mean_of_channels(samples, name)


def _keep_sound(content: bytes, name: str) -> bytes:
    """The file without chunks of titles and the like, which scipy would warn of, and whole: where a file is
    cut short, scipy only warns.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WAVE":
        raise RecordingError(name, "unreadable", "cannot be read as WAV: its content is none")
    chunks: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(content):
        kind = content[position : position + 4]
        start, size = position + 8, int.from_bytes(content[position + 4 : position + 8], "little")
        if kind in (b"fmt ", b"data"):
            if start + size > len(content):
                raise RecordingError(name, "truncated", "the file is cut short")
            chunks.setdefault(kind, content[position : start + size])
        # A chunk of odd size is followed by one byte that belongs to none.
        position = start + size + size % 2
    if len(chunks) < 2:
        raise RecordingError(name, "truncated", "the file is cut short, or has no sound in it")
    sound = b"WAVE" + chunks[b"fmt "] + chunks[b"data"]
    return b"RIFF" + len(sound).to_bytes(4, "little") + sound


def _mean_of_channels(samples: NDArray[np.generic], name: str) -> NDArray[np.float64]:
    if samples.size == 0:
        raise RecordingError(name, "empty", "the recording has no samples")
    scaled = samples.astype(np.float64)
    if samples.dtype == np.uint8:
        scaled = (scaled - 128) / 128
    elif samples.dtype.kind == "i":
        # 24-bit samples come in the upper bits of 32.
        scaled = scaled / 2.0 ** (8 * samples.dtype.itemsize - 1)
    if not np.isfinite(scaled).all():
        raise RecordingError(name, "unreadable", "some samples are no finite numbers")
    mean: NDArray[np.float64] = scaled.reshape(len(scaled), -1).mean(axis=1)
    return mean


def _find_middle(samples: NDArray[np.float64], rate: int) -> float:
    """The middle of the loudest part, in seconds: the centre of energy of the window with most of it."""
    # Without its mean, as a constant offset would count as loud.
    squares = (samples - samples.mean()) ** 2
    hop = max(1, round(_HOP_SECONDS * rate))
    energy = np.add.reduceat(squares, np.arange(0, len(squares), hop))
    width = round(WINDOW_SECONDS / _HOP_SECONDS)
    total = np.concatenate([[0.0], np.cumsum(energy)])
    starts = np.arange(max(1, len(energy) - width + 1))
    ends = np.minimum(starts + width, len(energy))
    best = int(np.argmax(total[ends] - total[starts]))
    inside = energy[best : best + width]
    if not inside.sum() > 0:
        return len(samples) / rate / 2
    places = best + np.arange(len(inside)) + 0.5
    return float((places * inside).sum() / inside.sum() * hop / rate)


def _measure_bands(
    samples: NDArray[np.float64], rate: int, middle: float, image_size: int
) -> NDArray[np.float64]:
    """Power in (image_size times, image_size mel bands), of Hann windows of 25 ms around each time."""
    length = round(_FRAME_SECONDS * rate)
    times = middle + ((np.arange(image_size) + 0.5) / image_size - 0.5) * WINDOW_SECONDS
    places = np.rint(times * rate).astype(np.int64)[:, None] + np.arange(length) - length // 2
    inside = (places >= 0) & (places < len(samples))
    frames = np.where(inside, (samples - samples.mean())[np.where(inside, places, 0)], 0)
    size = 1 << int(np.ceil(np.log2(max(length, rate / _BIN_HZ))))
    spectrum = np.fft.rfft(frames * np.hanning(length), size, axis=1)
    power: NDArray[np.float64] = np.abs(spectrum) ** 2 @ _mel_filters(image_size, size, rate).T
    return power / length


@lru_cache(maxsize=8)
def _mel_filters(bands: int, size: int, rate: int) -> NDArray[np.float64]:
    """(bands, size // 2 + 1): triangles whose feet are the middles of their neighbours, equal in mel."""
    lowest, highest = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    corners = 700 * (10 ** (np.linspace(lowest, highest, bands + 2) / 2595) - 1)
    bins = np.arange(size // 2 + 1) * (rate / size)
    left, middle, right = (corners[start : start + bands, None] for start in range(3))
    rising = (bins - left) / np.maximum(middle - left, _BIN_HZ)
    falling = (right - bins) / np.maximum(right - middle, _BIN_HZ)
    return np.maximum(0, np.minimum(rising, falling))
