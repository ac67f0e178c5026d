"""Frameworks that courses of 2018 recommended and that are no longer developed: their last releases.

Published facts, from the projects' own release pages and notices; no new environment should be built on them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class RetiredFramework:
    """One framework.

    name: the name by which it was known.
    last_release, year: the last release by its own developers, and its year.
    fate: what became of it.
    source: who says so.
    """

    name: str
    last_release: str
    year: int
    fate: str
    source: str

    def to_json(self) -> dict[str, Any]:
        """The row as it stands in a result."""
        return {**asdict(self), "kind": "published"}


RETIRED_FRAMEWORKS: tuple[RetiredFramework, ...] = (
    RetiredFramework(
        "Theano",
        "1.0.5",
        2020,
        "major development ended with 1.0 (2017); continued as Aesara and PyTensor",
        "Y. Bengio, posted by P. Lamblin to theano-users, September 2017; release notes of 1.0.5, July 2020",
    ),
    RetiredFramework(
        "Caffe",
        "1.0",
        2017,
        "no release since; Caffe2 became part of PyTorch in 2018",
        "BVLC/caffe, pull request 5539, April 2017; Caffe2 and PyTorch join forces, caffe2.ai, 2018",
    ),
    RetiredFramework(
        "Apache MXNet",
        "1.9.1",
        2022,
        "retired in September 2023, moved to the Apache Attic by February 2024",
        "Apache Attic, MXNet; apache/mxnet releases",
    ),
    RetiredFramework(
        "Microsoft Cognitive Toolkit (CNTK)",
        "2.7",
        2019,
        "2.7 was announced as the last main release; its package was renewed in 2020, as 2.7.post2",
        "CNTK 2.7 release notes, April 2019; the package cntk 2.7.post2",
    ),
)
