"""The frameworks that the lecture named and that ended."""

from dlpractice.benchmark.backends.retired_frameworks import RETIRED_FRAMEWORKS


def test_each_has_a_last_release_a_year_and_a_source():
    found = {row.name.split()[-1]: (row.last_release, row.year) for row in RETIRED_FRAMEWORKS}

    assert found == {
        "Theano": ("1.0.5", 2020),
        "Caffe": ("1.0", 2017),
        "MXNet": ("1.9.1", 2022),
        "(CNTK)": ("2.7", 2019),
    }
    assert all(row.source and row.fate for row in RETIRED_FRAMEWORKS)
    assert RETIRED_FRAMEWORKS[0].to_json()["kind"] == "published"
