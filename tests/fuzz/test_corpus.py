# SPDX-License-Identifier: Apache-2.0
"""Every input that was ever kept, and some that hypothesis thinks of, pass their target."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_the_kept_inputs_still_pass(name: str) -> None:
    kept = corpus.inputs(name)
    assert kept
    for path in kept:
        TARGETS[name](path.read_bytes())


def test_every_folder_of_the_corpus_has_its_target() -> None:
    assert {folder.name for folder in corpus.FOLDER.iterdir()} == set(TARGETS)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_next_to_a_kept_input_passes_too(name: str) -> None:
    """Cut, doubled, or with some octets replaced: most bugs of readers are close to what they read well."""
    seeds = [path.read_bytes() for path in corpus.inputs(name)]

    @settings(max_examples=60)
    @given(st.sampled_from(seeds), st.integers(0, 400), st.binary(max_size=6), st.integers(0, 6))
    def mutated(seed: bytes, at: int, put: bytes, drop: int) -> None:
        TARGETS[name](seed[:at] + put + seed[at + drop :])

    mutated()
