# SPDX-License-Identifier: Apache-2.0
"""The fixtures of this folder's tests."""

from __future__ import annotations

from tests.peers.smsc.fixtures import node_smsc, smsc_peer, twisted_smsc

__all__ = ["node_smsc", "smsc_peer", "twisted_smsc"]
