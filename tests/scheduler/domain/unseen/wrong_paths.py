"""What can be wrong with where a workflow leads, and when."""

from tests.scheduler.domain.unseen.drawing import an_id
from tests.scheduler.domain.unseen.spoiling import Case, NoPlace, Spoilers, found

SPOILERS = Spoilers()


@SPOILERS.of("GHL211")
def loop(case: Case) -> None:
    """A Go To at the end of a stretch without a pause, back to its beginning."""
    node_by_id = {node.id: node for node in case.flow.nodes}
    stretches = []
    for start in case.flow.nodes:
        stretch, node = [start], start
        while len(node.next) == 1 and node.next[0] in node_by_id:
            node = node_by_id[node.next[0]]
            if node.type in ("wait", "drip", "goto") or node.node_type or len(stretch) > 6:
                break
            stretch.append(node)
        plain = start.type not in ("wait", "drip", "goto", "transition") and not start.node_type
        holding = ("conversationai", "ivr", "manual", "goal")
        held = any(word in each.type for each in stretch for word in holding)
        if plain and len(stretch) > 1 and not held:
            stretches.append(stretch)
    stretch = case.random.choice(found(stretches))
    back = case.new("goto", targetNodeId=stretch[0].id)
    back.parent, stretch[-1].next = stretch[-1].id, [back.id]
    case.flow.nodes.append(back)


@SPOILERS.of("GHL212")
def circle_of_tags(case: Case) -> None:
    tags = [case.agency.world.tag() for _ in range(2)]
    for flow, starts, sets in ((case.flow, *tags), (case.other(), *reversed(tags))):
        trigger = {"field": "tagsAdded", "operator": "contains-any", "value": [starts]}
        flow.triggers = [
            {"id": an_id(case.random), "type": "contact_tag", "name": "Tag", "active": True,
             "conditions": [trigger]}
        ]  # fmt: skip
        Case(case.agency, flow, case.random).put_first(case.new("add_contact_tag", tags=[sets]))
    if tags[0] == tags[1]:
        raise NoPlace


@SPOILERS.of("GHL212")
def circle_of_calls(case: Case) -> None:
    other = case.other()
    for flow, called in ((case.flow, other), (other, case.flow)):
        step = case.new("add_to_workflow", workflow_id=[called.id])
        Case(case.agency, flow, case.random).put_first(step)


@SPOILERS.of("GHL213")
def missing_step(case: Case) -> None:
    places = [node for node in case.flow.nodes if node.next or node.type == "goto"]
    node = case.random.choice(found(places))
    if node.type == "goto":
        node.attributes["targetNodeId"] = an_id(case.random)
    else:
        node.next[case.random.randrange(len(node.next))] = an_id(case.random)


@SPOILERS.of("GHL214")
def cut_off(case: Case) -> None:
    """A step loses its connection, and with it all that comes after."""
    inner = [
        node
        for node in case.flow.nodes[3:]
        if len(node.next) == 1 and not node.node_type and node.type not in ("transition", "goto")
    ]
    case.random.choice(found(inner)).next = []


@SPOILERS.of("GHL215")
def no_else(case: Case) -> None:
    heads = [n for n in case.flow.nodes if n.node_type == "condition-node"]
    head = case.random.choice(found(heads))
    gone = head.next.pop()
    head.attributes.pop("noneBranchName")
    case.flow.nodes.remove(case.flow.node(gone))
    for node in case.flow.nodes:
        node.siblings = [each for each in node.siblings if each != gone]


@SPOILERS.of("GHL216")
def no_steps(case: Case) -> None:
    case.flow.nodes = []


@SPOILERS.of("GHL221")
def waits_for_ever(case: Case) -> None:
    kinds = ("reply", "condition", "email_event", "trigger_link")
    waits = [each for each in case.flow.of_type("wait") if each.attributes["type"] in kinds]
    wait = case.random.choice(found(waits))
    wait.attributes.pop("timeout")
    gone = wait.next.pop()
    wait.attributes["transitions"].pop()
    case.flow.nodes.remove(case.flow.node(gone))


@SPOILERS.of("GHL222")
def does_not_wait(case: Case) -> None:
    timed = [each for each in case.flow.of_type("wait") if each.attributes["type"] == "time"]
    wait = case.random.choice(found(timed))
    bad = [None, 0, "0", "", -1, "soon", "missing"]
    value = case.random.choice(bad)
    if value == "missing":
        wait.attributes["startAfter"].pop("value")
    else:
        wait.attributes["startAfter"]["value"] = value


@SPOILERS.of("GHL222")
def has_no_duration(case: Case) -> None:
    timed = [each for each in case.flow.of_type("wait") if each.attributes["type"] == "time"]
    case.random.choice(found(timed)).attributes.pop("startAfter")


@SPOILERS.of("GHL230")
def no_opportunity(case: Case) -> None:
    opportunities = ("internal_create_opportunity", "create_opportunity", "find_opportunity")
    if case.starts_on("opportunity", "pipeline") or case.flow.of_type(
        *opportunities, "internal_update_opportunity"
    ):
        raise NoPlace
    pipeline, stage = case.agency.world.stage()
    fields = [
        {"filterField": "pipelineId", "value": pipeline},
        {"filterField": "pipelineStageId", "value": stage},
    ]
    step = case.new(
        "internal_update_opportunity", pipelineId=pipeline, __customInputFields__=fields
    )
    case.put_first(step)


@SPOILERS.of("GHL231")
def does_not_stop(case: Case) -> None:
    """Long outreach to people who have not asked for each message, and no goal that ends it."""
    if case.starts_on("appointment", "reply", "payment", "webhook", "opportunity", "pipeline"):
        raise NoPlace
    goal = case.flow.of_type("workflow_goal")
    if goal or len(case.flow.of_type("sms")) < 2 or len(case.flow.of_type("email")) < 4:
        raise NoPlace
    stoppers = [each for each in case.agency.flows if each.of_type("remove_from_workflow")]
    if any(
        case.flow.id in node.attributes["workflow_id"]
        for each in stoppers
        for node in each.of_type("remove_from_workflow")
    ):
        raise NoPlace
    case.flow.settings["stopOnResponse"] = False
