"""The sections of a `dlp oneshot` config for the net that embeds images, and for what it is trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model, model_validator

from dlpractice.config.sections.shared import Section, one_of
from dlpractice.registry.backbones import BACKBONES
from dlpractice.registry.encoders import ENCODERS
from dlpractice.registry.objectives import OBJECTIVES, SETTINGS
from dlpractice.registry.wording import join_words


class Encoder(Section):
    """The network that turns an image into the embedding that is compared."""

    name: Annotated[str, one_of(ENCODERS, BACKBONES)] = Field(
        default="residual",
        description=f"{', '.join(f'{name} ({row.short})' for name, row in ENCODERS.items())}, or a backbone "
        "that knows photographs.",
    )
    weights: str | None = Field(
        default=None,
        description="What a backbone starts from: imagenet, a weights file's path, or null for random.",
    )
    width: float = Field(
        default=1.0, gt=0, le=8, description="Factor on the channel counts of a net that is no backbone."
    )
    dimensions: Annotated[int, Field(ge=2, le=8192)] | None = Field(
        default=None,
        description="Numbers in an embedding; null keeps the last feature map, flattened.",
    )

    @model_validator(mode="after")
    def _pretrain_backbones_only(self) -> Encoder:
        is_backbone = self.name in BACKBONES
        if self.weights is not None and not is_backbone:
            raise ValueError(f"weights must be null where name is {self.name}: only backbones are pretrained")
        if self.width != 1 and is_backbone:
            raise ValueError(
                f"width must be 1 where name is {self.name}: a backbone has its own; got {self.width}"
            )
        return self


class _Objective(Section):
    """What training makes of the pairs of a batch: any two of its images are the same class or different."""

    name: Annotated[str, one_of(OBJECTIVES)] = Field(
        default="supcon",
        description=f"{join_words(f'{name} ({row.short})' for name, row in OBJECTIVES.items())}.",
    )


def _with_settings(section: type[_Objective]) -> type[_Objective]:
    """The section, with a key added for each setting of the registry's objectives."""
    fields: dict[str, Any] = {
        name: (
            float,
            Field(default=setting.default, gt=0, le=setting.largest, description=setting.describe(name)),
        )
        for name, setting in SETTINGS.items()
    }
    return create_model("Objective", __base__=section, __doc__=section.__doc__, **fields)


if TYPE_CHECKING:
    Objective = _Objective
else:
    Objective = _with_settings(_Objective)
