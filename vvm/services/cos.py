# SPDX-License-Identifier: Apache-2.0
"""Operators keep classes of service; a change holds at once for everybody who refers to the class."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
import structlog

from vvm.domain.clock import Clock
from vvm.domain.cos import Cos, Limits, NoSuchCos, check_limits, parse_cos_name
from vvm.domain.subscriber import CosName
from vvm.services.paging import PAGE, Page, check_limit, page_of, place_of
from vvm.store.port import CosStore

log = structlog.get_logger(__name__)

_Name = Annotated[CosName, msgspec.Meta(pattern="^[!-~]{1,40}$")]


class ClassesOfService:
    def __init__(self, classes: CosStore, *, clock: Clock) -> None:
        self._classes = classes
        self._clock = clock

    async def put(
        self, name: str, limits: Limits, *, exists: bool | None = None, decided_at: datetime | None = None
    ) -> tuple[Cos, bool]:
        """Add a class, or replace the whole of what it says; True where it is new.

        Raises InvalidCos; PreconditionFailed as ``CosStore.put``.
        """
        check_limits(limits)
        wanted = Cos(parse_cos_name(name), limits, self._clock.now())
        cos, new = await self._classes.put(wanted, exists=exists, decided_at=decided_at)
        log.info("cos_put", cos=cos.name, new=new, **msgspec.to_builtins(limits))
        return cos, new

    async def show(self, name: str) -> Cos:
        """Raises NoSuchCos."""
        found = await self.find(name)
        if found is None:
            raise NoSuchCos
        return found

    async def find(self, name: str) -> Cos | None:
        return await self._classes.by_name(CosName(name))

    async def page(self, *, cursor: str | None = None, limit: int = PAGE) -> Page[Cos]:
        """By name.  Raises InvalidLimit, BadCursor."""
        check_limit(limit)
        found = await self._classes.page(after=place_of(cursor, _Name), limit=limit + 1)
        return page_of(found, limit, lambda last: last.name)

    async def remove(self, name: str, *, decided_at: datetime | None = None) -> None:
        """Raises NoSuchCos, CosInUse; PreconditionFailed when its last change was not at ``decided_at``."""
        await self._classes.remove(CosName(name), decided_at=decided_at)
        log.info("cos_removed", cos=name)
