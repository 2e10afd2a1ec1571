# SPDX-License-Identifier: Apache-2.0
"""How a simulated SMSC behaves."""

from __future__ import annotations

import ssl

import msgspec

from sms_gateway.smpp.session import Limits
from sms_gateway.smpp.tlv import Tlvs


class SimulatorSettings(msgspec.Struct, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    """Where to listen."""
    port: int = 0
    """0 takes a free one; ``SimulatedSmsc.port`` says which."""
    system_id: str = "vvm"
    """Who may bind."""
    password: str = "secret"  # noqa: S105 - what the quick start's configuration says too
    """And with which password."""
    tls: ssl.SSLContext | None = None
    """TLS from the first octet."""
    receipts: bool = True
    """Report delivery where registered_delivery asks for it."""
    receipt_text: bytes = (
        b"id:%(id)s sub:001 dlvrd:001 submit date:2601021304 done date:2601021305 stat:DELIVRD err:000 text:"
    )
    """What a receipt says (SMPP 3.4 Appendix B).

    ``%(id)s`` stands for the message id as the response wrote it, ``%(ID)s`` in capitals,
    ``%(decimal)s`` for its number.
    """
    receipt_tlvs: bool = True
    """Say it in TLVs as well."""
    bind_tlvs: Tlvs = ()
    """What the answer to a bind has beside the system_id."""
    response_tlvs: Tlvs = ()
    """What each submit_sm_resp has beside the message id."""
    remember: int = 1000
    """How many submits ``SimulatedSmsc.submits`` keeps."""
    limits: Limits = Limits(
        response_seconds=30.0,
        enquire_seconds=60.0,
        enquire_response_seconds=10.0,
        unbind_seconds=2.0,
        max_pdu_bytes=70_000,
    )
    """Its own timers."""
