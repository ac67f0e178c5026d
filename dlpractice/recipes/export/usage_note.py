"""The README beside an exported file: what it takes and gives, and a few lines that use it."""

import json

from dlpractice.printable import printable_name
from dlpractice.recipes.run.model_note import ClassifierNote, Comparison, EncoderNote, InputNote

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
    "onnx": 'session.run(["{output}"], {{"images": pixels}})[0]',
    "litert": 'run(images=pixels)["{output}"]',
    "savedmodel": 'loaded.signatures["serving_default"](images=tf.constant(pixels))["{output}"].numpy()',
    "keras": "model.predict(pixels, verbose=0)",
}
_FIT = {
    "stretch": "image.resize(({side}, {side}), Image.Resampling.BICUBIC)",
    "crop": "ImageOps.fit(image, ({side}, {side}), Image.Resampling.BICUBIC)",
    "pad": 'ImageOps.pad(image, ({side}, {side}), Image.Resampling.BICUBIC, color="{background}")',
}
_SCORE = {
    "Cosine": """lengths = np.linalg.norm(classes, axis=1) * np.linalg.norm(query)
scores = {scale} * (classes @ query) / np.maximum(lengths, 1e-12)
""",
    "NegativeDistance": "scores = -np.square(classes - query).sum(axis=1)\n",
    "WeightedDistance": """learned = note["comparison"]["learned"]
scores = learned["bias"][0] - np.abs(classes - query) @ np.array(learned["weights"])
""",
}
"""From `query` (D,) and `classes` (K, D) to (K,) similarities."""
_UNIT = """query = query / np.linalg.norm(query)
classes = classes / np.linalg.norm(classes, axis=1, keepdims=True)
"""
_TEXT = """# {name}

{what}

Input `images`: (N, {side}, {side}, {channels}) float32, {colours} from 0 to 255, N as you like.
Output `{output}`: {gives}.
Preprocessing is inside, but for this:
{decoding}.
Resizing is outside on purpose: runtimes smooth what they shrink in other ways than Pillow, and the net was
trained on what Pillow gives. Here it is `{resize}`, with the background {background}.
All of this{also} is also in the file: `note` below.{limits}

```python
import json
import numpy as np
from PIL import Image, ImageOps
{opening}
def ask(file):
    image = ImageOps.exif_transpose(Image.open(file)).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "{background}"), image).convert("RGB")
    image = {fit}.convert("{mode}")
    pixels = np.asarray(image, np.float32).reshape(1, {side}, {side}, {channels})
    return {ask}[0]

{code}```
{meaning}"""
_CLASSIFY = """probabilities = ask("photo.jpg")
{calibrate}print(note["class_names"][int(probabilities.argmax())], float(probabilities.max()))
"""
_CALIBRATE = """probabilities = probabilities ** (1 / note["calibration"]["temperature"])
probabilities /= probabilities.sum()
"""
_CALIBRATED = """
The two lines before `print` calibrate: they make a probability the share of right answers, as far as the
validation images of the training tell.
"""
_COMPARE = """{classes}query = ask("query.png")
{score}verdict, best = note["comparison"]["verdict"], int(scores.argmax())
same = 1 / (1 + np.exp(-verdict["slope"] * scores[best] - verdict["intercept"]))
print(names[best] if scores[best] >= verdict["threshold"] else "unknown", float(same))
"""
_ENROLLED = """index = np.load("{index}")
names, classes = index["class_names"], index["embeddings"]
"""
_EXAMPLES = """names = ["one.png", "two.png"]  # an image of each class
classes = np.stack([ask(file) for file in names])
"""
_COMPARED = """
It prints the likeliest class, or `unknown` where the query is less similar to it than the threshold that
was chosen on validation pairs, and the probability that the two are the same, where same and different are
equally likely beforehand. A class may have several examples: take the mean of their embeddings.
"""
_LIMITS = {
    "images": "",
    "drawings": """
The code reads clean drawings, black on white; `dlp predict {name}` makes such of photographs.""",
    "recordings": """
The code reads pictures of spectrograms, and makes none of a recording: `dlp predict {name}` does.""",
}
_LEVELS = """
The code takes 8 bits a channel; of files with more, {black:g} became 0 and {white:g} 255 in training."""


def describe_classifier(kind: str, name: str, note: ClassifierNote) -> str:
    """The README for the classifier called `name`, whose format is `kind`."""
    count, known = len(note.class_names), note.calibration is not None
    classes = ", ".join(map(printable_name, note.class_names[:20])) + (", ..." if count > 20 else "")
    return _TEXT.format(
        **_describe(kind, name, note.output, note.input),
        what=f"A classifier of {count} classes: {classes}.",
        gives=f"(N, {count}) float32",
        also=", and the names of the classes in order,",
        code=_CLASSIFY.format(calibrate=_CALIBRATE if known else ""),
        meaning=_CALIBRATED if known else "",
    )


def describe_encoder(kind: str, name: str, note: EncoderNote, dimensions: int, index: str) -> str:
    """The README for the encoder called `name`, of embeddings of so many `dimensions`.

    index: the file of the enrolled classes; "" where there is none.
    """
    classes = _ENROLLED.format(index=_quote(index)) if index else _EXAMPLES
    return _TEXT.format(
        **_describe(kind, name, note.output, note.input),
        what="A net that compares images, to name classes of which it was shown one example each.",
        gives=f"(N, {dimensions}) float32, which say by their similarity how alike images are",
        also=", and how embeddings are compared,",
        code=_COMPARE.format(classes=classes, score=describe_score(note.comparison)),
        meaning=_COMPARED,
    )


def describe_score(comparison: Comparison) -> str:
    """Lines of Python, with NumPy as `np`, from `query` (D,) and `classes` (K, D) to `scores` (K,)."""
    unit = _UNIT if comparison.settings.get("unit") else ""
    return unit + _SCORE[comparison.similarity].format(**comparison.settings)


def _describe(kind: str, name: str, output: str, taken: InputNote) -> dict[str, str]:
    grey, side = taken.colour == "grey", str(taken.image_size)
    levels = taken.black is not None and taken.white is not None
    return {
        "name": name,
        "output": output,
        "side": side,
        "channels": "1" if grey else "3",
        "colours": "grey" if grey else "RGB",
        "mode": "L" if grey else "RGB",
        "decoding": taken.decoding,
        "resize": taken.resize,
        "background": taken.background,
        "opening": _OPENING[kind].format(name=_quote(name)),
        "fit": _FIT[taken.resize].format(side=side, background=taken.background),
        "ask": _ASK[kind].format(output=output),
        "limits": _LIMITS[taken.kind].format(name=name)
        + (_LEVELS.format(black=taken.black, white=taken.white) if levels else ""),
    }


def _quote(name: str) -> str:
    """A file's name as it stands between quotes in Python."""
    return json.dumps(name, ensure_ascii=False)[1:-1]
