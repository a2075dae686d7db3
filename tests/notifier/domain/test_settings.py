from email.headerregistry import Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.scope import Scope
from services.notifier.domain.settings import EmailMalformed, Layer
from services.notifier.domain.target import Channel, masked

EMPTY = Layer(scope=Scope("loc-1"))
LONG_LABEL = "a" * 60


@pytest.mark.parametrize(
    "email",
    [
        "name@example.com",
        "first.last+tag@mail.example.co.uk",
        "it's@example.com",
        "a@b",
        f"{'n' * 7}@{LONG_LABEL}.{LONG_LABEL}.{LONG_LABEL}.{LONG_LABEL}.de",
    ],
)
def test_addresses_that_mails_can_go_to_are_taken(email):
    assert EMPTY.changed({"alert_email": email}).values == {"alert_email": email}
    assert Address(addr_spec=email).addr_spec == email


@pytest.mark.parametrize(
    "email",
    [
        "nobody",
        "@example.com",
        "name@",
        "a@b@c",
        "a b@example.com",
        "a@exam ple.com",
        " a@example.com",
        "a@example.com\n",
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com,b@example.com",
        "Name <a@example.com>",
        '"a b"@example.com',
        "a@[127.0.0.1]",
        ".a@example.com",
        "a..b@example.com",
        "a@-example.com",
        "a@example..com",
        "ä@example.com",
        "a@bücher.example",
        "a\0@example.com",
        f"{'a' * 250}@example.com",
    ],
)
def test_what_is_no_address_or_more_than_one_is_refused(email):
    with pytest.raises(EmailMalformed) as refused:
        EMPTY.changed({"alert_email": email})

    assert refused.value.fields[0].field == "settings.alert_email"


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_address_that_is_taken_can_break_a_header(name, domain):
    email = f"{name}@{domain}"
    try:
        EMPTY.changed({"alert_email": email})
    except EmailMalformed:
        return
    assert Address(addr_spec=email).addr_spec == email


def test_what_is_cleared_is_not_set_any_more():
    some = EMPTY.changed({"failure_threshold": 9, "alert_email": "a@example.com"})

    assert some.changed({"failure_threshold": None, "alert_email": None}) == EMPTY


@pytest.mark.parametrize(
    ("channel", "address", "shown"),
    [
        (Channel.EMAIL, "owner@agency.example", "o…@agency.example"),
        (Channel.EMAIL, "o@agency.example", "o…@agency.example"),
        (
            Channel.WEBHOOK,
            "https://hooks.example/services/T000/B000/abcdefgh1234",
            "https://hooks.example/…1234",
        ),
        (Channel.WEBHOOK, "https://hooks.example/short", "https://hooks.example/…"),
        (Channel.WEBHOOK, "https://hooks.example:8443", "https://hooks.example:8443/"),
        (Channel.WEBHOOK, "https://hooks.example?key=123456789abc", "https://hooks.example/…9abc"),
    ],
)
def test_an_address_is_shown_with_its_middle_left_out(channel, address, shown):
    assert masked(channel, address) == shown
