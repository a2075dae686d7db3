"""What can be wrong with how a workflow starts."""

from random import Random

from tests.scheduler.domain.unseen.drawing import an_id
from tests.scheduler.domain.unseen.spoiling import Case, NoPlace, Spoilers, found
from tests.scheduler.domain.unseen.world import short_id

SPOILERS = Spoilers()


@SPOILERS.of("GHL201")
def no_trigger(case: Case) -> None:
    case.flow.triggers = []


@SPOILERS.of("GHL202")
def triggers_off(case: Case) -> None:
    for trigger in case.flow.triggers:
        trigger["active"] = False


@SPOILERS.of("GHL203")
def no_filter(case: Case) -> None:
    kinds = ("appointment", "customer_appointment", "call_status", "opportunity_changed",
             "pipeline_stage_updated", "customer_reply")  # fmt: skip
    trigger = case.random.choice(case.flow.triggers)
    trigger |= {"type": case.random.choice(kinds), "conditions": []}


@SPOILERS.of("GHL204")
def watches_everything(case: Case) -> None:
    trigger = case.random.choice(case.flow.triggers)
    trigger |= {"type": "contact_changed", "conditions": []}


@SPOILERS.of("GHL205")
def waits_for_nothing(case: Case) -> None:
    gone = {
        "form": short_id,
        "calendar": short_id,
        "tags": _no_tag,
        "pipelineid": short_id,
        "stageid": an_id,
    }
    places = [
        (condition, make)
        for trigger in case.flow.triggers
        for condition in trigger["conditions"]
        for word, make in gone.items()
        if word in condition["field"].lower() and "status" not in condition["field"]
    ]
    condition, make = case.random.choice(found(places))
    value = make(case.random)
    condition["value"] = [value] if isinstance(condition["value"], list) else value


def _no_tag(random: Random) -> str:
    return f"tag nobody made {random.randint(1, 99)}"


@SPOILERS.of("GHL206")
def same_trigger(case: Case) -> None:
    # Each inbound webhook has an address of its own, whatever its conditions.
    shared = [each for each in case.other().triggers if each["type"] != "inbound_webhook"]
    copied = dict(case.random.choice(found(shared)))
    case.flow.triggers[0] = {**copied, "id": an_id(case.random), "name": "Once more"}


@SPOILERS.of("GHL207")
def doubles_records(case: Case) -> None:
    # An appointment, an order or a deal is a start of its own each time.
    own = ("appointment", "invoice", "order", "payment", "opportunity", "pipeline")
    if case.starts_on(*own):
        raise NoPlace
    case.flow.settings["allowMultiple"] = True
    kind = case.random.choice(("create_opportunity", "internal_create_opportunity"))
    pipeline, stage = case.agency.world.stage()
    fields = [{"filterField": "pipelineStageId", "value": stage}]
    case.put_first(case.new(kind, pipeline_id=pipeline, __customInputFields__=fields))
