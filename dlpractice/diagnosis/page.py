"""The rules as a page of documentation, so that what it says is what is asked."""

from dlpractice.diagnosis.case import TARGETS
from dlpractice.diagnosis.rule import Rule
from dlpractice.diagnosis.table import RULES

_HEAD = """\
# What `dlp diagnose` looks for

This page is written by `scripts/diagnosis-page` from the table of rules in `dlpractice/diagnosis/table.py`.

    dlp diagnose RUN                            a run directory, finished or running
    dlp diagnose history.json                   a Keras history; also CSVLogger's CSV, TensorBoard event
                                                files, Hugging Face's trainer_state.json, Lightning's
                                                metrics.csv
    dlp diagnose log.csv --column val_loss=holdout
    dlp diagnose RUN --target-error 0.02        the error that could be reached
    dlp diagnose RUN --write-config next.yaml   the config with the top remedy applied
    dlp diagnose RUN --fail-on warning          exit status 3 if there is such a finding

Findings come with a severity (error, warning, info) and a confidence. *High*: measured directly, or two signs
that agree, or a change of at least six standard errors. *Medium*: beyond the thresholds, with other causes
left. *Low*: seen, but explained as well by another finding. A rule that lacks something it needs is listed
under "Insufficient evidence"; a trend takes five epochs.

**Bias** is the training error above the target, **variance** the validation error above the training error.
In runs of `dlp` the training error is measured without dropout and augmentation. Both errors have Wilson's
interval for the number of images behind them, their difference Newcombe's; without those numbers the scatter
of the curves stands in. Curves are read as local lines through their noise, which is measured by how far each
value lies off the middle of its neighbours.

A finding that another one explains stands behind it, with low confidence and without a change of the config:
a learning rate that is too low explains a model that underfits. Thresholds that say "chosen" were set by
judgement; those that name the panel were set, or changed, with the runs of the seeds named there in sight.

## How often it is right about overfitting

`scripts/diagnosis-histories` trains 192 small nets on simulated data. The rule sees training and validation
losses, the latter on 100 examples; a net counts as overfit where its loss on 1,500 other examples ends more
than 5 % above its lowest. In the order of training, the even and the odd ones; 64 of each 96 are overfit:

| by | precision, even | recall | F1 | precision, odd | recall | F1 |
|---|---|---|---|---|---|---|
| `dlp diagnose` | 0.969 | 0.969 | 0.969 | 0.924 | 0.953 | 0.938 |
| always "overfit" | 0.667 | 1.000 | 0.800 | 0.667 | 1.000 | 0.800 |
| SageMaker Debugger's rule, (val - train) / train > 0.1 | 0.831 | 1.000 | 0.908 | 0.808 | 0.984 | 0.887 |

No threshold was tuned on them. These are simulated, their truth is by the 5 % that the rule uses, and two in
three are overfit: precision is lower where overfitting is rarer. Where the rule is wrong on the even ones,
the loss on 100 examples does what the loss on 1,500 does not. `scripts/diagnosis-histories ARCHIVE.zip`
scores other histories.
"""


def write_page() -> str:
    """The page, in Markdown."""
    targets = [f"- `{name}`: {target.error:.1%}, {target.source}" for name, target in TARGETS.items()]
    rules = "\n".join(_describe(rule) for rule in RULES)
    known = "\n".join(targets)
    about = "Without `--target-error`, the best known error:"
    return f"{_HEAD}\n## Targets\n\n{about}\n\n{known}\n\n## Rules\n\n{rules}"


def _describe(rule: Rule) -> str:
    lines = [f"### {rule.name}", "", rule.finds, "", f"- needs: {', '.join(rule.needs)}"]
    lines += [
        f"- threshold: {threshold.name}, {threshold.value:g} ({threshold.source})"
        for threshold in rule.thresholds
    ]
    lines += [f"- could also be: {rule.causes}", f"- remedy: {rule.remedy}", ""]
    return "\n".join(lines)
