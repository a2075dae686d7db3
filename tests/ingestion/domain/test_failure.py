"""Error classes and fingerprints."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingestion.domain import failure
from services.ingestion.domain.failure import classified, failure_of, normalised

SAMPLES = [
    ("30034: Number not fully registered for A2P messaging", "SMS_SENDER"),
    ("21661: 'From' number is not SMS-capable", "SMS_SENDER"),
    ("The number is no valid, SMS-capable inbound phone number for your account.", "SMS_SENDER"),
    ("Sub-Account Sending Suspended Due to High Errors or Complaints", "SMS_SENDER"),
    ("30007: Message filtered", "SMS_FILTERED"),
    ("21610: Attempt to send to unsubscribed recipient", "EXPECTED"),
    ("Contact is on DND for SMS", "EXPECTED"),
    ("Invalid phone: recipient opted out", "EXPECTED"),
    ("21211: Invalid 'To' Phone Number", "CONTACT_DATA"),
    ("30006: Landline or unreachable carrier", "CONTACT_DATA"),
    ("The domain is not allowed to send: Account Terminated.", "EMAIL_AUTH"),
    ("550 Verification failed ... Sender verify failed", "EMAIL_AUTH"),
    ("550 5.1.1 user unknown", "EMAIL_BOUNCE"),
    ("401 version header was not found.", "AUTH"),
    ("Invalid JWT", "AUTH"),
    ("Integration failed due to incorrect authentication", "AUTH"),
    ("Too many requests", "RATE_LIMIT"),
    ("30023: Daily Message Cap Reached", "RATE_LIMIT"),
    ("Request failed with status code 404", "NOT_FOUND"),
    ("Request failed with status code 502", "HTTP_REMOTE"),
    ("421 4.3.0 Temporary System Problem. Try again later", "HTTP_REMOTE"),
    ("connect ECONNREFUSED 10.0.0.1:80", "HTTP_REMOTE"),
    ("Traffic Weightage is required", "CONFIG"),
    ("action has a corrupted type", "CONFIG"),
    ("something else", "OTHER"),
    ("API key invalid", "OTHER"),
    ("SMTP connection failed", "OTHER"),
    ("", "OTHER"),
]


@pytest.mark.parametrize(("message", "error_class"), SAMPLES)
def test_a_message_belongs_to_the_first_class_that_knows_it(message, error_class):
    assert classified(message) == error_class


@given(st.sampled_from(SAMPLES), st.booleans())
def test_the_class_does_not_depend_on_upper_and_lower_case(sample, upper):
    message, error_class = sample
    assert classified(message.upper() if upper else message.lower()) == error_class


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Contact 8a9f not reachable", "Contact 77b0c1 not reachable"),
        ("Failed for ann@example.com", "Failed for bob.smith+x@mail.example.org"),
        ("No answer from +1 (555) 123-4567", "No answer from 5551234567"),
        ('Field "first name" is bad', 'Field "e-mail" is bad'),
        ("Field 'a b' is bad", "Field ‘c’ is bad"),
        ("Took 1,234.5 ms", "Took 7 ms"),
        ("GET https://a.example/x?y=1 broke", "GET http://b.example broke"),
        ("Workflow ocQHyuzHvysMoWPQXzkd is off", "Workflow abcdefghijklmnopqrstuvwx is off"),
        ("Too   many\n spaces", "too many spaces"),
    ],
)
def test_messages_that_differ_only_in_what_is_variable_have_one_fingerprint(one, other):
    assert failure_of(one, "Send SMS").fingerprint == failure_of(other, "Send SMS").fingerprint


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Card was declined", "Pay"), ("Card was stolen", "Pay")),
        (("Card was declined", "Pay"), ("Card was declined", "Refund")),
        (("status code 404", "Call"), ("status code 502", "Call")),
        (("don't know who", "Call"), ("don't know how", "Call")),
    ],
)
def test_another_text_step_or_class_is_another_error(one, other):
    assert failure_of(*one).fingerprint != failure_of(*other).fingerprint


numbers = st.integers(0, 10**12).map(str)
words = st.text("abcdefghijkl", min_size=1, max_size=8)
variable = st.one_of(
    numbers,
    st.uuids().map(str),
    st.builds("{}@{}.example".format, words, words),
    st.builds('"{}"'.format, st.text("abc xyz,.!", max_size=30)),
    st.builds("+1 ({}) {}-{}".format, *[st.integers(100, 999)] * 3),
)


@given(words, variable, variable, words)
def test_what_is_variable_leaves_no_trace(before, one, other, after):
    text = "{} {} {}"
    assert normalised(text.format(before, one, after)) == normalised(
        text.format(before, other, after)
    )


@given(st.text())
def test_normalising_twice_changes_nothing(text):
    assert normalised(normalised(text)) == normalised(text)


@given(st.text(), st.text())
def test_any_text_has_a_class_and_a_short_fingerprint(message, step):
    kind = failure_of(message, step)
    assert kind.error_class in {*failure.CLASSES, failure.OTHER}
    assert re.fullmatch(r"[0-9a-f]{16}", kind.fingerprint)


@pytest.mark.parametrize("piece", ["a", "a.", "“", "'", "1 ", "* ", "a@", "x-1@y.", "+(1"])
def test_normalising_costs_no_more_than_the_length_of_the_text(piece):
    # A pattern that costs the square of it would run for minutes, into the time limit.
    normalised(piece * 100_000)
