"""What of a classifier is trained, and in which order: the lecture's table of data size against similarity.

| data    | like the pretraining set      | unlike it                                   |
|---------|-------------------------------|---------------------------------------------|
| small   | `head`, `top-block`           | `linear@blockN`, an earlier block's features |
| large   | `full`                        | `full` from `weights: null`                 |

`scratch` trains a small net of its own and is what the others are compared with.
"""

import re
from dataclasses import dataclass

from dlpractice.errors import ModelError

IMAGES = "images"


def block_cut(block: int) -> str:
    """The name of the cut behind block `block`, counted from 1."""
    return f"block{block}"


def pooled_cut(block: int) -> str:
    """The name of the cut behind the pooled features of block `block`."""
    return f"pooled{block}"


@dataclass(frozen=True)
class Stage:
    """One round of training: everything behind `cut` is trained, everything in front of it is frozen.

    `cut` is `images`, `blockN`, or `pooledN` (the pooled features of block N, which a head reads). `warm_up`
    marks the round that only prepares the head for the next one.
    """

    name: str
    cut: str
    warm_up: bool = False


@dataclass(frozen=True)
class Strategy:
    """A named choice of what to train.

    `block`: the block of the pretrained base whose features the head reads, counted from 1; None for the
    small net instead of a base.
    """

    name: str
    stages: tuple[Stage, ...]
    block: int | None

    @property
    def cuts(self) -> tuple[str, ...]:
        """The cuts whose frozen features the stages train on."""
        return tuple(stage.cut for stage in self.stages if stage.cut != IMAGES)


def plan_strategy(name: str, block_count: int, *, pretrained: bool) -> Strategy:
    """The strategy called `name` for a base of `block_count` blocks.

    `top-block` and `full` train the head first and then fine-tune, because a fresh head's gradients would
    otherwise spoil the pretrained features (LP-FT: Kumar et al. 2022, arXiv:2202.10054). From random weights
    (`pretrained` false) there is nothing to spoil, and `full` is one stage.

    Raises ModelError for a name that is none of the strategies, or a block that the base does not have.
    """
    if name == "scratch":
        return Strategy(name, (Stage(name, IMAGES),), None)
    if name == "head":
        return Strategy(name, (Stage(name, pooled_cut(block_count)),), block_count)
    head_first = (Stage("head", pooled_cut(block_count), warm_up=True),)
    if name == "top-block":
        return Strategy(name, (*head_first, Stage(name, block_cut(block_count - 1))), block_count)
    if name == "full":
        return Strategy(name, (*(head_first if pretrained else ()), Stage(name, IMAGES)), block_count)
    if match := re.fullmatch(r"linear@block(\d+)", name):
        block = int(match[1])
        if not 1 <= block <= block_count:
            raise ModelError(
                f"strategy {name}: this backbone has blocks 1 to {block_count}",
                f"choose linear@block1 to linear@block{block_count}",
            )
        return Strategy(name, (Stage(name, pooled_cut(block)),), block)
    raise ModelError(
        f"no strategy is called {name!r}", "choose scratch, head, top-block, full or linear@blockN"
    )
