# SPDX-License-Identifier: Apache-2.0
"""What ``vvm subscriber add`` and ``set`` may say of a subscriber: the body of PUT and PATCH.

Dataclasses, because cyclopts makes options of their fields.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import CycloptsError, Parameter, validators

from vvm.config.secrets import read_secret
from vvm.domain.form import fault_of
from vvm.domain.prefix import PREFIX_RULE
from vvm.domain.subscriber import ClientProfile, CosName, Dialect, Fallback, Manners
from vvm.fronts.http.subscribers import ClientDocument
from vvm.runtime.wiring import Services
from vvm.services.provisioning import MAX_MESSAGES_LIMIT, SubscriberOptions


def _holds_a_pin(type_: object, file: Path | None) -> None:
    """A file that is none is a mistake in the command line.  Raises ValueError."""
    del type_
    try:
        if file is not None:
            read_secret(file)
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None


@dataclass(frozen=True, kw_only=True)
class ClientOptions:
    """What is known of the client until its SMS says more; None: as its carrier profile or it itself is."""

    dialect: Annotated[
        Dialect | None, Parameter(name="--client-dialect", help="Which family of texts it speaks.")
    ] = None
    protocol_version: Annotated[
        int | None, Parameter(name="--client-protocol-version", help="pv= of its SMS, 11 say.")
    ] = None
    client_type: Annotated[
        str | None, Parameter(name="--client-type", help="ct= of its SMS: what it calls itself.")
    ] = None
    port: Annotated[
        int | None, Parameter(name="--client-port", help="The application port of SMS to it; 0 for none.")
    ] = None
    prefix: Annotated[
        str | None, Parameter(name="--client-prefix", help=f"What SMS to it begin with: {PREFIX_RULE}.")
    ] = None
    coding: Annotated[
        Literal["8bit", "gsm7", "ucs2"] | None, Parameter(name="--client-coding", help="Of SMS to it.")
    ] = None
    source: Annotated[
        str | None,
        Parameter(
            name="--client-source", help='The short code that SMS to it come from; "" for vvm.service_number.'
        ),
    ] = None
    manners: Annotated[
        Manners | None,
        Parameter(name="--manners", help="What it may do over IMAP, in place of what its SMS tell."),
    ] = None

    def applied_to(self, client: ClientProfile) -> ClientProfile:
        """Raises CycloptsError, which names the option."""
        try:
            return msgspec.convert(asdict(self), ClientDocument).applied_to(client)
        except msgspec.ValidationError as error:
            raise CycloptsError(msg=f"client.{fault_of(error, ClientDocument)}") from None


_NO_CLIENT = ClientOptions()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """None: the default of a new subscriber, or as it is."""

    language: Annotated[str | None, Parameter(help="Language of the menus; one of vvm.languages.")] = None
    max_messages: Annotated[
        int | None,
        Parameter(
            validator=validators.Number(lte=MAX_MESSAGES_LIMIT),
            help="How many messages the mailbox holds; a new one vvm.max_messages of them when left out.",
        ),
    ] = None
    setup_done: Annotated[bool | None, Parameter(help="Whether the new-user tutorial is closed.")] = None
    blocked: Annotated[
        bool | None,
        Parameter(negative="--unblocked", help="Blocked: it keeps its messages, and its client is refused."),
    ] = None
    fallback: Annotated[
        Fallback | None, Parameter(help="What it gets in place of SYNC while no client of it is active.")
    ] = None
    cos: Annotated[
        str | None, Parameter(help='Its class of service, as vvm cos lists them; "" for none.')
    ] = None
    carrier: Annotated[
        str | None, Parameter(help="The carrier profile of its client; one of vvm.carriers.")
    ] = None
    pin_file: Annotated[
        Path | None,
        Parameter(
            validator=_holds_a_pin,
            help="File whose only line is a new PIN of the telephone menus; a command line keeps no secret.",
        ),
    ] = None
    client: Annotated[ClientOptions, Parameter(name="*")] = _NO_CLIENT

    def options(self, services: Services, client: ClientProfile) -> SubscriberOptions:
        """With ``client`` as the profile that is changed.  Raises UnknownCarrier, CycloptsError."""
        start = services.provisioning.client_of(self.carrier) if self.carrier else client
        said = self.carrier or self.client != _NO_CLIENT
        return SubscriberOptions(
            language=self.language,
            max_messages=self.max_messages,
            setup_done=self.setup_done,
            blocked=self.blocked,
            fallback=self.fallback,
            cos=None if self.cos is None else CosName(self.cos),
            client=self.client.applied_to(start) if said else None,
            pin=None if self.pin_file is None else read_secret(self.pin_file),
        )


WantedOptions = Annotated[Wanted, Parameter(name="*")]
NOTHING = Wanted()
