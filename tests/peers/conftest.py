# SPDX-License-Identifier: Apache-2.0
"""Servers that we did not write, for the tests that need more than one of them."""

from __future__ import annotations

from tests.peers.asterisk.conftest import asterisk, asterisk_root, speech
from tests.peers.smsc.fixtures import node_smsc, smsc_peer, twisted_smsc

__all__ = ["asterisk", "asterisk_root", "node_smsc", "smsc_peer", "speech", "twisted_smsc"]
