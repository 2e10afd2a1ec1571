# SPDX-License-Identifier: Apache-2.0
"""What an operator decides about the HTTP API: where it listens, who may call it, and how much it takes."""

from __future__ import annotations

import msgspec


class HttpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The operators' API: plain HTTP on an address of the machine, and TLS where others reach it."""

    listen: str = "127.0.0.1:8080"
    """Address and port of the API, of /metrics, /healthz and /readyz, in plain HTTP: keep it private."""
    listen_tls: str = ""
    """Address and port of the same over TLS; "" listens nowhere."""
    certificate: str = ""
    """PEM file with the certificate of listen_tls and its chain; the three files are looked at for a renewal
    twice a minute."""
    key: str = ""
    """PEM file with its private key."""
    client_ca: str = ""
    """PEM file with authorities: without a client certificate of theirs nobody gets in; "" asks for none."""
    admin_token_file: str = ""
    """File with the bearer token of the API; "" makes admin.token in state.directory at the first start."""
    max_body_bytes: int = 20_000_000
    """The largest body of a request, in octets; a larger one is refused before it is read."""
    max_json_bytes: int = 65_536
    """The largest JSON document of a request, in octets."""
    max_batch_bytes: int = 1_000_000
    """The largest body of POST /v1/subscribers:batch, in octets."""
    max_connections: int = 1000
    """Connections of this process, those in a TLS handshake counted; one more is closed at once."""
    max_deposits: int = 32
    """Deposits that are read and transcoded at a time; others wait, which bounds the memory they take."""
    max_streams: int = 50
    """Streams of events at a time; one more is answered 503."""
    body_seconds: float = 60.0
    """From the end of the header to the end of the body."""
    request_seconds: float = 120.0
    """From the end of the header to the answer; a request that takes longer is answered 503."""
    handshake_seconds: float = 10.0
    """How long a TLS handshake may take; one that fails is counted and logged."""
    idle_seconds: float = 75.0
    """Silence between two requests of a connection, and the time for the header of the first."""
    linger_seconds: float = 5.0
    """How long a body that was refused is read and thrown away, so that its sender sees the answer."""
    requests_per_second: float = 50.0
    """What a token of `vvm token` may ask that has no rate of its own; 0 for as much as it likes."""
    burst_seconds: float = 5.0
    """A token that was silent for so long may make that many seconds' requests at once."""
    idempotency_hours: float = 24.0
    """How long the answer to a request with Idempotency-Key is kept for whoever repeats it."""
    ready_seconds: float = 2.0
    """How long /readyz waits for the store."""
    notice_seconds: float = 0.0
    """How long a stop goes on serving while /readyz says 503: longer than a load balancer takes to notice."""
    drain_seconds: float = 10.0
    """How long a stop waits for requests in progress."""
    retry_after_seconds: int = 5
    """Retry-After of a 503: when to come again."""
