"""The README beside an exported file: what it takes and gives, and ten lines that use it."""

from pathlib import Path

from dlpractice.recipes.run.model_note import ClassifierNote

_OPENING = {
    "onnx": """import onnxruntime

session = onnxruntime.InferenceSession("{name}", providers=["CPUExecutionProvider"])
note = json.loads(session.get_modelmeta().custom_metadata_map["dlpractice"])
""",
    "litert": """import zipfile
from ai_edge_litert.interpreter import Interpreter

run = Interpreter("{name}").get_signature_runner()
note = json.loads(zipfile.ZipFile("{name}").read("dlpractice.json"))
""",
    "savedmodel": """import tensorflow as tf

loaded = tf.saved_model.load("{name}")
note = json.load(open("{name}/assets/dlpractice.json"))
""",
    "keras": """import zipfile
import keras

model = keras.models.load_model("{name}")
note = json.loads(zipfile.ZipFile("{name}").read("metadata.json"))["dlpractice"]
""",
}
_ASK = {
    "onnx": '(probabilities,) = session.run(["probabilities"], {"images": pixels})',
    "litert": 'probabilities = run(images=pixels)["probabilities"]',
    "savedmodel": 'probabilities = loaded.signatures["serving_default"](images=tf.constant(pixels))'
    '["probabilities"].numpy()',
    "keras": "probabilities = model.predict(pixels, verbose=0)",
}
_FIT = {
    "stretch": "image.resize(({side}, {side}), Image.Resampling.BICUBIC)",
    "crop": "ImageOps.fit(image, ({side}, {side}), Image.Resampling.BICUBIC)",
    "pad": 'ImageOps.pad(image, ({side}, {side}), Image.Resampling.BICUBIC, color="{background}")',
}
_TEXT = """# {name}

A classifier of {count} classes: {classes}.

Input `images`: (N, {side}, {side}, 3) float32, RGB from 0 to 255, N as you like. Output `probabilities`:
(N, {count}) float32. Preprocessing is inside, but for this:
{decoding}.
Resizing is outside on purpose: runtimes smooth what they shrink in other ways than Pillow, and the net was
trained on what Pillow gives. {pixels} All of this, and the names of the classes in order, is also in
the file: `note` below.

```python
import json
import numpy as np
from PIL import Image, ImageOps
{opening}
image = ImageOps.exif_transpose(Image.open("photo.jpg")).convert("RGB")
pixels = np.asarray({fit}, np.float32)[np.newaxis]
{ask}
{calibrate}print(note["class_names"][int(probabilities[0].argmax())], float(probabilities[0].max()))
```
{meaning}"""
_CALIBRATE = """probabilities = probabilities ** (1 / note["calibration"]["temperature"])
probabilities /= probabilities.sum(axis=1, keepdims=True)
"""
_CALIBRATED = """
The last two lines before `print` calibrate: they make a probability the share of right answers, as far as the
validation images of the training tell.
"""


def write_usage(kind: str, name: str, note: ClassifierNote, path: Path) -> None:
    """Writes the README for the file called `name`, whose format is `kind`, to `path`."""
    taken = note.input
    known = note.calibration is not None
    path.write_text(
        _TEXT.format(
            name=name,
            count=len(note.class_names),
            classes=", ".join(note.class_names[:20]) + (", ..." if len(note.class_names) > 20 else ""),
            side=taken.image_size,
            decoding=taken.decoding,
            pixels=f"Here it is `{taken.resize}`, with the background {taken.background}.",
            opening=_OPENING[kind].format(name=name),
            fit=_FIT[taken.resize].format(side=taken.image_size, background=taken.background),
            ask=_ASK[kind],
            calibrate=_CALIBRATE if known else "",
            meaning=_CALIBRATED if known else "",
        ),
        encoding="utf-8",
        errors="replace",
    )
