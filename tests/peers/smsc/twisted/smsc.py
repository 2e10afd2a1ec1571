# SPDX-License-Identifier: Apache-2.0
"""An SMSC on smpp.twisted3, an implementation of SMPP that is not ours.

Runs in a virtual environment of its own, for it pins an old Twisted; it shares no code with the
project.  Speaks the same JSON lines as ``../node/smsc.js``, which explains them.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from smpp.pdu.constants import command_status_name_map
from smpp.pdu.operations import DeliverSM
from smpp.pdu.pdu_encoding import DataCodingEncoder, EsmClassEncoder
from smpp.pdu.pdu_types import (
    AddrNpi,
    AddrTon,
    CommandStatus,
    DataCoding,
    DataCodingScheme,
    EsmClass,
    EsmClassGsmFeatures,
    EsmClassMode,
    EsmClassType,
    MessageState,
    RegisteredDeliveryReceipt,
)
from smpp.twisted.config import SMPPServerConfig
from smpp.twisted.protocol import DataHandlerResponse
from smpp.twisted.server import SMPPServerFactory
from twisted.cred import checkers, credentials, error, portal
from twisted.internet import defer, reactor, stdio
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

SYSTEM_ID, PASSWORD = sys.argv[1:3]
FAULTS = {
    b"999001": CommandStatus.ESME_RTHROTTLED,
    b"999002": CommandStatus.ESME_RMSGQFUL,
    b"999003": CommandStatus.ESME_RINVDSTADR,
}


# The libraries print what they decode, so the lines get standard output for themselves.
LINES = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(event: str, **fields: Any) -> None:
    print(json.dumps({"event": event, **fields}), file=LINES, flush=True)


def octet(encoder: Any, value: Any) -> int:
    return encoder().encode(value)[0]


def number(status: Any) -> int:
    return command_status_name_map[status.name]


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, system_id: str, mind: object, *interfaces: object) -> tuple[Any, ...]:  # noqa: N802 - Twisted's name
        return ("SMPP", system_id, lambda: None)


class Checker(checkers.InMemoryUsernamePasswordDatabaseDontUse):
    credentialInterfaces = (credentials.IUsernamePassword,)  # noqa: N815 - Twisted's name

    def requestAvatarId(self, offered: Any) -> defer.Deferred:  # noqa: N802 - Twisted's name
        if (offered.username, offered.password) == (SYSTEM_ID, PASSWORD):
            say("bound", system_id=offered.username)
            return defer.succeed(offered.username)
        say("refused", system_id=str(offered.username))
        return defer.fail(error.UnauthorizedLogin())


def receiving() -> Any:
    """A transceiver, or a receiver."""
    return factory.getBoundConnections(SYSTEM_ID).getNextBindingForDelivery()


class Smsc:
    def __init__(self) -> None:
        self.count = 0

    def submit(self, system_id: str, connection: Any, pdu: Any) -> Any:
        fields = pdu.params
        destination = fields["destination_addr"]
        if destination in FAULTS:
            return FAULTS[destination]
        self.count += 1
        message_id = b"%08X" % self.count
        say(
            "submit",
            message_id=message_id.decode(),
            source=fields["source_addr"].decode(),
            destination=destination.decode(),
            esm_class=octet(EsmClassEncoder, fields["esm_class"]),
            data_coding=octet(DataCodingEncoder, fields["data_coding"]),
            user_data=(fields["short_message"] or b"").hex(),
        )
        if (
            fields["registered_delivery"].receipt
            != RegisteredDeliveryReceipt.NO_SMSC_DELIVERY_RECEIPT_REQUESTED
        ):
            # After the answer: Twisted writes it when this function has returned.
            reactor.callLater(0, self.report, fields, message_id)
        return DataHandlerResponse(CommandStatus.ESME_ROK, message_id=message_id)

    def report(self, fields: dict[str, Any], message_id: bytes) -> None:
        text = (
            b"id:%s sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"
        )
        receipt = DeliverSM(
            source_addr=fields["destination_addr"],
            source_addr_ton=fields["dest_addr_ton"],
            source_addr_npi=fields["dest_addr_npi"],
            destination_addr=fields["source_addr"],
            esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.SMSC_DELIVERY_RECEIPT),
            receipted_message_id=message_id,
            message_state=MessageState.DELIVERED,
            short_message=text % message_id,
        )
        self.deliver(receiving(), receipt, message_id.decode())

    def deliver(self, connection: Any, pdu: Any, name: str) -> None:
        def answered(result: Any) -> None:
            say("answered", to=name, status=number(result.response.status))

        def failed(failure: Any) -> None:
            # An answer other than ROK comes as an error that carries it; a lost link carries none.
            answer = getattr(failure.value, "response", None)
            say("answered", to=name, status=number(answer.status) if answer else -1)

        connection.sendDataRequest(pdu).addCallbacks(answered, failed)

    def order(self, order: dict[str, Any]) -> None:
        connection = receiving()
        if order["command"] == "unbind":
            connection.unbindAndDisconnect()
            return
        header = bytes.fromhex(order.get("udh") or "")
        features = [EsmClassGsmFeatures.UDHI_INDICATOR_SET] if header else []
        self.deliver(
            connection,
            DeliverSM(
                source_addr=order["source"].encode(),
                source_addr_ton=AddrTon.INTERNATIONAL,
                source_addr_npi=AddrNpi.ISDN,
                destination_addr=order["destination"].encode(),
                dest_addr_ton=AddrTon.NETWORK_SPECIFIC,
                esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.DEFAULT, features),
                data_coding=DataCoding(DataCodingScheme.RAW, order["data_coding"]),
                short_message=header + bytes.fromhex(order["text"]),
            ),
            order["id"],
        )


class Orders(LineReceiver):
    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        smsc.order(json.loads(line))

    def connectionLost(self, reason: object) -> None:  # noqa: N802 - Twisted's name
        if reactor.running:
            reactor.stop()


smsc = Smsc()
gate = portal.Portal(Realm())
gate.registerChecker(Checker())
factory = SMPPServerFactory(
    SMPPServerConfig(msgHandler=smsc.submit, systems={SYSTEM_ID: {"max_bindings": 4}}), auth_portal=gate
)
listening = reactor.listenTCP(0, factory, interface="127.0.0.1")
stdio.StandardIO(Orders())
say("listening", port=listening.getHost().port)
reactor.run()
