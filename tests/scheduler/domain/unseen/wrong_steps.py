"""What can be wrong within a step."""

from collections.abc import Callable
from typing import Any

from tests.scheduler.domain.unseen.drawing import an_id, texts_of
from tests.scheduler.domain.unseen.spoiling import Case, NoPlace, Spoilers, found
from tests.scheduler.domain.unseen.world import short_id

SPOILERS = Spoilers()


@SPOILERS.of("GHL223")
def value_missing(case: Case) -> None:
    needed = {
        "sms": ("body", "attachments"),
        "webhook": ("url",),
        "custom_webhook": ("url",),
        "add_contact_tag": ("tags",),
        "remove_contact_tag": ("tags",),
        "update_contact_field": ("fields",),
        "remove_from_workflow": (),
        "goto": ("targetNodeId",),
    }
    node = case.random.choice(found([n for n in case.flow.nodes if needed.get(n.type)]))
    for key in needed[node.type]:
        if case.random.random() < 0.5:
            node.attributes.pop(key, None)
        else:
            node.attributes[key] = [] if isinstance(node.attributes.get(key), list) else ""


@SPOILERS.of("GHL223")
def nobody_to_tell(case: Case) -> None:
    node = case.some("internal_notification")
    node.attributes[node.attributes["type"]] |= {"userType": "user", "selectedUser": []}


@SPOILERS.of("GHL223")
def no_text(case: Case) -> None:
    mails = [each for each in case.flow.of_type("email") if "html" in each.attributes]
    case.random.choice(found(mails)).attributes["html"] = case.random.choice((None, "", " "))


@SPOILERS.of("GHL223")
def no_subject(case: Case) -> None:
    mails = [each for each in case.flow.of_type("email") if "html" in each.attributes]
    case.random.choice(found(mails)).attributes.pop("subject")


@SPOILERS.of("GHL224")
def test_address(case: Case) -> None:
    hosts = ("localhost:3000", "127.0.0.1", "10.0.0.8:8080", "172.20.1.4", "192.168.1.20",
             "a1b2.ngrok.io", "x7.ngrok-free.app", "wide-sea.trycloudflare.com", "webhook.site",
             "eo2.x.pipedream.net", "printer.local", "en1.requestbin.com")  # fmt: skip
    node = case.some("webhook", "custom_webhook")
    scheme = case.random.choice(("http", "https"))
    node.attributes["url"] = f"{scheme}://{case.random.choice(hosts)}/in?c={{{{contact.id}}}}"


@SPOILERS.of("GHL224")
def no_tls(case: Case) -> None:
    case.some("webhook", "custom_webhook").attributes["url"] = "http://crm.kestrel-law.de/hook"


@SPOILERS.of("GHL225")
def deleted_object(case: Case) -> None:
    gone = short_id(case.random)
    user = case.flow.of_type("assign_user")
    sold = case.flow.of_type("internal_create_opportunity", "internal_update_opportunity")
    others = case.flow.of_type("remove_from_workflow")
    node = case.random.choice(found([*user, *sold, *others]))
    if node in user:
        node.attributes["user_list"] = [*node.attributes["user_list"], gone]
    elif node in others:
        node.attributes["workflow_id"] = [an_id(case.random)]
    else:
        entry = case.random.choice(node.attributes["__customInputFields__"][:2])
        entry["value"] = gone
        if entry["filterField"] == "pipelineId":
            node.attributes["pipelineId"] = gone


@SPOILERS.of("GHL226")
def nobody(case: Case) -> None:
    node = case.some("assign_user", "internal-add-opportunity-owner")
    node.attributes["user_list"] = case.random.choice(([], None, ""))


@SPOILERS.of("GHL227")
def says_nothing(case: Case) -> None:
    fields = ("{{custom_values.boking_link}}", "{{contact.nick_name_2}}",
              "{{ contact.custom.size }}", "{{contact.first_name}")  # fmt: skip
    attributes, key = case.random.choice(found(list(texts_of(case.flow))))
    attributes[key] = f"{attributes[key]} {case.random.choice(fields)}"


@SPOILERS.of("GHL228")
def placeholder(case: Case) -> None:
    texts = ("Lorem ipsum dolor sit amet", "TODO: write this", "TBD", "Hi [NAME],",
             "<insert link>", "see https://example.com/offer", "call xxx-xxxx")  # fmt: skip
    attributes, key = case.random.choice(found(list(texts_of(case.flow))))
    attributes[key] = f"{attributes[key]} {case.random.choice(texts)}"


@SPOILERS.of("GHL229")
def secret(case: Case) -> None:
    token = "".join(case.random.choices("abcdefghijkmnpqrstuvwxyz0123456789", k=32))
    node = case.some("custom_webhook")
    ways: list[Callable[[], Any]] = [
        lambda: node.attributes.update(
            headers=[{"key": "Authorization", "value": f"Bearer {token}"}]
        ),
        lambda: node.attributes.update(headers=[{"key": "x-api-key", "value": f"pit-{token}"}]),
        lambda: node.attributes.update(url=f"https://hook.eu1.make.com/in?token={token}"),
        lambda: node.attributes.update(parameters=[{"key": "api_key", "value": token}]),
        lambda: node.attributes.update(
            body={"contentType": "application/json", "rawData": f'{{"key": "sk_live_{token}"}}'}
        ),
    ]
    case.random.choice(ways)()


@SPOILERS.of("GHL232")
def no_opt_out(case: Case) -> None:
    """In messages to people who did not just call, book, buy or write."""
    if case.starts_on("appointment", "call", "payment", "reply", "opportunity", "pipeline"):
        raise NoPlace
    texts = [node for node in case.flow.of_type("sms") if "STOP" in node.attributes["body"]]
    node = case.random.choice(found(texts))
    node.attributes["body"] = node.attributes["body"].partition("STOP")[0].rpartition(" ")[0]
