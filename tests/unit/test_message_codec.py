# SPDX-License-Identifier: Apache-2.0
"""Two encoders of AMR-NB, and which one is taken.

What compares with the second encoder needs its Debian package, and so counts among the peers.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.test_message_transcode import pcm, speech_like
from vvm.message.audio import codec, opencore, pyav

PCM = pcm(speech_like(8000, 1.0))
INSTALL = "apt-get install -y libopencore-amrnb0"


@pytest.fixture(autouse=True)
def _probe_afresh() -> Iterator[None]:
    codec.probe.cache_clear()
    opencore._library.cache_clear()
    yield
    codec.probe.cache_clear()
    opencore._library.cache_clear()


def by_opencore(samples: bytes) -> bytes:
    try:
        return opencore.encode(samples)
    except NotImplementedError:
        pytest.fail(f"the fallback encoder is missing: {INSTALL}")


@pytest.mark.peers
def test_the_fallback_writes_a_frame_of_12_2_kbit_for_every_20_ms() -> None:
    frames = by_opencore(PCM)
    assert len(frames) == 50 * 32
    assert set(frames[::32]) == {0x3C}


@pytest.mark.peers
def test_both_encoders_write_the_same_octets() -> None:
    assert by_opencore(PCM) == pyav.encode(PCM)


@pytest.mark.peers
def test_pyav_is_preferred_and_the_fallback_is_known() -> None:
    by_opencore(PCM)
    assert codec.probe() == ("libopencore_amrnb", "libopencore-amrnb.so.0")


@pytest.mark.peers
def test_a_wheel_without_the_encoder_leads_to_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    by_opencore(PCM)
    monkeypatch.setattr(pyav, "NAME", "libnothing_amrnb")
    assert codec.probe() == ("libopencore-amrnb.so.0",)
    assert codec.encode(PCM) == by_opencore(PCM)


def test_a_machine_without_an_encoder_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyav, "NAME", "libnothing_amrnb")
    monkeypatch.setattr(opencore, "NAME", "libnothing.so.0")
    assert codec.probe() == ()
    with pytest.raises(codec.NoEncoder, match=INSTALL):
        codec.encode(PCM)


def test_samples_that_end_inside_a_frame_are_filled_up() -> None:
    assert len(codec.encode(PCM[:322])) == 2 * 32
    assert codec.encode(b"") == b""
