# SPDX-License-Identifier: Apache-2.0
"""Places for blobs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.blob_laws import ENDLESS, LAWS, OCTETS, older
from tests.contract.blob_places import PLACES
from vvm.domain.errors import Outage
from vvm.store.blobs.disk import DiskBlobs
from vvm.store.blobs.key import new_key
from vvm.store.blobs.port import BlobStore


@pytest.fixture(params=sorted(PLACES))
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[BlobStore]:
    opened = PLACES[request.param](tmp_path)
    yield opened
    await opened.close()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
async def test_law(blobs: BlobStore, law: Any) -> None:
    await law(blobs)


async def test_on_disk_what_was_only_begun_is_listed_and_deleted(tmp_path: Path) -> None:
    disk = DiskBlobs(tmp_path, threads=1)
    key = new_key(OCTETS)
    await disk.put(key, OCTETS)
    (whole,) = (path for path in tmp_path.rglob("*") if path.is_file())
    whole.rename(whole.with_name(whole.name + ".draft"))  # as a crash before the rename leaves it
    assert await disk.get(key) is None
    assert await older(disk, ENDLESS) == {key}
    await disk.delete([key])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    await disk.close()


async def test_a_disk_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file where the directory should be")
    disk = DiskBlobs(tmp_path / "blobs", threads=1)
    with pytest.raises(Outage, match="Not a directory"):
        await disk.put(new_key(OCTETS), OCTETS)
    await disk.close()
