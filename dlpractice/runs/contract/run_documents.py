"""The JSON files of a run: summary.json, environment.json and audit.json."""

from typing import Annotated, Literal

from pydantic import Field

from dlpractice.runs.contract.document import Count, Document, Number, Part, Text, key

Bounds = Annotated[list[Number | None], Field(min_length=2, max_length=2)]


class MeasuredResult(Part):
    """A number that says how sure it is and where it comes from; shares are in [0, 1]."""

    value: Number | None = Field(description="The number.")
    ci95: Bounds | None = Field(description="The bounds of its 95 % interval; null for published numbers.")
    n: Count = Field(description="How many items it is about.")
    kind: Literal["measured", "published", "predicted"] = Field(description="Where it comes from.")
    groups: Count = key("How many groups the items are in, where those of a group count as less.")
    source: Text = key("Where it was published.")
    errors: Number = key("Wrong answers of a one-shot protocol; the mean over seeds in a comparison.")
    auc: Number | None = key("Of `verification`: the area under the curve.")
    eer: Number | None = key("Of `verification`: the equal error rate.")
    std_over_seeds: Number | None = key("In a comparison of several seeds: their standard deviation.")


class PairThreshold(Part):
    """From which similarity on two images are taken for the same, set on validation pairs."""

    value: Number | None = key("The similarity.")
    false_accept_rate: Number | None = key("The share of different pairs above it.")
    false_reject_rate: Number | None = key("The share of same pairs below it.")
    n: Count = key("How many pairs it was set on.")


class NetInput(Part):
    """What the net takes; the metadata of `model.keras` have it too."""

    kind: Text = key("`images`, `drawings` or `recordings`.")
    image_size: Count = key("The side, in pixels.")
    decoded_size: Count = key("The side to which files are decoded.")
    colour: Text = key("`colour` or `grey`.")
    resize: Text = key("How images that are no squares were treated.")
    background: Text = key("What transparent pixels were laid over.")
    black: Number | None = key("The number that became 0, of files with more than 8 bits a channel.")
    white: Number | None = key("The number that became 255.")
    decoding: Text = key("The rest of it, in words.")


class ConfidenceBin(Part):
    """Answers of about the same confidence; all of it is in [0, 1], but for `n`."""

    low: Number = key("Their confidence is above this, or the lowest there is.")
    high: Number = key("And at most this.")
    n: Count = key("How many there are.")
    confidence: Number = key("Their mean confidence.")
    accuracy: Number = key("The share of them that is right.")


class AnsweredShare(Part):
    """What is left when answers below a confidence are not given."""

    threshold: Number = key("That confidence, in [0, 1].")
    coverage: Number = key("The share of images that are still answered.")
    accuracy: MeasuredResult = key("The share of these answers that is right.")


class CalibrationPart(Part):
    """How far confidence is the share of right answers; by validation images, which chose the epoch too."""

    temperature: Number = key("What logits are divided by, fitted to all images (Guo et al. 2017).")
    n: Count = key("How many images it was fitted to.")
    error_before: MeasuredResult = key("Expected calibration error of the softmax as it is.")
    error_after: MeasuredResult = key("The same, each image at a temperature fitted to others (5 folds).")
    bins_before: list[ConfidenceBin] = key("What `error_before` is the mean of.")
    bins_after: list[ConfidenceBin] = key("What `error_after` is the mean of.")
    coverage: list[AnsweredShare] = key("By ascending threshold, at about each hundredth of the images.")


class FrozenPart(Part):
    """The part of the net that was frozen last, by which the cache's features are found again."""

    cut: Text = key("Where it ends: `blockN`, or `pooledN`.")
    layer: Text = key("The layer of `model.keras` that gives the features.")
    layers: Text = key("SHA-256 of its layers and how they are joined.")
    weights: Text = key("SHA-256 of its weights.")


class Summary(Document):
    """The results. It is written last: a run that has it is finished."""

    FILE = "summary.json"

    results: dict[Text, MeasuredResult] = key(
        "By name: `val_accuracy`, `test_accuracy`; in one-shot runs protocols, and `verification`."
    )
    strategy: Text = key("What `dlp finetune` trained.")
    class_names: list[Text] = key("The classes of `dlp finetune`, in the order of the outputs.")
    learning_rate: Number | None = key("Of the last stage of `dlp finetune`.")
    method: Text = key("The name of the net of `dlp oneshot`.")
    objective: Text = key("What `dlp oneshot` made of pairs.")
    encoder: Text = key("The encoder of `dlp oneshot`.")
    dimensions: Count = key("Numbers in an embedding.")
    validation_alphabets: list[Text] = key("The alphabets that `dlp oneshot` validated on.")
    steps: Count = key("Steps of `dlp oneshot`.")
    threshold: PairThreshold = key("Of `dlp oneshot`.")
    trainable_parameters: Count = key("Numbers that the last stage trained.")
    parameters: Count = key("Numbers in the whole net.")
    best_epoch: Count = key("The epoch kept, from 1; 0 for the weights at the start of the stage.")
    epochs: Count = key("Epochs run.")
    seconds: Number = key("Wall time.")
    input: NetInput = key("What the net takes, see [predict.md](predict.md#without-dlp).")
    calibration: CalibrationPart = key("Of `dlp finetune`: how sure its answers may call themselves.")
    features: FrozenPart = key("Of `dlp finetune` where a part is frozen to the end.")
    test_scored: Count = key("How often the test was scored: 1, or 0 in a trial.")


