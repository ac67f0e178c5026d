"""Configs with variants: each variant is a set of changes to the sections, for when it is what runs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Self, TypeVar, cast

from pydantic import ConfigDict, Field, create_model

from dlpractice.config.sections.shared import Section

_SectionT = TypeVar("_SectionT", bound=Section)

ABSENT: Any = None
"""The default of a section of changes, which then changes nothing."""


def _drop_defaults(schema: dict[str, Any]) -> None:
    for field in schema["properties"].values():
        field.pop("default", None)


class Changes(Section):
    """What one variant changes in the sections of its config; only the keys that are written count."""

    model_config = ConfigDict(json_schema_extra=_drop_defaults)


def changes_of(
    section: type[_SectionT], without: Mapping[str, str] = MappingProxyType({})
) -> type[_SectionT]:
    """A section with the fields and bounds of `section`, all optional.

    A field that is not written changes nothing.

    without: fields that a variant may not change, each with the reason.
    """
    fields: dict[str, Any] = {
        name: (
            Annotated[
                field.annotation,
                *field.metadata,
                Field(description=field.description, examples=field.examples),
            ],
            None,
        )
        for name, field in section.model_fields.items()
        if name not in without
    }
    changes = create_model(f"{section.__name__}Changes", __base__=Changes, __doc__=section.__doc__, **fields)
    changes.REFUSED = {**section.REFUSED, **without}
    return cast("type[_SectionT]", changes)


class Varied(Section):
    """A config that may have variants: the key `VARIANT` says which one runs, `VARIANTS` what each changes.

    Both are empty in a config without variants.

    FREE_NAMES: whether a variant is called as its config likes, so that an override cannot mean one that the
    config does not describe.
    """

    VARIANT: ClassVar[str] = ""
    VARIANTS: ClassVar[str] = ""
    FREE_NAMES: ClassVar[bool] = False

    def variants(self) -> tuple[str, ...]:
        """The names of the variants that the config describes."""
        return tuple(getattr(self, self.VARIANTS)) if self.VARIANTS else ()

    def with_variant(self, name: str) -> Self:
        """The config of one variant: its changes are applied to the sections, and no variant is left.

        A name that the config does not describe changes nothing.

        Raises:
            pydantic.ValidationError: the sections do not fit each other once the changes are made.
        """
        settings = self.model_dump(exclude={self.VARIANTS})
        settings[self.VARIANT] = name
        if name in self.variants():
            for section, changes in getattr(self, self.VARIANTS)[name].model_dump(exclude_unset=True).items():
                settings[section] |= changes
        return type(self).model_validate(settings)
