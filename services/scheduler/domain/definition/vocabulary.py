"""The step and trigger types that HighLevel's builder writes, by what they mean to the rules."""

from services.scheduler.domain.definition.values import words

STEP_TYPES = words("""
    add_appointment_booking_ai_bot add_contact_tag add_notes add_to_affiliate_campaign
    add_to_affiliate_manager add_to_workflow ai_agent appointment_booking array_functions
    assign_user call chatgpt clear_custom_object_fields contact_email_verification
    contact_engagement_score conversation_ai conversationai_ai_message conversationai_ai_splitter
    conversationai_book_appointment conversationai_continue conversationai_custom_message
    conversationai_end conversationai_objective conversationai_services_booking
    conversationai_transfer_bot copy_contact_to_subaccount create_custom_object create_opportunity
    create_update_contact custom_code custom_webhook datetime_formatter dnd_contact drip
    edit_conversation email event_start_date facebook_add_to_custom_audience
    facebook_conversion_api facebook_remove_from_custom_audience fb_interactive_messenger
    find_contact find_opportunity find_or_create_contact gmb google_adword google_analytics
    google_sheets goto if_else ig_interactive_messenger instagram-dm
    internal-add-contact-followers internal-add-opportunity-owner internal-delete-contact
    internal-remove-contact-followers internal_create_opportunity internal_notification
    internal_update_opportunity ivr_collect_voicemail ivr_connect_call ivr_gather ivr_hangup
    ivr_say live_chat_response manual-call manual-sms math_operation membership_grant_offer
    membership_revoke_offer messenger number_formatter remove_assigned_user remove_contact_tag
    remove_from_affiliate_campaign remove_from_workflow remove_opportunity respond_on_comment
    review_request send_to_eliza slack_message sms stripe_one_time_charge task-notification
    text_formatter transition update_affiliate update_appointment_status update_contact_field
    update_conversation_ai_status update_custom_object update_custom_value voicemail wait webhook
    workflow_ai_decision_maker workflow_goal workflow_split
    """)

TRIGGER_TYPES = words("""
    affiliate_new_lead appointment birthday_reminder call_status category_completed
    contact_changed contact_created contact_tag conv_ai_autonomous_trigger conv_ai_trigger
    custom_date_reminder customer_appointment customer_reply dnd_contact facebook_lead_gen
    form_submission inbound_webhook invoice lesson_completed lesson_started mailgun_email_event
    messaging_errors note_add note_changed opportunity_changed opportunity_created
    opportunity_decay opportunity_status_changed order_submission payment_received
    pipeline_stage_updated proposal_estimate_update scheduler_trigger survey_submission task_added
    task_due_date_reminder trigger_link two_step_form_submission user_log_in validation_error
    video_event
    """)

CONVERSATIONAL = words("""
    sms messenger instagram-dm fb_interactive_messenger ig_interactive_messenger live_chat_response
    """)
"""Steps that write to a contact where contacts write back."""

SENDS = CONVERSATIONAL | {"email", "voicemail", "review_request"}
"""Steps that write to a contact."""

MAY_PAUSE = words("""
    wait drip workflow_goal call manual-call manual-sms voicemail conversation_ai ai_agent
    send_to_eliza event_start_date appointment_booking add_appointment_booking_ai_bot
    live_chat_response contact_email_verification stripe_one_time_charge
    """)
"""Steps at which a contact may stay for a while, besides those of the families below."""

PAUSING_FAMILIES = ("conversationai_", "ivr_")

COUNTERS = frozenset({"math_operation", "array_functions", "custom_code"})
"""Steps with which a loop can count its rounds."""

OPPORTUNITY_TRIGGERS = words("""
    opportunity_changed opportunity_created opportunity_decay opportunity_status_changed
    pipeline_stage_updated
    """)

EVENT_TRIGGERS = OPPORTUNITY_TRIGGERS | words("""
    appointment customer_appointment invoice order_submission payment_received
    two_step_form_submission proposal_estimate_update
    """)
"""Triggers of which each start stands for an object of its own."""

TRANSACTIONAL_TRIGGERS = EVENT_TRIGGERS | words("""
    validation_error messaging_errors task_added task_due_date_reminder user_log_in note_add
    note_changed customer_reply call_status inbound_webhook
    """)
"""Triggers after which a message answers what the contact or the team did."""

SELDOM_TRIGGERS = words("""
    birthday_reminder custom_date_reminder scheduler_trigger validation_error messaging_errors
    user_log_in invoice dnd_contact
    """)
"""Triggers that may rest for months in good health."""

OWN_ADDRESS_TRIGGERS = words(
    "inbound_webhook scheduler_trigger conv_ai_trigger conv_ai_autonomous_trigger"
)
"""Triggers that differ although their conditions may be the same."""


PASSED_IN_TIME = words("call voicemail stripe_one_time_charge event_start_date")
"""Those of them that let everybody go on within minutes."""


def holds(step_type: str) -> bool:
    """Says whether a step holds contacts until something happens that need not."""
    return may_pause(step_type) and step_type not in PASSED_IN_TIME


def may_pause(step_type: str) -> bool:
    """Says whether a contact may stay at such a step; one we do not know may do anything."""
    return (
        step_type not in STEP_TYPES
        or step_type in MAY_PAUSE
        or step_type.startswith(PAUSING_FAMILIES)
    )
