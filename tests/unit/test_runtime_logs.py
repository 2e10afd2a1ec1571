# SPDX-License-Identifier: Apache-2.0
"""What reaches a log, and what does not, in both formats."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.unit.logging_restored import logging_restored
from vvm.domain.secrets import Secret
from vvm.runtime.logs import Format, configure, masked_number

FORMATS: tuple[Format, ...] = ("console", "json")
log = structlog.get_logger("vvm.tests")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    with logging_restored():
        yield


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+33612345678", "+*******5678"),
        ("33612345678", "*******5678"),
        ("+33612345", "+********"),
        ("5511", "****"),
        ("", ""),
    ],
)
def test_a_number_keeps_its_last_digits_where_many_are_hidden(number: str, masked: str) -> None:
    assert masked_number(number) == masked


def test_an_event_is_one_json_object_on_a_line() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    log.info("message_deposited", uid=7)
    event = json.loads(stream.getvalue())
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "message_deposited", "level": "info", "logger": "vvm.tests", "uid": 7}


@pytest.mark.parametrize("format_", FORMATS)
def test_nobody_s_number_and_no_secret_is_written(format_: Format) -> None:
    stream = io.StringIO()
    configure("info", format_, stream=stream)
    log.info(
        "call_taken",
        msisdn="+33612345678",
        recipient="+33612345678",
        originator="33612345678",
        caller="+33612345678",
        password="hunter2",
        token="hunter2",
        given=Secret("hunter2"),
        several=[Secret("hunter2"), {"caller": "+33612345678", "pin": "hunter2"}],
        absent=None,
    )
    text = stream.getvalue()
    assert text.count("+*******5678") == 4
    assert "612345678" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("name", ["t-admin", "crm-deposit", "4915112345678"])
@pytest.mark.parametrize("format_", FORMATS)
def test_the_name_of_a_token_stands_in_full(format_: Format, name: str) -> None:
    stream = io.StringIO()
    configure("info", format_, stream=stream)
    log.info("request_served", token_name=name, msisdn="+33612345678")
    assert name in stream.getvalue()
    assert "612345678" not in stream.getvalue()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_restricted_caller_stays_none(format_: Format) -> None:
    stream = io.StringIO()
    configure("info", format_, stream=stream)
    log.info("call_taken", caller=None)
    assert {"console": "caller=None", "json": '"caller": null'}[format_] in stream.getvalue()


@pytest.mark.parametrize("format_", FORMATS)
def test_a_traceback_shows_lines_and_no_values(format_: Format) -> None:
    stream = io.StringIO()
    configure("info", format_, stream=stream)

    def fail(password: str) -> None:
        raise ValueError(f"{len(password)} characters")

    try:
        fail("hunter2")
    except ValueError:
        log.exception("request_failed")
    text = stream.getvalue()
    assert "ValueError: 7 characters" in text
    assert "in fail" in text
    assert "hunter2'" not in text


def test_less_severe_events_than_asked_for_are_not_written() -> None:
    stream = io.StringIO()
    configure("warning", "json", stream=stream)
    log.info("message_deposited")
    logging.getLogger("aiohttp").info("not this either")
    log.warning("store_unavailable")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["store_unavailable"]


def test_records_of_libraries_take_the_same_way() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    logging.getLogger("aiohttp.server").warning("Error handling request from %s", "127.0.0.1")
    event = json.loads(stream.getvalue())
    assert (event["event"], event["logger"]) == ("Error handling request from 127.0.0.1", "aiohttp.server")
    assert event["level"] == "warning"


def test_what_is_bound_to_a_request_stands_in_its_events() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    with structlog.contextvars.bound_contextvars(request_id="r1", msisdn="+33612345678"):
        log.info("message_deposited")
    event = json.loads(stream.getvalue())
    assert (event["request_id"], event["msisdn"]) == ("r1", "+*******5678")


@pytest.mark.parametrize("format_", FORMATS)
def test_a_number_inside_other_text_is_masked_and_control_characters_are_shown(format_: Format) -> None:
    stream = io.StringIO()
    configure("info", format_, stream=stream)
    log.info("login_denied", user="33612345678@vvm.example.net", name="\x1b[31mred", key="http:+33698765432")
    text = stream.getvalue()
    assert "*******5678@vvm.example.net" in text
    assert "698765432" not in text
    assert "612345678" not in text
    assert "\x1b[31mred" not in text
    assert "x1b[31mred" in text


def test_what_only_resembles_a_number_stays_as_it_is() -> None:
    stream = io.StringIO()
    configure("info", "json", stream=stream)
    log.info("seen", unique="0f8fad5bd9cb469fa165708677289512", at="2026-11-23T07:43:55.367099Z")
    assert "0f8fad5bd9cb469fa165708677289512" in stream.getvalue()
