"""GHL224 and GHL229: what must fire each, and the nearest that must not."""

import pytest

from services.scheduler.domain.finding import Severity
from tests.scheduler.domain import exports as e
from tests.scheduler.domain.making import defined, found_in


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:3000",
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.7",
        "172.31.1.1",
        "192.168.0.1",
        "[::1]",
        "0.0.0.0",
        "a.ngrok.io",
        "b.ngrok-free.app",
        "c.trycloudflare.com",
        "webhook.site",
        "x.requestbin.com",
        "en1.x.pipedream.net",
        "printer.local",
        "LOCALHOST",
    ],
)
def test_a_webhook_to_a_test_or_local_address_is_found(host):
    (finding,) = found_in(defined([e.webhook(f"https://{host}/in")]), "GHL224")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)


def test_a_webhook_without_encryption_is_a_warning():
    (finding,) = found_in(defined([e.custom_webhook("http://api.example.net/x")]), "GHL224")

    assert (finding.severity, finding.penalty) == (Severity.WARNING, 15)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.net/local",
        "https://eo1.m.pipedream.net",
        "https://mangrok.example.net/localhost",
        "https://172.32.0.1/x",
        "https://8.8.8.8/x",
        "{{custom_values.url}}/in",
        "https://{{custom_values.host}}/in",
        "http://{{custom_values.host}}:8080/in",
        "hooks.example.net/in",
        "https://[broken/in",
        "https://api.example.org:port/in",
        "",
        {"odd": 1},
    ],
)
def test_a_webhook_to_a_public_or_unknown_address_is_fine(url):
    assert found_in(defined([e.webhook(url)]), "GHL224") == []


KEY = "k9X2mQ7w" * 4


@pytest.mark.parametrize(
    "step",
    [
        e.custom_webhook(headers=[{"key": "Authorization", "value": f"Bearer {KEY}"}]),
        e.custom_webhook(headers={"key": "X-Api-Key", "value": KEY}),
        e.custom_webhook(parameters=[{"key": "access_token", "value": KEY}]),
        e.webhook(f"https://hooks.example.net/in?secret={KEY}"),
        e.webhook(
            "https://api.example.org",
        )
        | {
            "attributes": {
                "url": "https://api.example.org",
                "headers": [{"name": "token", "value": KEY}],
            }
        },
        e.custom_webhook(
            authorization={"type": "BASIC_AUTH", "data": {"user": "a", "password": KEY}}
        ),
        e.step("custom_code", code=f"fetch(u, {{headers: {{a: 'Bearer {KEY}'}}}})"),
        e.step("custom_code", code=f"const k = 'sk_live_{KEY}'"),
        e.step("custom_code", code="const k = 'pit-0f1e2d3c-1111-4222-8333-444455556666'"),
    ],
)
def test_a_secret_in_clear_text_is_found_and_never_shown(step):
    (finding,) = found_in(defined([step]), "GHL229")

    assert (finding.severity, finding.penalty) == (Severity.CRITICAL, 30)
    assert KEY not in repr(finding)
    assert "0f1e2d3c" not in repr(finding)


@pytest.mark.parametrize(
    "step",
    [
        e.custom_webhook(
            headers=[{"key": "Authorization", "value": "Bearer {{custom_values.key}}"}]
        ),
        e.custom_webhook(
            headers=[{"key": "Content-Type", "value": "application/json; v=2a3b4c5d6e"}]
        ),
        e.custom_webhook(headers=[{"key": "X-Request-Id", "value": KEY}]),
        e.custom_webhook(headers=[{"key": "X-Api-Key", "value": "****************"}]),
        e.custom_webhook(headers=["odd", {"key": None}]),
        e.custom_webhook(authorization={"type": "BEARER_TOKEN", "data": {"keyId": KEY}}),
        e.custom_webhook(authorization="odd"),
        e.webhook("https://hooks.example.net/in?key=newsletter&campaign=" + KEY),
        e.webhook(f"https://hooks.example.org/catch/{KEY}"),
        e.webhook("https://watch.example.org/executions?key=rw_ingest_" + KEY),
        e.webhook()
        | {
            "attributes": {
                "url": "https://api.example.org",
                "headers": [{"key": "Authorization", "value": f"Bearer rw_ingest_{KEY}"}],
            }
        },
        e.step("custom_code", code="// needs a bearer token-from-the-authorization-server"),
        e.sms(f"Bearer {KEY}"),
    ],
)
def test_what_is_no_secret_or_meant_to_stand_there_is_fine(step):
    assert found_in(defined([step]), "GHL229") == []
