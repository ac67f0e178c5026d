"""`dlp data check` for `dlp finetune`: its answer is that of the function by which training reads images."""

from dlpractice.config.schema import Finetune
from dlpractice.data.dataset import locate
from dlpractice.data.files.index import read_index
from dlpractice.errors import DataError
from dlpractice.progress import Progress, Silent
from dlpractice.recipes.data.check import Check, is_there, refuse
from dlpractice.recipes.finetune.backbone import find_base
from dlpractice.recipes.finetune.images import survey_images
from dlpractice.registry.backbones import BACKBONES, require_size
from dlpractice.registry.strategies import plan_strategy


def run(config: Finetune, progress: Progress | None = None) -> Check:
    """Reads, audits and divides the data of a config.

    Raises:
        DataError: there are no data: nothing has the name or path, or they cannot be had.
        ModelError: the images are made too small for the config's backbone.
    """
    if config.is_open:
        config = config.as_head(min(BACKBONES, key=lambda name: BACKBONES[name].minimum_size))
    backbone = find_base(config)
    pretrained = config.model.weights is not None
    if plan_strategy(config.strategy, len(backbone.blocks), pretrained=pretrained).block is not None:
        require_size(backbone, config.data.image_size)
    progress = progress or Silent()
    try:
        read_index(locate(config.data.source, Silent()), progress)
    except DataError as error:
        if not is_there(config.data.source):
            raise
        return refuse(config, error)
    found = survey_images(config, progress)
    return Check(config, found.audit, found.sizes(config.data.fraction) if found.splits else {})
