import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import wavfile

from dlpractice.data.files.folder_index import index_folder
from dlpractice.data.files.index_items import RECORDINGS
from dlpractice.data.oneshot.recordings import RecordingError, load_spectrogram, scan_recordings
from dlpractice.progress import Silent

RATE = 16000
SIDE = 64


def tone(
    hertz: float, *, rate: int = RATE, seconds: float = 0.4, before: float = 0.5, after: float = 0.5
) -> NDArray[np.float64]:
    """A tone with soft edges between silences, half as loud as can be."""
    times = np.arange(round(seconds * rate)) / rate
    sound = 0.5 * np.sin(2 * np.pi * hertz * times) * np.hanning(len(times))
    return np.concatenate([np.zeros(round(before * rate)), sound, np.zeros(round(after * rate))])


def wav(samples: NDArray[np.generic], rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    wavfile.write(buffer, rate, samples)
    return buffer.getvalue()


def wav_24_bit(samples: NDArray[np.float64], rate: int = RATE) -> bytes:
    """24-bit samples by hand, as scipy does not write them."""
    content = bytearray(wav(np.zeros(0, np.int16), rate))
    whole = np.rint(samples * (2**23 - 1)).astype("<i4")
    data = whole.view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    content[32:36] = (3).to_bytes(2, "little") + (24).to_bytes(2, "little")
    content[28:32] = (3 * rate).to_bytes(4, "little")
    content[40:44] = len(data).to_bytes(4, "little")
    content[4:8] = (36 + len(data)).to_bytes(4, "little")
    return bytes(content) + data


def picture(samples: NDArray[np.generic], rate: int = RATE) -> NDArray[np.int64]:
    return load_spectrogram(wav(samples, rate), image_size=SIDE).astype(np.int64)


def row_of(hertz: float) -> float:
    """Where the mel scale puts a frequency, in rows from the top."""
    low, here, high = (2595 * np.log10(1 + f / 700) for f in (50.0, hertz, 8000.0))
    return SIDE - 1 - ((here - low) / (high - low) * (SIDE + 1) - 1)


@pytest.mark.parametrize("hertz", [120, 440, 1000, 3000, 7000])
@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_tone_is_dark_at_its_pitch_and_in_the_middle(hertz: float, rate: int) -> None:
    drawn = picture((tone(hertz, rate=rate) * 32767).astype(np.int16), rate)
    row, column = np.unravel_index(np.argmin(drawn), drawn.shape)
    assert drawn.min() == 0 and drawn.max() == 255
    assert abs(row - row_of(hertz)) <= 1
    assert abs(column - (SIDE - 1) / 2) <= 2
    assert (drawn[:, :10] > 250).all() and (drawn[:, -10:] > 250).all()


def test_what_the_samples_are_written_in_changes_nothing() -> None:
    sound = tone(440) + tone(1500)
    expected = picture(sound)
    kinds = [
        wav(sound.astype(np.float32)),
        wav((sound * 32767).astype(np.int16)),
        wav((sound * (2**31 - 1)).astype(np.int32)),
        wav_24_bit(sound),
        wav(np.stack([sound, sound], axis=1)),
        wav(np.stack([2 * sound, 0 * sound], axis=1).astype(np.float32)),
    ]
    for content in kinds:
        np.testing.assert_allclose(load_spectrogram(content, image_size=SIDE), expected, atol=1)
    # A quantum of 8 bits is 48 dB below full scale, so only what is louder can be compared.
    coarse = load_spectrogram(wav((sound * 127 + 128).round().astype(np.uint8)), image_size=SIDE)
    loud = expected < 100
    np.testing.assert_allclose(coarse[loud], expected[loud], atol=12)


def test_neither_loudness_nor_place_nor_an_offset_matter() -> None:
    sound = tone(440, before=0.2, after=2.0) + 0.7 * tone(880, before=0.2, after=2.0)
    expected = picture(sound)
    np.testing.assert_allclose(picture(sound * 0.01), expected, atol=1)
    late = np.concatenate([np.zeros(3 * RATE), sound])
    np.testing.assert_allclose(picture(late), expected, atol=1)
    np.testing.assert_allclose(picture(sound + 0.2), expected, atol=8)


def test_the_loudest_of_two_sounds_is_shown() -> None:
    both = np.concatenate([0.1 * tone(3000, after=2.0), tone(300, before=2.0)])
    drawn = picture(both)
    assert abs(np.argmin(drawn.min(axis=1)) - row_of(300)) <= 1
    assert drawn[round(row_of(3000))].min() == 255


def test_a_short_recording_stands_between_silences() -> None:
    drawn = picture(tone(500, seconds=0.2, before=0, after=0))
    assert drawn.shape == (SIDE, SIDE)
    assert (drawn[:, :20] == 255).all() and (drawn[:, -20:] == 255).all()


def test_a_low_sampling_rate_has_no_high_pitches() -> None:
    drawn = picture(np.random.default_rng(0).normal(0, 0.1, 8000), 8000)
    assert (drawn[: int(row_of(4400))] == 255).all()
    assert (drawn[round(row_of(3500)) :] < 200).all()


@pytest.mark.parametrize(
    ("content", "problem", "reason"),
    [
        (b"", "empty", "0 bytes"),
        (b"no wav at all", "unreadable", "cannot be read as WAV"),
        (wav(np.zeros(0, np.int16)), "empty", "no samples"),
        (wav(np.zeros(8000, np.int16)), "unreadable", "silent"),
        (wav(np.full(8000, 77, np.int16)), "unreadable", "silent"),
        (wav(np.full(8000, np.nan, np.float32)), "unreadable", "no finite numbers"),
        (wav(np.ones(800, np.int16), 1000), "unreadable", "1,000 samples a second are not within"),
        (wav(np.ones(800, np.int16), 10**9), "unreadable", "not within 4,000 to 192,000"),
        (wav((tone(440) * 9999).astype(np.int16))[:-5000], "truncated", "cut short"),
        (wav((tone(440) * 9999).astype(np.int16))[:30], "truncated", "cut short"),
        (wav((tone(440) * 9999).astype(np.int16))[:40], "truncated", "no sound in it"),
        (wav(np.ones(800, np.int16)).replace(b"fmt \x10\0\0\0\1", b"fmt \x10\0\0\0\6"), "unreadable", "ALAW"),
    ],
)
def test_what_cannot_be_used_is_named(content: bytes, problem: str, reason: str) -> None:
    with pytest.raises(RecordingError, match=reason) as caught:
        load_spectrogram(content, "cow/ann.wav", image_size=SIDE)
    assert caught.value.problem == problem
    assert caught.value.message.startswith("cow/ann.wav: ")


def test_titles_and_the_like_are_passed_over() -> None:
    content = wav((tone(440) * 9999).astype(np.int16))
    odd = b"id3 \x03\0\0\0abc\0"
    marked = content[:36] + b"LIST\x04\0\0\0abcd" + odd + content[36:] + b"junk\x02\0\0\0ab"
    expected = load_spectrogram(content, image_size=SIDE)
    np.testing.assert_array_equal(load_spectrogram(marked, image_size=SIDE), expected)


def test_no_damage_raises_anything_else() -> None:
    content = wav((tone(440, seconds=0.1, before=0, after=0) * 9999).astype(np.int16))
    rng = np.random.default_rng(0)
    for _ in range(300):
        damaged = bytearray(content)
        for place in rng.integers(0, 60, 3):
            damaged[place] = rng.integers(256)
        try:
            drawn = load_spectrogram(bytes(damaged), image_size=16)
        except RecordingError:
            continue
        assert drawn.shape == (16, 16)


def test_a_scan_keeps_a_picture_for_each_content(tmp_path: Path) -> None:
    for label, hertz in (("cow", 200), ("cat", 900)):
        (tmp_path / label).mkdir()
        (tmp_path / label / "ann.wav").write_bytes(wav(tone(hertz)))
    (tmp_path / "cat/bob.wav").write_bytes(b"broken")
    found, pictures = scan_recordings(index_folder(tmp_path, RECORDINGS), SIDE, Silent())
    assert list(found.sha256) == ["cat/ann.wav", "cow/ann.wav"]
    assert list(found.bad) == ["cat/bob.wav"]
    assert str(tmp_path) in found.bad["cat/bob.wav"].message
    expected = load_spectrogram(tmp_path / "cow/ann.wav", image_size=SIDE)
    np.testing.assert_array_equal(pictures[found.sha256["cow/ann.wav"]], expected)
