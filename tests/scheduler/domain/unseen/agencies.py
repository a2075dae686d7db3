"""Whole locations of workflows that nobody has seen before, each healthy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from tests.scheduler.domain.unseen.drawing import Flow
from tests.scheduler.domain.unseen.recipes import Drawer
from tests.scheduler.domain.unseen.speech import Voice, a_voice
from tests.scheduler.domain.unseen.world import World

Recipe = Callable[[Drawer], None]


def speed_to_lead(draw: Drawer) -> None:
    draw.starts_on("form_submission", "facebook_lead_gen")
    draw.tag()
    draw.assign()
    draw.find(lambda: draw.opportunity("internal_update_opportunity"), draw.opportunity)
    draw.sms("greeting")
    draw.notify()
    draw.wait_for("reply", lambda: (draw.tag(), draw.task()), lambda: draw.email("last_try"))
    draw.split_by_tag(lambda: draw.chase(3), draw.note, ways=draw.random.randint(1, 4))
    draw.chase(draw.random.randint(2, 9))
    draw.tag("remove_contact_tag")


def visit_reminders(draw: Drawer) -> None:
    draw.flow.settings |= {"stopOnResponse": False, "allowMultiple": True}
    draw.starts_on(draw.random.choice(("appointment", "customer_appointment")))
    draw.sms("reminder")
    draw.email("reminder")
    for value, unit in ((3, "days"), (24, "hours"), (2, "hours"), (10, "minutes")):
        draw.wait_before_visit(value, unit)
        draw.random.choice((draw.sms, draw.email))("reminder")
    draw.split_by_tag(draw.task, draw.notify)
    draw.wait()
    draw.sms("thanks")
    draw.tag()


def review_hunt(draw: Drawer) -> None:
    draw.starts_on("opportunity_status_changed")
    draw.wait()
    draw.canvas.step("review_request", "Review request", method="sms", to="contact")
    draw.wait_for("trigger_link", lambda: (draw.tag(), draw.note()), lambda: draw.email("thanks"))
    draw.opportunity("internal_update_opportunity")
    draw.chase(3)
    draw.notify()
    draw.task()


def missed_call(draw: Drawer) -> None:
    draw.starts_on("call_status")
    draw.sms("question")
    draw.wait_for("reply", draw.notify, draw.task)
    draw.assign()
    draw.field()
    draw.split_by_tag(draw.hook, lambda: draw.email("greeting"), ways=2)
    draw.wait()
    draw.note()
    draw.tag()
    draw.tag("remove_contact_tag")


def win_back(draw: Drawer) -> None:
    draw.starts_on("contact_tag")
    draw.canvas.step("drip", "Drip", batchSize="50", interval={"timeUnit": "hours", "value": "2"})
    draw.email("greeting")
    draw.chase(draw.random.randint(8, 26))
    draw.canvas.step("workflow_goal", "Goal", segments=[{"type": "tag"}], action="continue")
    draw.split_by_tag(lambda: draw.chase(2), lambda: draw.tag("remove_contact_tag"))
    draw.notify()


def ask_until_answered(draw: Drawer) -> None:
    """A loop as it should be: with a pause in it and a way out."""
    draw.starts_on("pipeline_stage_updated")
    draw.opportunity("internal_update_opportunity")
    ask = draw.email("question")
    draw.wait()

    def again() -> None:
        draw.wait()
        draw.note()
        draw.canvas.go_to("Ask again", ask)

    draw.split_by_tag(lambda: (draw.tag(), draw.task(), draw.notify()), again, ways=2)
    draw.field()
    draw.sms("thanks")
    draw.wait()
    draw.custom_hook()


def hand_over(draw: Drawer) -> None:
    draw.starts_on("opportunity_changed", "opportunity_created")
    draw.opportunity("internal_update_opportunity")
    draw.canvas.step("internal-add-opportunity-owner", "Owner", user_list=[draw.world.user()])
    draw.custom_hook()
    draw.split_by_tag(
        lambda: (draw.task(), draw.notify(), draw.hook()),
        lambda: draw.canvas.step(
            "slack_message", "Slack", channel="sales", body="{{contact.name}}"
        ),
        ways=3,
    )
    draw.canvas.step("google_sheets", "Sheet", action="create_spreadsheet_row", sheet="Won")
    for _ in range(draw.random.randint(1, 5)):
        draw.random.choice((draw.note, draw.field, draw.tag, draw.notify))()


def shop(draw: Drawer) -> None:
    draw.starts_on("order_submission", "payment_received")
    draw.canvas.step("membership_grant_offer", "Grant", offer_id="offer-1")
    draw.canvas.step("stripe_one_time_charge", "Charge", amount="49", currency="eur")
    draw.email("thanks")
    draw.canvas.step(
        "find_or_create_contact", "Find or create", email="{{order.email}}", phone="{{order.phone}}"
    )
    draw.canvas.step("math_operation", "Sum", operations=[{"type": "add", "value": "1"}])
    draw.canvas.step("text_formatter", "Upper case", action="upper_case", value="{{contact.name}}")
    draw.split_by_tag(lambda: draw.chase(2), draw.hook)
    draw.wait()
    draw.tag()
    draw.canvas.step("update_custom_value", "Count", custom_value="orders", value="1")


def phone_tree(draw: Drawer) -> None:
    draw.starts_on("inbound_webhook")
    draw.canvas.step("ivr_say", "Say", text="Welcome")
    draw.canvas.step("ivr_gather", "Gather", digits=1)

    def ring() -> None:
        draw.canvas.step("ivr_connect_call", "Connect", users=[draw.world.user()])
        draw.note()

    def voicemail() -> None:
        draw.canvas.step("ivr_collect_voicemail", "Voicemail", length=60)
        draw.canvas.step("ivr_hangup", "Hang up")

    draw.split_by_tag(ring, voicemail, ways=3)
    draw.tag()
    draw.canvas.step("call", "Call back", whisper="{{contact.name}}", timeout=30)
    draw.canvas.step("voicemail", "Drop", url="https://storage.googleapis.com/vm/1.mp3")
    draw.canvas.step("custom_code", "Code", code="return {ok: true}", output={"ok": True})
    draw.task()
    draw.field()


def chat_robot(draw: Drawer) -> None:
    draw.starts_on("customer_reply")
    robot = draw.canvas.step("conversationai_ai_message", "Robot", prompt="Be kind.")
    draw.canvas.step("chatgpt", "Sort", prompt="{{message.body}}", model="gpt")
    draw.canvas.step("workflow_ai_decision_maker", "Decide", prompt="{{message.body}}")

    def more() -> None:
        draw.wait()
        draw.canvas.go_to("Again", robot)

    draw.split_by_tag(lambda: (draw.tag(), draw.assign()), more, ways=2)
    draw.canvas.step("edit_conversation", "Close", action="mark_read")
    draw.canvas.step("conversationai_transfer_bot", "Hand over", bot="b-1")
    draw.notify()
    draw.note()
    draw.task()
    draw.field()


def stop_on_answer(draw: Drawer) -> None:
    draw.starts_on("customer_reply")
    others = [each for each in draw.world.workflows if each != draw.flow.id]
    draw.canvas.step(
        "remove_from_workflow", "Stop the others", workflow_id=draw.random.sample(others, k=2)
    )
    draw.tag()
    draw.assign()
    draw.split_by_tag(draw.notify, draw.task, ways=draw.random.randint(1, 3))
    draw.canvas.step("fb_interactive_messenger", "Facebook", body="{{message.body}}")
    draw.canvas.step("ig_interactive_messenger", "Instagram", body="{{message.body}}")
    draw.wait()
    draw.note()
    draw.hook()
    draw.field()


def nursery(draw: Drawer) -> None:
    """The long one."""
    draw.starts_on("survey_submission")
    draw.sms("greeting")
    draw.find(draw.note, draw.opportunity)
    for _ in range(draw.random.randint(2, 4)):
        draw.split_by_tag(lambda: draw.chase(4), lambda: draw.chase(2), ways=2)
        draw.wait_for(
            draw.random.choice(("reply", "email_event", "condition")), draw.tag, draw.note
        )
    draw.chase(3)
    draw.canvas.step("remove_assigned_user", "Free again")


def dates(draw: Drawer) -> None:
    draw.starts_on("birthday_reminder", "custom_date_reminder")
    draw.canvas.step("datetime_formatter", "Format", value="{{contact.date_of_birth}}", to="DD.MM.")
    draw.canvas.step(
        "event_start_date", "Start", type="custom_field", field="contact.date_of_visit"
    )
    draw.email("greeting")
    draw.wait()
    draw.sms("offer")
    draw.split_by_tag(draw.tag, draw.note, ways=draw.random.randint(1, 5))
    draw.canvas.step("dnd_contact", "Quiet", dnd_contact="disable-all")
    draw.wait()
    draw.canvas.step("manual-call", "Call by hand")
    draw.canvas.step("manual-sms", "Write by hand", body="{{contact.name}}")
    draw.task()


def alarm(draw: Drawer) -> None:
    """An error workflow, as the documentation tells people to build one."""
    draw.starts_on("validation_error", "messaging_errors")
    draw.custom_hook()
    draw.notify()
    for _ in range(8):
        draw.random.choice((draw.note, draw.tag, draw.task, draw.field))()
    draw.canvas.step("some_marketplace_app_4711", "App", whatever={"deep": [1, {"er": None}]})


RECIPES: tuple[Recipe, ...] = (
    speed_to_lead, visit_reminders, review_hunt, missed_call, win_back, ask_until_answered,
    hand_over, shop, phone_tree, chat_robot, nursery, dates, alarm, stop_on_answer,
)  # fmt: skip


@dataclass(frozen=True)
class Agency:
    """One location with its workflows."""

    world: World
    flows: tuple[Flow, ...]

    def others(self, flow: Flow) -> list[Flow]:
        """Gives the workflows but this one."""
        return [each for each in self.flows if each.id != flow.id]


def agencies(count: int, *, seed: str) -> Iterator[Agency]:
    """Gives some locations, always the same for a seed."""
    for number in range(count):
        random = Random(f"{seed} {number}")
        world, voice = World(random), a_voice(random)
        yield Agency(world, tuple(_drawn(random, world, voice, recipe) for recipe in RECIPES))


def _drawn(random: Random, world: World, voice: Voice, recipe: Recipe) -> Flow:
    drawer = Drawer(random, world, voice, recipe.__name__.replace("_", " "))
    recipe(drawer)
    if random.random() < 0.05:
        drawer.flow.status = "draft"
    return drawer.flow
