"""A gym: many runs at all hours, one workflow recovering, one silent since it was edited."""

from demo.agency.faults import FIRST_TEXT, bounces, landlines, unregistered, unsubscribed
from demo.agency.workflow import Location, Workflow
from demo.exports import (
    OPT_OUT,
    call,
    create_opportunity,
    email,
    if_tagged,
    note_field,
    notify,
    sms,
    step,
    tag,
    trigger,
    wait,
)
from demo.lives import ALL_DAY, EVENING, MORNING, Fault, Life, always, since, until

HI = "Hi {{contact.first_name}}"
DOORS = "https://doors.northside.example.net/api"

TRIAL = Workflow(
    slug="fitness/trial",
    name="Trial class booking",
    version=16,
    triggers=[trigger("form_submission", "Trial form", ("page", "==", "trial"))],
    steps=[
        sms(FIRST_TEXT, f"{HI}, your trial class is booked. {OPT_OUT}"),
        tag("Mark as trial", "trial"),
        wait(1, "days"),
        email("What to bring", "Your trial class", f"{HI}, bring water and a towel."),
    ],
    life=Life(
        daily=41,
        hours=EVENING,
        weekend=1.1,
        faults=[unsubscribed(FIRST_TEXT), unregistered(0.7)],
    ),
)
AFTER_TRIAL = Workflow(
    slug="fitness/after-trial",
    name="Trial follow-up",
    version=9,
    triggers=[trigger("contact_tag", "Trained", ("tagsAdded", "index-of-true", "trial done"))],
    steps=[
        wait(2),
        email("How was it", "How was your class?", f"{HI}, how did you like it?"),
        wait(2, "days"),
        sms("Offer membership", f"{HI}, join this week without a sign-up fee. {OPT_OUT}"),
    ],
    life=Life(
        daily=24,
        hours=EVENING,
        faults=[
            Fault(
                step="How was it",
                says=["The domain is not allowed to send: DMARC of northside.example.net"],
                share=until(6.5, 0.42, after=0.01),
            )
        ],
    ),
)
ONBOARDING = Workflow(
    slug="fitness/onboarding",
    name="Member onboarding",
    version=4,
    triggers=[trigger("payment_received", "First payment", ("payment.source", "==", "signup"))],
    steps=[
        email("Welcome", "Welcome to Northside", f"{HI}, great that you are here."),
        wait(None),
        email("First week", "Your first week", f"{HI}, here is a plan for your first week."),
        wait(None),
        email("Second week", "Your second week", f"{HI}, ready for more?"),
    ],
    life=Life(daily=7, faults=[bounces("Welcome", 0.02)]),
)
FAILED_PAYMENT = Workflow(
    slug="fitness/failed-payment",
    name="Failed payment rescue",
    version=12,
    changed_days_ago=2.0,
    triggers=[trigger("payment_received", "Payment failed", ("payment.status", "==", "failed"))],
    steps_before=[
        call("Try the card again", f"{DOORS}/billing/retry"),
        email("Ask for a new card", "Your payment", f"{HI}, your payment did not go through."),
        wait(3, "days"),
        notify("Tell the front desk", "Payment still open"),
    ],
    steps=[
        call("Try the card again", "http://doors.northside.example.net/api/billing/retry"),
        email("Ask for a new card", "Your payment", f"{HI}, your payment did not go through."),
        wait(3, "days"),
        notify("Tell the front desk", "Payment still open"),
    ],
    life=Life(
        daily=13,
        hours=MORNING,
        weekend=1,
        seconds=5,
        faults=[
            Fault(
                step="Try the card again",
                says=["401 Unauthorized: token has expired"],
                share=since(1.99, 0.62),
            )
        ],
    ),
)
CLASS_REMINDER = Workflow(
    slug="fitness/class-reminder",
    name="Class reminder",
    version=7,
    changed_days_ago=4.1,
    triggers=[trigger("contact_tag", "Class booked", ("tagsAdded", "index-of-true", "class"))],
    steps=[
        wait(6),
        sms("Remind of class", f"{HI}, your class starts in two hours. {OPT_OUT}"),
    ],
    steps_before=[
        wait(4),
        sms("Remind of class", f"{HI}, your class starts in two hours. {OPT_OUT}"),
    ],
    life=Life(daily=55, hours=ALL_DAY, weekend=0.9, silent_for=4, seconds=0.8),
)
WIN_BACK = Workflow(
    slug="fitness/win-back",
    name="Win-back offer",
    version=5,
    settings={"allowMultiple": True},
    triggers=[trigger("contact_tag", "Left", ("tagsAdded", "index-of-true", "cancelled"))],
    steps=[
        create_opportunity("Open win-back"),
        wait(14, "days"),
        email("Offer", "We miss you", f"{HI}, come back for a week, on us."),
    ],
    life=Life(daily=4),
)
FIELD_WATCH = Workflow(
    slug="fitness/field-watch",
    name="Keep goals up to date",
    version=2,
    triggers=[trigger("contact_changed", "Contact changed")],
    steps=[note_field("Note the goal", "training_goal", "{{contact.source}}")],
    life=Life(daily=38, hours=ALL_DAY, weekend=0.9, seconds=0.5),
)
AD_LEADS = Workflow(
    slug="fitness/ad-leads",
    name="Lead from ads",
    version=6,
    triggers=[trigger("facebook_lead_gen", "Summer ad", ("facebook.formId", "==", "summer"))],
    steps=[
        call("Enrich lead", "https://enrich.northside.example.net/v1/person"),
        sms("Answer lead", f"{HI}, thanks for your interest. {OPT_OUT}"),
        notify("Call the lead", "New lead from an ad"),
    ],
    life=Life(
        daily=19,
        hours=ALL_DAY,
        weekend=1.3,
        faults=[
            Fault(
                step="Enrich lead",
                says=["429 Too Many Requests: quota of {n} a day used up"],
                share=always(0.12),
            ),
            landlines("Answer lead", 0.02),
        ],
    ),
)
UPSELL = Workflow(
    slug="fitness/upsell",
    name="Personal training offer",
    version=3,
    triggers=[trigger("contact_tag", "Ten visits", ("tagsAdded", "index-of-true", "ten visits"))],
    steps=[
        if_tagged(
            "Wants muscle?",
            "strength",
            [email("Strength plan", "Your plan", f"{HI}, here is a plan for more strength.")],
            None,
        ),
    ],
    life=Life(daily=6),
)
REWARD = Workflow(
    slug="fitness/reward",
    name="Referral reward",
    version=2,
    triggers=[],
    steps=[
        email("Send reward", "A free month", f"{HI}, your friend joined."),
        tag("Mark", "reward"),
    ],
)
DOOR_ACCESS = Workflow(
    slug="fitness/door-access",
    name="Door access sync",
    version=5,
    triggers=[trigger("inbound_webhook", "Door system")],
    steps=[
        call("Open the door", f"{DOORS}/grants"),
        tag("Mark as inside", "inside"),
    ],
    life=Life(daily=70, hours=ALL_DAY, weekend=0.8, seconds=0.6, storm=True, unfinished=4),
)
NEWSLETTER = Workflow(
    slug="fitness/newsletter",
    name="Weekly newsletter",
    version=20,
    triggers=[trigger("scheduler_trigger", "Every week", ("interval", "==", "weekly"))],
    steps=[
        step("drip", "Slowly", batchSize=50, interval={"timeUnit": "minutes", "value": 10}),
        email("Newsletter", "This week", f"{HI}, this is what happens this week."),
    ],
    life=Life(
        daily=16,
        hours=MORNING,
        faults=[
            Fault(
                step="Newsletter",
                says=["The domain is not allowed to send", "550: mailbox unavailable"],
                share=always(0.08),
            )
        ],
    ),
)
CHALLENGE = Workflow(
    slug="fitness/challenge",
    name="Spring challenge",
    triggers=[trigger("form_submission", "Challenge form", ("page", "==", "challenge"))],
    steps=[],
)
GUEST = Workflow(
    slug="fitness/guest",
    name="Guest pass",
    version=3,
    settings={"allowMultiple": True},
    triggers=[trigger("form_submission", "Guest form", ("page", "==", "guest"))],
    steps=[
        sms("Send pass", f"{HI}, your guest pass is valid today. {OPT_OUT}"),
        tag("Mark as guest", "guest"),
    ],
    life=Life(daily=12, hours=EVENING, weekend=1.4, seconds=1.1),
)

FITNESS = Location(
    "demo-northside-fitness",
    "Northside Fitness",
    "America/Los_Angeles",
    [
        TRIAL,
        AFTER_TRIAL,
        ONBOARDING,
        FAILED_PAYMENT,
        CLASS_REMINDER,
        WIN_BACK,
        FIELD_WATCH,
        AD_LEADS,
        UPSELL,
        REWARD,
        DOOR_ACCESS,
        NEWSLETTER,
        CHALLENGE,
        GUEST,
    ],
)
