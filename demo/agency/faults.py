"""What goes wrong in the same way at several clients."""

from demo.lives import Fault, always, since

FIRST_TEXT = "First text"
"""The agency builds its clients' workflows from one model, where the step has this name."""


def unregistered(share: float) -> Fault:
    """The registration of the agency's numbers lapsed, for all its clients at one hour."""
    said = "30034: US A2P 10DLC - Message from an Unregistered Number {n}"
    return Fault(step=FIRST_TEXT, says=[said], share=since(1, share))


def unsubscribed(step: str) -> Fault:
    """Some contacts want no texts, which is as it should be: nobody is alerted."""
    said = "21610: Attempt to send to unsubscribed recipient"
    return Fault(step=step, says=[said], share=always(0.015))


def landlines(step: str, share: float) -> Fault:
    """Some numbers cannot take a text."""
    said = ["21211: Invalid 'To' Phone Number: {n}", "30006: Landline or unreachable carrier"]
    return Fault(step=step, says=said, share=always(share))


def bounces(step: str, share: float) -> Fault:
    """Some addresses are gone."""
    return Fault(step=step, says=["550: mailbox unavailable"], share=always(share))
