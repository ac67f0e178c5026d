"""The code of a README, held against the layers that it does without."""

import numpy as np
import pytest

from dlpractice.data.files.decoding import Look
from dlpractice.layers.similarity import Cosine, NegativeDistance, Similarity, WeightedDistance
from dlpractice.models.siamese import Verdict
from dlpractice.recipes.export.usage_note import describe_classifier, describe_encoder, describe_score
from dlpractice.recipes.oneshot.comparer import describe_comparison, make_similarity
from dlpractice.recipes.run.model_note import ClassifierNote, Comparison, EncoderNote, describe_input


@pytest.mark.parametrize(
    "similarity", [Cosine(scale=7.5), NegativeDistance(), NegativeDistance(unit=True), WeightedDistance()]
)
def test_scores_are_those_of_the_layer(similarity: Similarity) -> None:
    rng = np.random.default_rng(0)
    similarity.build([(None, 6)] * 2)
    similarity.set_weights([rng.normal(size=weights.shape) for weights in similarity.get_weights()])
    query, classes = rng.normal(size=6).astype(np.float32), rng.normal(size=(4, 6)).astype(np.float32)
    expected = similarity.compare(query[np.newaxis], classes)[0]
    described = describe_comparison(similarity, Verdict())
    names = {"np": np, "query": query, "classes": classes, "note": {"comparison": described.model_dump()}}
    exec(describe_score(described), names)
    np.testing.assert_allclose(names["scores"], expected, rtol=1e-4, atol=1e-6)
    again = make_similarity(Comparison.model_validate_json(described.model_dump_json()))
    np.testing.assert_allclose(again.compare(query[np.newaxis], classes)[0], expected, rtol=1e-5)


@pytest.mark.parametrize("kind", ["onnx", "litert", "savedmodel", "keras"])
@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_it_is_python_whatever_the_names(kind: str, resize: str) -> None:
    name = 'it\'s "{mine}" \\ 名.onnx'
    look = Look(8, resize, "#00ff00")  # type: ignore[arg-type]
    plain = ClassifierNote(input=describe_input(look, 8, "colour"), class_names=('"""{a}', "```"))
    encoder = EncoderNote(
        input=describe_input(look, 8, "grey", "recordings"),
        comparison=describe_comparison(Cosine(), Verdict()),
        model="sha",
    )
    for text in (
        describe_classifier(kind, name, plain),
        describe_encoder(kind, name, encoder, 4, f"{name}.npz"),
        describe_encoder(kind, name, encoder, 4, ""),
    ):
        code = text.rpartition("```python\n")[2].partition("```")[0]
        compile(code, name, "exec")
        assert "mine" in code
    assert "makes none of a recording" in text
    assert 'names = ["one.png"' in text
