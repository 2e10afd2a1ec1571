# SPDX-License-Identifier: Apache-2.0
"""The fixtures of this folder's tests."""

from __future__ import annotations

from tests.peers.smsc.fixtures import certificate, node_smsc, node_smsc_tls, smsc_peer, twisted_smsc

__all__ = ["certificate", "node_smsc", "node_smsc_tls", "smsc_peer", "twisted_smsc"]
