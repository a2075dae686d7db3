"""A dental studio: busy, mostly well, and its practice software gets slower every day."""

from demo.agency.faults import FIRST_TEXT, bounces, landlines, unregistered, unsubscribed
from demo.agency.workflow import Location, Workflow
from demo.exports import (
    OPT_OUT,
    before_appointment,
    call,
    email,
    if_tagged,
    note_field,
    notify,
    sms,
    tag,
    trigger,
    wait,
    wait_for_reply,
)
from demo.lives import ALL_DAY, EVENING, MORNING, Fault, Life, always, growing

PRACTICE = "https://practice.harbor-dental.example.net/api"
HI = "Hi {{contact.first_name}}"

ENQUIRY = Workflow(
    slug="dental/enquiry",
    name="New patient enquiry",
    version=14,
    triggers=[trigger("form_submission", "Enquiry form", ("page", "==", "enquiry"))],
    steps=[
        sms(FIRST_TEXT, f"{HI}, thank you for asking Harbor Dental. {OPT_OUT}"),
        notify("Tell the front desk", "New enquiry"),
        tag("Mark as lead", "lead"),
        wait(1, "days"),
        email("Introduce the studio", "Your first visit", f"{HI}, here is what to expect."),
        wait(3, "days"),
        sms("Offer a time", f"{HI}, shall we find you a time this week?"),
    ],
    life=Life(
        daily=34,
        faults=[unsubscribed("Offer a time"), unregistered(0.75)],
    ),
)
REMINDER = Workflow(
    slug="dental/reminder",
    name="Appointment reminder",
    version=9,
    triggers=[trigger("appointment", "Confirmed", ("appointment.status", "==", "confirmed"))],
    steps=[
        before_appointment(1440),
        sms("Remind a day before", f"{HI}, we see you on {{{{appointment.start_time}}}}."),
        before_appointment(120),
        sms("Remind two hours before", f"{HI}, see you in two hours."),
    ],
    life=Life(
        daily=62, hours=MORNING, weekend=0.1, faults=[landlines("Remind a day before", 0.006)]
    ),
)
CONFIRMATION = Workflow(
    slug="dental/confirmation",
    name="Sync booking to practice software",
    version=6,
    triggers=[trigger("appointment", "Booked", ("appointment.status", "==", "new"))],
    steps=[
        call("Write to practice software", f"{PRACTICE}/bookings"),
        note_field("Keep booking number", "booking_reference", "{{contact.id}}"),
        email("Confirm by e-mail", "You are booked", f"{HI}, your time is reserved."),
    ],
    life=Life(
        daily=48,
        seconds=4,
        faults=[
            Fault(
                step="Write to practice software",
                says=["Request timed out after 30000 ms", "HTTP status 503 Service Unavailable"],
                share=growing(0.34),
            )
        ],
    ),
)
NO_SHOW = Workflow(
    slug="dental/no-show",
    name="No-show rescue",
    version=3,
    triggers=[trigger("appointment", "Missed", ("appointment.status", "==", "noshow"))],
    steps=[
        sms("Ask what happened", f"{HI}, we missed you today. Shall we find a new time?"),
        wait_for_reply("Wait for an answer"),
        sms("Offer times", "We have time tomorrow at ten or at three."),
        notify("Tell the front desk", "A no-show answered"),
    ],
    life=Life(daily=5, hours=EVENING),
)
RECALL = Workflow(
    slug="dental/recall",
    name="Six-month recall",
    version=4,
    triggers=[trigger("contact_tag", "Due", ("tagsAdded", "index-of-true", "recall due"))],
    steps=[
        email("Recall by e-mail", "Time for your check-up", f"{HI}, it has been six months."),
        wait(4, "days"),
        sms("Recall by text", f"{HI}, your check-up is due. {OPT_OUT}"),
        wait(7, "days"),
        notify("Call the patient", "Recall without an answer"),
    ],
    life=Life(daily=18, hours=MORNING, weekend=0, faults=[bounces("Recall by e-mail", 0.02)]),
)
REVIEWS = Workflow(
    slug="dental/reviews",
    name="Review request after a visit",
    version=11,
    triggers=[trigger("contact_tag", "Visited", ("tagsAdded", "index-of-true", "visited"))],
    steps=[
        wait(3),
        sms("Ask for a review", f"{HI}, how was your visit? {OPT_OUT}"),
        wait(2, "days"),
        email("Ask again", "A word about your visit", f"{HI}, would you tell others?"),
    ],
    life=Life(
        daily=26,
        hours=EVENING,
        faults=[
            Fault(step="Ask for a review", says=["30007: Message filtered"], share=always(0.09))
        ],
    ),
)
MISSED_CALL = Workflow(
    slug="dental/missed-call",
    name="Missed call text back",
    version=2,
    triggers=[trigger("call_status", "Call missed")],
    steps=[
        sms("Text back", f"{HI}, sorry we missed your call. How can we help?"),
        notify("Tell the front desk", "Missed call"),
    ],
    life=Life(daily=21, hours=ALL_DAY, weekend=0.8, faults=[landlines("Text back", 0.17)]),
)
TREATMENT = Workflow(
    slug="dental/treatment-plan",
    name="Treatment plan follow-up",
    version=5,
    settings={"stopOnResponse": False},
    triggers=[trigger("contact_tag", "Planned", ("tagsAdded", "index-of-true", "plan sent"))],
    steps=[
        sms("First question", f"{HI}, did you have time to read your treatment plan?"),
        wait(2, "days"),
        sms("Second question", "Is there anything we can explain?"),
        wait(4, "days"),
        email("Third question", "Your treatment plan", f"{HI}, we are here for your questions."),
        wait(7, "days"),
        sms("Last question", "Shall we keep your plan open?"),
    ],
    life=Life(daily=7),
)
BIRTHDAY = Workflow(
    slug="dental/birthday",
    name="Birthday greeting",
    triggers=[trigger("birthday_reminder", "Birthday", ("days", "==", 0))],
    steps=[email("Greet", "Happy birthday", f"{HI}, all of Harbor Dental wishes you a good day.")],
    life=Life(daily=3, hours=MORNING, weekend=1, seconds=1.1),
)
INSURANCE = Workflow(
    slug="dental/insurance",
    name="Insurance form check",
    version=7,
    triggers=[trigger("form_submission", "Insurance form", ("page", "==", "insurance"))],
    steps=[
        if_tagged(
            "Already a patient?",
            "patient",
            [note_field("Keep policy", "policy_number", "{{contact.id}}")],
            [email("Ask for details", "Your insurance", f"{HI}, we need one more detail.")],
        ),
    ],
    life=Life(
        daily=11,
        seconds=6,
        faults=[
            Fault(
                step="Keep policy",
                says=["Custom field policy_number: validation failed for value {n}"],
                share=always(0.07),
                partial=True,
            )
        ],
    ),
)
PAPERWORK = Workflow(
    slug="dental/paperwork",
    name="New patient paperwork",
    version=8,
    changed_days_ago=3,
    triggers=[trigger("contact_tag", "New", ("tagsAdded", "index-of-true", "new patient"))],
    steps_before=[
        email("Send forms", "Your forms", f"{HI}, please fill in the forms before your visit."),
        wait(1, "days"),
        sms("Remind of forms", f"{HI}, the forms take five minutes. {OPT_OUT}"),
    ],
    steps=[
        email("Send forms", "", f"{HI}, please fill in the forms at [LINK] before your visit."),
        wait(1, "days"),
        sms("Remind of forms", f"{HI}, the forms take five minutes. {OPT_OUT}"),
    ],
    life=Life(daily=9),
)
WHITENING = Workflow(
    slug="dental/whitening",
    name="Whitening campaign (draft)",
    settings={"status": "draft"},
    triggers=[trigger("contact_tag", "Chosen", ("tagsAdded", "index-of-true", "whitening"))],
    steps=[
        sms("Announce", "Lorem ipsum, a brighter smile, xxx-xxxx"),
        wait(None),
        email("Offer", "", "Ten percent off until the end of the month."),
    ],
)
RECEIPT = Workflow(
    slug="dental/receipt",
    name="Payment receipt",
    version=3,
    triggers=[trigger("payment_received", "Paid", ("payment.source", "==", "invoice"))],
    steps=[
        email("Send receipt", "Your receipt", f"{HI}, thank you for your payment."),
        tag("Mark as paid", "paid"),
    ],
    life=Life(daily=15, seconds=1.4),
)
EMERGENCY = Workflow(
    slug="dental/emergency",
    name="Emergency line (copy)",
    triggers=[trigger("call_status", "Emergency", ("call.queue", "==", "emergency"), active=False)],
    steps=[notify("Wake the dentist on call", "Emergency call"), tag("Mark", "emergency")],
)

DENTAL = Location(
    "demo-harbor-dental",
    "Harbor Dental Studio",
    "America/New_York",
    [
        ENQUIRY,
        REMINDER,
        CONFIRMATION,
        NO_SHOW,
        RECALL,
        REVIEWS,
        MISSED_CALL,
        TREATMENT,
        BIRTHDAY,
        INSURANCE,
        PAPERWORK,
        WHITENING,
        RECEIPT,
        EMERGENCY,
    ],
)
