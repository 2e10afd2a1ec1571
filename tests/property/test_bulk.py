# SPDX-License-Identifier: Apache-2.0
"""What is exported and imported into an empty store is exported again octet by octet."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.services_world import World
from vvm.cli.subscriber_files import LineWriter, is_csv, read_lines
from vvm.domain.cos import Limits
from vvm.domain.subscriber import ClientProfile, CosName, Dialect, Fallback, Manners, SmsCoding
from vvm.omtp.carrier import CarrierProfile
from vvm.services.bulk import ClientLine, ImportReport, SubscriberLine
from vvm.services.settings import ServiceSettings

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
CARRIERS = {name: CarrierProfile(name, ClientProfile(carrier=name)) for name in ("kpn", "swisscom")}
CLIENTS = st.builds(
    ClientLine,
    dialect=st.sampled_from(Dialect),
    client_type=TEXT,
    port=st.integers(0, 65_535),
    prefix=st.sampled_from(["//VVM", '"quoted",', "//X"]),
    coding=st.sampled_from(SmsCoding),
    source=st.sampled_from(["", "22344"]),
    carrier=st.sampled_from(["", *CARRIERS]),
    manners=st.sampled_from(Manners),
)
CLASSES = [CosName(""), CosName("gold"), CosName("none")]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is given
NUMBERS = 4
KINDS = ("csv", "ndjson")
QUICK = settings(deadline=None, max_examples=30)


@st.composite
def lines(draw: st.DrawFn) -> list[SubscriberLine]:
    """The same subscribers each time, in whatever state, with aliases that nobody else wants."""
    return [
        SubscriberLine(
            msisdn=f"+3360000000{number}",
            language=draw(st.sampled_from(["eng", "fra"])),
            max_messages=draw(st.integers(1, 1000)),
            setup_done=draw(st.booleans()),
            blocked=draw(st.booleans()),
            fallback=draw(st.sampled_from(Fallback)),
            cos=draw(st.sampled_from(CLASSES)),
            client=draw(CLIENTS),
            aliases=tuple(f"+3361000{number}{alias}" for alias in sorted(draw(st.sets(st.integers(0, 3))))),
            held=draw(st.booleans()),
            closed=(end := draw(st.none() | MOMENTS)) is not None,
            closing_at=end,
        )
        for number in range(NUMBERS)
    ]


async def new_world() -> World:
    service = ServiceSettings(imap_port=1143, languages=("eng", "fra"))
    world = World(service=service, carriers=CARRIERS)
    for name in CLASSES[1:]:
        await world.classes.put(name, Limits())
    return world


async def load(world: World, given: Sequence[SubscriberLine], **how: bool) -> ImportReport:
    numbered = list(enumerate(given, 1))
    return await world.bulk.load(numbered, progress=lambda _: None, **{"dry_run": False} | how)


async def exported(world: World, file: Path) -> bytes:
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = LineWriter(out, as_csv=is_csv(file))
        async for line in world.bulk.dump():
            writer.write(line)
    return file.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
@given(given=lines())
@QUICK
async def test_an_export_is_imported_and_exported_the_same(kind: str, given: list[SubscriberLine]) -> None:
    old, new = await new_world(), await new_world()
    assert (await load(old, given)).bad_lines == ()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"all.{kind}"
        octets = await exported(old, file)
        report = await new.bulk.load(read_lines(file), dry_run=False, progress=lambda _: None)
        assert (report.created, report.bad_lines) == (NUMBERS, ())
        assert await exported(new, file) == octets


@pytest.mark.parametrize("kind", KINDS)
@given(before=lines(), after=lines())
@QUICK
async def test_an_update_brings_everybody_to_what_it_says_and_then_nothing(
    kind: str, before: list[SubscriberLine], after: list[SubscriberLine]
) -> None:
    old, new = await new_world(), await new_world()
    await load(old, before)
    await load(new, after)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"all.{kind}"
        wanted = await exported(new, file)
        asked = list(read_lines(file))
        was = await exported(old, file)

        async def take(*, dry_run: bool) -> ImportReport:
            return await old.bulk.load(asked, update=True, dry_run=dry_run, progress=lambda _: None)

        promised = await take(dry_run=True)
        assert await exported(old, file) == was
        assert await take(dry_run=False) == promised
        assert promised.bad_lines == ()
        assert await exported(old, file) == wanted
        again = await take(dry_run=False)
        assert (again.known, again.updated, again.created) == (NUMBERS, 0, 0)
