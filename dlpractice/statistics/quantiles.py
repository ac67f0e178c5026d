"""How many standard errors an interval reaches to either side of its middle."""

from statistics import NormalDist

Z95 = 1.959963984540054
Z99 = 2.5758293035489004
"""The 97.5 % and 99.5 % points of the standard normal distribution: half of 5 % and of 1 % lie above."""


def shared_z(comparisons: int) -> float:
    """The normal quantile at which `comparisons` >= 1 intervals hold all at once with a chance of 95 %.

    This is Bonferroni's correction: each interval may miss with a chance of 5 % divided by their number.
    """
    return NormalDist().inv_cdf(1 - 0.025 / max(1, comparisons))


def student_quantile(freedom: int, z: float = Z95) -> float:
    """The point of Student's distribution with `freedom` >= 1 degrees of freedom that leaves as much above it
    as `z` does in the standard normal one: 2.5 % by default."""
    # Imported when it is needed: scipy takes 0.3 s to import (`scipy.stats`, which calls this very function,
    # 1.2 s), and `dlp diagnose`, which imports this room, needs no Student quantile for independent items.
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 0.975 if z == Z95 else NormalDist().cdf(z)))
