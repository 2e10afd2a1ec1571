# SPDX-License-Identifier: Apache-2.0
"""Timers and sequence numbers of a link, with a clock that stands still."""

from __future__ import annotations

from sms_gateway.smpp.pdu import (
    GENERIC_NACK,
    RESPONSE,
    Address,
    Alert,
    Command,
    Empty,
    Pdu,
    Sm,
    SmResponse,
    decode,
    encode,
)
from sms_gateway.smpp.session import (
    LAST_SEQUENCE,
    Answered,
    Broken,
    Ignored,
    Limits,
    Requested,
    Send,
    Session,
    Unanswered,
    Unbound,
)
from sms_gateway.smpp.status import Status

LIMITS = Limits(
    response_seconds=30, enquire_seconds=20, enquire_response_seconds=10, unbind_seconds=1, max_pdu_bytes=1024
)
SM = Sm(Address(), Address())
SUBMITTED = Command.SUBMIT_SM | RESPONSE
ENQUIRE = Send(encode(Pdu(Command.ENQUIRE_LINK, 1)))


def session() -> Session[str]:
    return Session(LIMITS, now=0.0)


def test_an_answer_finds_its_request_in_any_order() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "first", 0.0)
    link.request(Command.SUBMIT_SM, SM, "second", 0.0)
    two, one = Pdu(SUBMITTED, 2, SmResponse(b"b")), Pdu(SUBMITTED, 1, SmResponse(b"a"))
    assert list(link.receive(encode(two) + encode(one), 1.0)) == [
        Answered("second", two),
        Answered("first", one),
    ]
    assert link.in_flight == 0


def test_sequence_numbers_start_at_one_and_wrap() -> None:
    link = session()
    assert decode(link.request(Command.SUBMIT_SM, SM, "a", 0.0)).sequence == 1
    link._sequence = LAST_SEQUENCE
    assert decode(link.request(Command.SUBMIT_SM, SM, "b", 0.0)).sequence == 1


def test_a_submit_without_answer_is_given_up_and_the_peer_is_asked_whether_it_lives() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "lost", 0.0)
    list(link.receive(encode(Pdu(Command.ENQUIRE_LINK, 9)), 25.0))
    assert link.deadline() == 30.0
    assert list(link.tick(29.9)) == []
    assert list(link.tick(30.0)) == [Unanswered("lost"), Send(encode(Pdu(Command.ENQUIRE_LINK, 2)))]
    assert link.deadline() == 40.0
    assert list(link.tick(40.0)) == [Broken("silent: enquire_link was not answered")]


def test_a_late_answer_is_ignored() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "lost", 0.0)
    list(link.tick(30.0))
    late = encode(Pdu(SUBMITTED, 1, SmResponse(b"x")))
    assert list(link.receive(late, 31.0)) == [Ignored(SUBMITTED, 1, "answers_nothing")]


def test_silence_is_probed_and_any_octet_is_a_sign_of_life() -> None:
    link = session()
    assert link.deadline() == 20.0
    assert list(link.tick(20.0)) == [ENQUIRE]
    assert list(link.receive(b"\0", 29.0)) == []
    assert link.deadline() == 49.0


def test_the_answer_to_our_enquire_link_is_no_event() -> None:
    link = session()
    list(link.tick(20.0))
    assert list(link.receive(encode(Pdu(Command.ENQUIRE_LINK | RESPONSE, 1)), 21.0)) == []


def test_enquire_link_is_answered() -> None:
    asked = encode(Pdu(Command.ENQUIRE_LINK, 77))
    assert list(session().receive(asked, 1.0)) == [Send(encode(Pdu(Command.ENQUIRE_LINK | RESPONSE, 77)))]


def test_unbind_is_answered_and_reported() -> None:
    asked = encode(Pdu(Command.UNBIND, 5))
    assert list(session().receive(asked, 1.0)) == [Send(encode(Pdu(Command.UNBIND | RESPONSE, 5))), Unbound()]


def test_a_deliver_sm_is_for_the_host() -> None:
    link = session()
    pdu = Pdu(Command.DELIVER_SM, 4, SM)
    assert list(link.receive(encode(pdu), 1.0)) == [Requested(pdu)]
    assert decode(link.answer(pdu, Status.RX_T_APPN)) == Pdu(
        Command.DELIVER_SM | RESPONSE, 4, SmResponse(), Status.RX_T_APPN
    )


def test_an_unknown_command_is_nacked_and_the_link_goes_on() -> None:
    link = session()
    octets = encode(Pdu(0x0999, 4)) + encode(Pdu(Command.DELIVER_SM, 5, SM))
    assert list(link.receive(octets, 1.0)) == [
        Send(encode(Pdu(GENERIC_NACK, 4, Empty(), Status.RINVCMDID))),
        Ignored(0x0999, 4, "unknown_command"),
        Requested(Pdu(Command.DELIVER_SM, 5, SM)),
    ]


def test_alert_notification_is_for_the_host() -> None:
    alert = Pdu(Command.ALERT_NOTIFICATION, 4, Alert(Address(1, 1, b"15551230001"), Address()))
    assert list(session().receive(encode(alert), 1.0)) == [Requested(alert)]


def test_a_malformed_alert_notification_is_not_even_nacked() -> None:
    alert = encode(Pdu(Command.ALERT_NOTIFICATION, 4))
    assert list(session().receive(alert, 1.0)) == [Ignored(Command.ALERT_NOTIFICATION, 4, "malformed")]


def test_a_malformed_request_is_nacked_and_the_link_goes_on() -> None:
    octets = bytes.fromhex("00000011 00000005 00000000 00000008 ff") + encode(Pdu(Command.DELIVER_SM, 9, SM))
    assert list(session().receive(octets, 1.0)) == [
        Send(encode(Pdu(GENERIC_NACK, 8, Empty(), Status.RINVCMDLEN))),
        Ignored(Command.DELIVER_SM, 8, "malformed"),
        Requested(Pdu(Command.DELIVER_SM, 9, SM)),
    ]


def test_a_malformed_response_still_says_how_it_went() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "a", 0.0)
    octets = bytes.fromhex("00000011 80000004 00000058 00000001 ff")  # no NUL behind the message id
    assert list(link.receive(octets, 1.0)) == [Answered("a", Pdu(SUBMITTED, 1, Empty(), 0x58))]


def test_a_nack_answers_its_request() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "a", 0.0)
    nack = Pdu(GENERIC_NACK, 1, Empty(), Status.RINVCMDID)
    assert list(link.receive(encode(nack), 1.0)) == [Answered("a", nack)]


def test_a_peer_that_cannot_follow_our_framing_costs_the_link() -> None:
    nack = encode(Pdu(GENERIC_NACK, 0, Empty(), Status.RINVCMDLEN))
    assert Broken("out_of_step: the peer cannot follow our octets") in list(session().receive(nack, 1.0))


def test_an_impossible_length_costs_the_link() -> None:
    assert list(session().receive(b"\x7f\xff\xff\xff", 1.0)) == [
        Broken("out_of_step: a PDU announces 2147483647 octets")
    ]


def test_abandoned_requests_are_named_once() -> None:
    link = session()
    link.request(Command.SUBMIT_SM, SM, "a", 0.0)
    link.request(Command.SUBMIT_SM, SM, "b", 0.0)
    assert link.abandon() == ["a", "b"]
    assert link.abandon() == []
