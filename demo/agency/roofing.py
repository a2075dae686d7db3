"""A roofing company: few contacts, much money in each, and an ad account that lost its login."""

from demo.agency.faults import FIRST_TEXT, landlines, unregistered
from demo.agency.workflow import Location, Workflow, workflow_id
from demo.exports import (
    OPT_OUT,
    before_appointment,
    call,
    create_opportunity,
    email,
    go_to,
    if_tagged,
    loose,
    notify,
    sms,
    step,
    tag,
    trigger,
    update_opportunity,
    wait,
)
from demo.lives import ALL_DAY, EVENING, Fault, Life, always, since, until

HI = "Hi {{contact.first_name}}"
CREWS = "https://crews.summit-roofing.example.net/v2"

STORM_LEADS = Workflow(
    slug="roofing/storm-leads",
    name="Storm lead intake",
    version=12,
    triggers=[trigger("facebook_lead_gen", "Storm damage ad", ("facebook.formId", "==", "storm"))],
    steps=[
        step("facebook_conversion_api", "Report to Facebook", event="Lead"),
        create_opportunity("Open a lead"),
        sms("Answer at once", f"{HI}, Summit Roofing here. Is your roof leaking now? {OPT_OUT}"),
        notify("Tell the office", "Storm lead"),
    ],
    life=Life(
        daily=22,
        hours=ALL_DAY,
        weekend=1.2,
        faults=[
            Fault(
                step="Report to Facebook",
                says=["Integration with Facebook failed due to incorrect authentication"],
                share=since(1.6, 1.0),
            )
        ],
    ),
)
QUOTES = Workflow(
    slug="roofing/quotes",
    name="Quote follow-up",
    version=7,
    triggers=[trigger("opportunity_status_changed", "Quoted", ("status", "==", "quoted"))],
    steps=[
        wait(2, "days"),
        sms(FIRST_TEXT, f"{HI}, do you have questions on our quote? {OPT_OUT}"),
        wait(5, "days"),
        email("Offer a call", "Your roof", f"{HI}, shall we go through the quote together?"),
    ],
    life=Life(daily=14, faults=[unregistered(0.9)]),
)
INSPECTION = Workflow(
    slug="roofing/inspection",
    name="Inspection booked",
    version=5,
    triggers=[trigger("customer_appointment", "Booked", ("calendar", "==", "inspections"))],
    changed_days_ago=9,
    steps_before=[
        email("Confirm inspection", "", f"{HI}, we come on the day you chose."),
        before_appointment(1440),
        sms("Remind", f"{HI}, our inspector comes tomorrow. Please keep the drive clear."),
        notify("Tell the inspector", "Inspection tomorrow"),
    ],
    steps=[
        email("Confirm inspection", "Your inspection", f"{HI}, we come on the day you chose."),
        before_appointment(1440),
        sms("Remind", f"{HI}, our inspector comes tomorrow. Please keep the drive clear."),
        notify("Tell the inspector", "Inspection tomorrow"),
    ],
    life=Life(daily=12, seconds=1.8),
)
DISPATCH = Workflow(
    slug="roofing/dispatch",
    name="Crew dispatch",
    version=3,
    changed_days_ago=6,
    triggers=[trigger("opportunity_status_changed", "Scheduled", ("status", "==", "scheduled"))],
    steps_before=[
        call("Send to crews", f"{CREWS}/jobs"),
        sms("Tell the customer", f"{HI}, a crew is scheduled for your roof."),
    ],
    steps=[
        call("Send to crews", "https://3f9a-203-0-113-7.ngrok-free.app/jobs"),
        sms("Tell the customer", f"{HI}, a crew is scheduled for your roof."),
    ],
    life=Life(
        daily=9,
        faults=[
            Fault(
                step="Send to crews",
                says=["404 Not Found: tunnel {n} does not exist"],
                share=since(5.9, 0.28),
            )
        ],
    ),
)
INVOICES = Workflow(
    slug="roofing/invoices",
    name="Invoice reminder",
    version=4,
    triggers=[trigger("invoice", "Overdue", ("invoice.status", "==", "overdue"))],
    steps=[
        email("Remind of invoice", "A reminder", f"{HI}, your invoice is still open."),
        wait(7, "days"),
        notify("Call about invoice", "Invoice open for a week"),
    ],
    life=Life(daily=6, seconds=1.2),
)
WON = Workflow(
    slug="roofing/won",
    name="Won job hand-over",
    version=6,
    triggers=[trigger("form_submission", "Contract signed", ("page", "==", "contract"))],
    steps=[
        update_opportunity("Mark as won", "won"),
        email("Welcome the customer", "We start soon", f"{HI}, thank you for your trust."),
        notify("Tell production", "New job"),
    ],
    life=Life(daily=4),
)
SCORING = Workflow(
    slug="roofing/scoring",
    name="Lead scoring sync",
    version=2,
    triggers=[trigger("contact_created", "New contact", ("contact.source", "==", "website"))],
    steps=[
        call(
            "Send to scoring",
            "https://scoring.summit-roofing.example.net/leads",
            headers=[{"key": "Authorization", "value": "Bearer 4f7c2e91d05b4a6e8c3f1a9d7b2e6c50"}],
        ),
        tag("Mark as scored", "scored"),
        loose(notify("Tell sales of a hot lead", "Hot lead")),
    ],
    life=Life(
        daily=17,
        hours=ALL_DAY,
        faults=[
            Fault(
                step="Send to scoring",
                says=["429 Too Many Requests, retry after {n} ms"],
                share=until(9, 0.22, after=0.01),
            )
        ],
    ),
)
ESTIMATE = Workflow(
    slug="roofing/estimate",
    name="Estimate nudge",
    version=10,
    triggers=[trigger("contact_tag", "Estimated", ("tagsAdded", "index-of-true", "estimate sent"))],
    steps=[
        email("Nudge", "Your estimate", f"{HI}, your estimate is waiting for you."),
        if_tagged(
            "Signed yet?",
            "signed",
            [notify("Tell the office", "Estimate signed")],
            [go_to("Nudge again", "Nudge")],
        ),
    ],
    life=Life(daily=8),
)
EXPIRED = Workflow(
    slug="roofing/expired",
    name="Estimate expired",
    version=3,
    settings={"allowMultiple": True},
    triggers=[trigger("contact_tag", "Expired", ("tagsAdded", "index-of-true", "expired"))],
    steps=[
        email("Offer a new estimate", "A new estimate?", f"{HI}, prices have changed a little."),
        step("add_to_workflow", "Start again", workflow_id=[workflow_id("roofing/reopen")]),
    ],
    life=Life(daily=5),
)
REOPEN = Workflow(
    slug="roofing/reopen",
    name="Reopen estimate",
    version=3,
    settings={"allowMultiple": True},
    triggers=[trigger("form_submission", "New estimate", ("page", "==", "new estimate"))],
    steps=[
        notify("Tell the estimator", "Estimate reopened"),
        tag("Mark as expired", "expired"),
    ],
    life=Life(daily=5),
)
CHAT = Workflow(
    slug="roofing/chat",
    name="Website chat lead",
    version=8,
    triggers=[trigger("contact_tag", "Chat", ("tagsAdded", "index-of-true", "chat"))],
    steps=[
        step("assign_user", "Assign to sales", user_list=[], traffic_split="equally"),
        sms("Answer", f"{HI}, thanks for your message. {OPT_OUT}"),
    ],
    life=Life(daily=10, hours=EVENING, faults=[landlines("Answer", 0.04)]),
)
CHAT_NEW = Workflow(
    slug="roofing/chat-new",
    name="Website chat lead (new)",
    triggers=[trigger("contact_tag", "Chat", ("tagsAdded", "index-of-true", "chat"))],
    steps=[
        sms("Answer faster", f"{HI}, we are on it. {OPT_OUT}"),
        notify("Tell sales", "Chat lead"),
    ],
    life=Life(daily=10, hours=EVENING, seconds=0.9),
)
REFERRAL = Workflow(
    slug="roofing/referral",
    name="Referral thanks",
    version=4,
    triggers=[trigger("contact_tag", "Referred", ("tagsAdded", "index-of-true", "referral"))],
    steps=[
        email("Thank", "Thank you", f"{HI}, thank you for recommending us."),
        wait(1, "days"),
        tag("Mark as thanked", "thanked"),
        go_to("Go to the gift", "5e9a7c10-0000-4000-8000-0000000gone1"),
    ],
    life=Life(
        daily=3,
        faults=[Fault(step="Thank", says=["550: user unknown"], share=always(0.05), partial=True)],
    ),
)

ROOFING = Location(
    "demo-summit-roofing",
    "Summit Roofing",
    "America/Denver",
    [
        STORM_LEADS,
        QUOTES,
        INSPECTION,
        DISPATCH,
        INVOICES,
        WON,
        SCORING,
        ESTIMATE,
        EXPIRED,
        REOPEN,
        CHAT,
        CHAT_NEW,
        REFERRAL,
    ],
)