class DataDigest(Part):
    """Which data were trained on."""

    root: Text = key("Where they lie.")
    digest: Text = key("SHA-256 of files, labels and splits.")


class WeightsDigest(Part):
    """Which weights were begun with."""

    origin: Text = key("Where they come from.")
    digest: Text | None = key("SHA-256; null for random ones.")


class StageCompilation(Part):
    """Whether XLA compiles a stage, chosen before its first step."""

    compiled: bool = key("Whether it does; a run that goes on keeps to it.")
    step_seconds: dict[Text, Number | None] = key(
        "Seconds of a step by `plain` and `compiled`, where `auto` timed them."
    )
    obstacle: Text = key("Why XLA cannot compile it; absent where it can, or was not asked.")


class Environment(Document):
    """What the run was made with. It is the last that is written before training."""

    FILE = "environment.json"

    versions: dict[Text, Text | None] = key("Of Python and of packages; null where one cannot be found.")
    platform: Text | None = key("The operating system.")
    processor: Text | None = key("The processor.")
    devices: list[Text] = key("The devices of the process that wrote.")
    replicas: Annotated[int, Field(ge=1, le=2**53)] = key("The devices of all processes together.")
    precision: Literal["float32", "bfloat16", "float16"] = key("What was computed in.")
    precision_timings_seconds: dict[Text, Number | None] = key(
        "Seconds of a convolution by precision, where `auto` timed them."
    )
    compilation: dict[Text, StageCompilation] = key("By stage; runs of earlier versions compiled nothing.")
    expected_seconds: dict[Text, list[Number]] = key(
        "By stage: the range of its wall time, as its first steps let expect."
    )
    deterministic: bool = key("Whether only operations were used that give the same bits each time.")
    seed: int = key("The seed.")
    data: DataDigest = key("The data.")
    weights: WeightsDigest = key("The weights at the start.")
    git: Text | None = key("The commit of the package, where it is a checkout.")


class LeftOutFile(Part):
    """A file that is not used."""

    path: Text = key("The file, relative to the data.")
    kind: Text = key("What is wrong with it, in a word.")
    reason: Text = key("What is wrong with it.")


class AlikeImages(Part):
    """Images that look the same."""

    size: Count = key("How many.")
    classes: dict[Text, Count] = key("How many of each class.")
    splits: dict[Text, Count] = key("How many of each given split.")
    fixed_scene: bool = key("Whether it is one scene with something else in it each time.")
    paths: list[Text] = Field(description="The files.")


class LevelRange(Part):
    """The range of files with more than 8 bits a channel."""

    black: Number = Field(description="What became 0.")
    white: Number = Field(description="What became 255.")


class AuditFinding(Part):
    """Something that the audit noticed."""

    kind: Text = key("What, in a word.")
    severity: Literal["error", "warning", "info"] = key("How bad it is.")
    message: Text = key("What, in a sentence.")
    hint: Text = key("What to do about it.")
    paths: list[Text] = key("The files that it is about.")


class AuditPart(Part):
    """A part of the classes of a one-shot run."""

    alphabets: list[Text] = key("Its alphabets.")
    classes: Count = key("How many classes it has.")
    examples: Count = key("How many images it has.")


class AuditDocument(Document):
    """What the audit of the data found."""

    FILE = "audit.json"

    images: Count = key("How many files there are.")
    usable: Count = key("How many of them can be used.")
    classes: dict[Text, dict[Text, Count]] = key("Usable images, by class and given split.")
    formats: dict[Text, Count] = key("How many files by format.")
    sizes: dict[Text, dict[Text, Count]] = key("`min`, `median`, `max` of `width` and `height`, in pixels.")
    unusable: list[LeftOutFile] = key("What is not used.")
    near_duplicates: list[AlikeImages | list[Text]] = key(
        "Clusters of images that look the same; runs of earlier versions have pairs of paths."
    )
    levels: LevelRange | None = key("The range of images with more than 8 bits a channel.")
    findings: list[AuditFinding] = key("What was noticed.")
    parts: dict[Text, AuditPart] = key("In one-shot runs, by part: train, validation, test.")
