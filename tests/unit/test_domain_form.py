# SPDX-License-Identifier: Apache-2.0
"""Mistakes in documents, as the author of a document reads them."""

from __future__ import annotations

import msgspec
import pytest

from vvm.domain.form import fault_of
from vvm.fronts.http.batch import BatchDocument
from vvm.fronts.http.subscribers import SubscriberDocument

_ITEM = '{"action": "create", "msisdn": "+33612345678"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"max_messages": "many"}', "max_messages: a whole number, and not a text"),
        ('{"max_messages": 0}', "max_messages: at least 1"),
        ('{"setup_done": 1}', "setup_done: true or false, and not a whole number"),
        ('{"client": {"prefix": "a b"}}', "client.prefix: 1 to 30 printable ASCII characters"),
        ('{"client": {"source": "abc"}}', "client.source: digits only, at most 20"),
        ('{"client": {"client_type": "a\\nb"}}', "client.client_type: a text without anything that controls"),
        ('{"client": {"prt": 1}}', "client.prt: unknown, did you mean port?"),
        ('{"languge": "eng"}', "languge: unknown, did you mean language?"),
        ('{"zzz": 1}', "zzz: unknown, known are language, max_messages"),
        ('{"fallback": "foo"}', "fallback: one of none, mwi, text"),
        ('{"client": {"dialect": "foo"}}', "client.dialect: one of omtp, cvvm, vvm3, apple"),
        (f'{{"pin": "{"1" * 31}"}}', "pin: at most 30 characters"),
        ("[]", "an object, and not a list"),
        ("{", "the JSON ends too early"),
        ('{"language": "eng",}', "trailing comma"),
    ],
)
def test_a_subscriber_is_not_what_it_must_be(text: str, said: str) -> None:
    assert said in refused(text, SubscriberDocument)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "items: is missing"),
        ('{"items": []}', "items: at least 1 of them"),
        ('{"items": [{"action": "crate"}]}', "items[0].action: one of create, update, delete"),
        ('{"items": [{"action": "create", "msisdn": "06"}]}', "items[0].msisdn: a number as +33612345678"),
        (f'{{"items": [{_ITEM}, "closing_at": "x"}}]}}', "items[0].closing_at: a time like 2026-"),
        (f'{{"items": [{_ITEM}, "aliases": [3]}}]}}', "items[0].aliases[0]: a text, and not a whole number"),
        (f'{{"items": [{_ITEM}, "alias": []}}]}}', "items[0].alias: unknown, did you mean aliases?"),
    ],
)
def test_a_batch_is_not_what_it_must_be(text: str, said: str) -> None:
    assert said in refused(text, BatchDocument)


def refused(text: str, type_: type) -> str:
    with pytest.raises(msgspec.DecodeError) as raised:
        msgspec.json.decode(text, type=type_)
    return str(fault_of(raised.value, type_))
