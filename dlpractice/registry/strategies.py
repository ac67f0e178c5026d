"""What of a classifier is trained, and in which order: the lecture's table of data size against similarity.

| data    | like the pretraining set      | unlike it                                   |
|---------|-------------------------------|---------------------------------------------|
| small   | `head`, `top-block`           | `linear@blockN`, an earlier block's features |
| large   | `full`                        | `full` from `weights: null`                 |

`scratch` trains a small net of its own and is what the others are compared with. `auto` measures in which
cell of the table the data are, tries what the cell proposes, and trains what did best (`list_candidates`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dlpractice.errors import ModelError
from dlpractice.registry.wording import join_words

IMAGES = "images"

AUTO = "auto"
"""In a config: whichever strategy, or backbone, turns out to suit the data."""

LARGE = 2000
"""Training images of a class, on the average, from which on data are large. The lecture calls 1,000 small."""


def block_cut(block: int) -> str:
    """The name of the cut behind block `block`, counted from 1. In front of the first are the images."""
    return f"block{block}" if block else IMAGES


def pooled_cut(block: int) -> str:
    """The name of the cut behind the pooled features of block `block`."""
    return f"pooled{block}"


@dataclass(frozen=True)
class Stage:
    """One round of training: everything behind `cut` is trained, everything in front of it is frozen.

    cut: `images`, `blockN`, or `pooledN` (the pooled features of block N, which a head reads).
    warm_up: whether the round only prepares the head for the next round.
    """

    name: str
    cut: str
    warm_up: bool = False


@dataclass(frozen=True)
class Strategy:
    """A named choice of what to train.

    block: the block of the pretrained base whose features the head reads, counted from 1; None for a strategy
        that uses the small net instead of a base.
    """

    name: str
    stages: tuple[Stage, ...]
    block: int | None

    @property
    def cuts(self) -> tuple[str, ...]:
        """The cuts at which a stage trains on features that were computed once."""
        return tuple(stage.cut for stage in self.stages if stage.cut != IMAGES)


@dataclass(frozen=True)
class Row:
    """How one strategy is described and planned.

    about: what is trained.
    short: the same in fewer words, for the description of the config's key; empty where the name says it.
    suits: the data that it is for.
    plan: takes the strategy's name, the number of blocks of the base, and whether the base is pretrained;
        gives the Strategy.
    """

    about: str
    short: str
    suits: str
    plan: Callable[[str, int, bool], Strategy]


NUMBERED = "N"
"""The end of some names in this table, where it stands for the number of a block."""


def _plan_scratch(name: str, block_count: int, pretrained: bool) -> Strategy:
    return Strategy(name, (Stage(name, IMAGES),), None)


def _plan_head(name: str, block_count: int, pretrained: bool) -> Strategy:
    return Strategy(name, (Stage(name, pooled_cut(block_count)),), block_count)


def _plan_top_block(name: str, block_count: int, pretrained: bool) -> Strategy:
    return Strategy(name, (_warm_up(block_count), Stage(name, block_cut(block_count - 1))), block_count)


def _plan_full(name: str, block_count: int, pretrained: bool) -> Strategy:
    whole = Stage(name, IMAGES)
    return Strategy(name, (_warm_up(block_count), whole) if pretrained else (whole,), block_count)


def _plan_linear(name: str, block_count: int, pretrained: bool) -> Strategy:
    block = int(re.sub(r"^\D+", "", name))
    if not 1 <= block <= block_count:
        numbered = name.rstrip("0123456789")
        raise ModelError(
            f"strategy {name}: this backbone has blocks 1 to {block_count}",
            f"choose {numbered}1 to {numbered}{block_count}",
        )
    return Strategy(name, (Stage(name, pooled_cut(block)),), block)


def _warm_up(block_count: int) -> Stage:
    return Stage("head", pooled_cut(block_count), warm_up=True)


STRATEGIES: dict[str, Row] = {
    "scratch": Row(
        about="a small residual net, from nothing",
        short="a small net from nothing",
        suits="the measure of what the others gain",
        plan=_plan_scratch,
    ),
    "head": Row(
        about="a linear layer on the frozen base",
        short="all of the backbone frozen",
        suits="little data, like the pretraining set",
        plan=_plan_head,
    ),
    "top-block": Row(
        about="the head, then the last convolutional block with it",
        short="its last block and the head",
        suits="somewhat more data",
        plan=_plan_top_block,
    ),
    "full": Row(
        about="the head, then everything",
        short="",
        suits="much data; with `model.weights: null`, much data unlike any pretraining set",
        plan=_plan_full,
    ),
    "linear@blockN": Row(
        about="a linear layer on an earlier block's features",
        short="a linear layer on block N",
        suits="little data, unlike the pretraining set",
        plan=_plan_linear,
    ),
}


def plan_strategy(name: str, block_count: int, *, pretrained: bool) -> Strategy:
    """The strategy called `name` for a base of `block_count` blocks.

    `top-block` and `full` train the head first and then fine-tune, because a fresh head's gradients would
    otherwise spoil the pretrained features (LP-FT: Kumar et al. 2022, arXiv:2202.10054). From random weights
    (`pretrained` false) there is nothing to spoil, and `full` is one stage.

    Raises ModelError for a name that is none of the strategies, or a block that the base does not have.
    """
    for known, row in STRATEGIES.items():
        if re.fullmatch(_fill_in(known, r"\d+"), name):
            return row.plan(name, block_count, pretrained)
    raise ModelError(f"no strategy is called {name!r}", f"choose {join_words(STRATEGIES)}")


def list_candidates(
    blocks: Sequence[int], block_count: int, *, similar: bool, large: bool
) -> tuple[str, ...]:
    """The strategies that the cell of the table above proposes, and the neighbours that could be right
    instead.

    Args:
        blocks: those whose features a linear layer reads best, counted from 1.
        similar: whether the last block's features are read as well as those: the data are then like the
            pretraining set.
        large: whether there are `LARGE` images of a class.
    """
    linear = tuple(f"{_stem('linear@blockN')}{block}" for block in blocks if block != block_count)
    cells: dict[tuple[bool, bool], tuple[str, ...]] = {
        (True, False): (*linear, "head", "top-block"),
        (False, False): (*linear, "scratch"),
        (True, True): (*linear, "head", "top-block", "full"),
        (False, True): (*linear, "top-block", "full", "scratch"),
    }
    return cells[similar, large]


def strategy_pattern(*more: str) -> str:
    """A regular expression that matches every strategy's name that a config may hold, and the words
    `more`."""
    return f"^({'|'.join((*more, *(_fill_in(name, '[1-9]') for name in STRATEGIES)))})$"


def strategy_examples(*more: str) -> list[str]:
    """One valid name of each strategy, after the words `more`."""
    return [*more, *(_fill_in(name, "3") for name in STRATEGIES)]


def strategy_choices() -> str:
    """All strategies as a user writes them; a numbered one by its first two names, then "and so on"."""
    names = (f"{stem}1, {stem}2 and so on" if (stem := _stem(name)) != name else name for name in STRATEGIES)
    return join_words((AUTO, *names), ", or ")


def describe_strategies() -> str:
    """All strategies, and what each of them trains, for the description of the config's key."""
    words = (f"{name} ({row.short})" if row.short else name for name, row in STRATEGIES.items())
    return join_words((f"{AUTO} (which of these suits the data, by trial)", *words), ", or ")


def _stem(name: str) -> str:
    """A numbered strategy's name without its `N`; any other name as it is."""
    return name.removesuffix(NUMBERED)


def _fill_in(name: str, number: str) -> str:
    """The name, with `number` in place of the `N` of a numbered strategy."""
    return _stem(name) + number if _stem(name) != name else name
