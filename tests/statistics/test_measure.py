import json

from dlpractice.statistics.measure import Measure


def test_measure_to_json() -> None:
    document = Measure(0.75, (0.3, 0.95), 4).to_json()
    assert list(json.loads(json.dumps(document))) == ["value", "ci95", "n", "kind"]
    bound = Measure(0.75, (0.3, 0.95), 40, groups=4).to_json()
    assert (list(bound), bound["groups"]) == (["value", "ci95", "n", "groups", "kind"], 4)
    published = Measure(0.8, (0.7, 0.9), 10, "published", "a paper").to_json()
    assert published == {"value": 0.8, "ci95": [0.7, 0.9], "n": 10, "kind": "published", "source": "a paper"}
