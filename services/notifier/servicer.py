"""The notifier's gRPC door: one method for each rpc of the contract, in its order."""

# ruff: noqa: ARG002  gRPC passes a context; what is known of a call is in libs.rpc.call

from libs.contracts.notifier.v1 import notifier_pb2 as pb
from libs.contracts.notifier.v1 import notifier_pb2_grpc as rpc
from libs.rpc import Context
from services.notifier.actions.configuring import Configuring
from services.notifier.actions.explaining import Explaining
from services.notifier.actions.following import Following
from services.notifier.actions.inbox import Inbox
from services.notifier.actions.listing import Listing
from services.notifier.actions.redacting import Redacting
from services.notifier.actions.removing import Removing
from services.notifier.actions.replaying import Replaying
from services.notifier.actions.reporting import Reporting
from services.notifier.actions.silencing import Silencing
from services.notifier.actions.targeting import Targeting
from services.notifier.actions.trying import Trying
from services.notifier.actions.watching import Watching
from services.notifier.translate import (
    deliveries,
    events,
    explanations,
    fields,
    inbox,
    links,
    lists,
    pages,
    settings,
    silences,
    targets,
)


class NotifierServicer(rpc.NotifierServiceServicer):
    def __init__(
        self,
        *,
        configuring: Configuring,
        reporting: Reporting,
        redacting: Redacting,
        inbox: Inbox,
        trying: Trying,
        listing: Listing,
        targeting: Targeting,
        silencing: Silencing,
        removing: Removing,
        replaying: Replaying,
        watching: Watching,
        explaining: Explaining,
        following: Following,
    ) -> None:
        self._configuring = configuring
        self._reporting = reporting
        self._redacting = redacting
        self._inbox = inbox
        self._trying = trying
        self._listing = listing
        self._targeting = targeting
        self._silencing = silencing
        self._removing = removing
        self._replaying = replaying
        self._watching = watching
        self._explaining = explaining
        self._following = following

    async def GetAlertSettings(
        self, request: pb.GetAlertSettingsRequest, context: Context
    ) -> pb.GetAlertSettingsResponse:
        found, inherited = await self._configuring.settings_of(settings.scope_from(request))
        return pb.GetAlertSettingsResponse(
            settings=settings.settings_to(found),
            inherited=settings.settings_to(inherited) if inherited else None,
        )

    async def UpdateAlertSettings(
        self, request: pb.UpdateAlertSettingsRequest, context: Context
    ) -> pb.UpdateAlertSettingsResponse:
        scope, change = settings.changed_scope_from(request), settings.change_from(request)
        written, secret = await self._configuring.change(scope, change, request.etag)
        return pb.UpdateAlertSettingsResponse(
            settings=settings.settings_to(written), webhook_secret=secret
        )

    async def ListEffectiveSettings(
        self, request: pb.ListEffectiveSettingsRequest, context: Context
    ) -> pb.ListEffectiveSettingsResponse:
        since = fields.moment(request, "changed_since")
        page = pages.of_settings(request.page_size, request.page_token, since=since)
        found, defaults = await self._configuring.changed_since(since, page.after, page.limit)
        return pb.ListEffectiveSettingsResponse(
            settings=[settings.effective_to(each) for each in page.shown(found)],
            next_page_token=page.next_token(found),
            defaults=settings.effective_to(defaults),
        )

    async def ReportEvents(
        self, request: pb.ReportEventsRequest, context: Context
    ) -> pb.ReportEventsResponse:
        events.check_size(request)
        told = events.told_in(request)
        news = await self._reporting.report([event for event, _ in told.events])
        events.take_all(told.events, news)
        # After what they are to be taken out of.
        news = await self._redacting.take_in([contact for contact, _ in told.contacts])
        events.take_all(told.contacts, news)
        return pb.ReportEventsResponse(results=told.results)

    async def SendTestAlert(
        self, request: pb.SendTestAlertRequest, context: Context
    ) -> pb.SendTestAlertResponse:
        location_id = fields.reach(request, installation=request.installation)
        verdicts = await self._trying.try_out(location_id, fields.name(request.target_id))
        return pb.SendTestAlertResponse(verdicts=[lists.verdict_to(each) for each in verdicts])

    async def ListIncidents(
        self, request: pb.ListIncidentsRequest, context: Context
    ) -> pb.ListIncidentsResponse:
        location_id = fields.reach(request, installation=request.installation)
        status = lists.status_from(request.status)
        page = pages.of_incidents(
            request.page_size,
            request.page_token,
            location_id=location_id,
            status=status,
            needs_attention=request.needs_attention,
        )
        found = await self._listing.incidents(
            location_id,
            status,
            page.after,
            page.limit,
            needs_attention=request.needs_attention,
        )
        return pb.ListIncidentsResponse(
            incidents=[lists.incident_to(each) for each in page.shown(found)],
            next_page_token=page.next_token(found),
        )

    async def GetIncident(
        self, request: pb.GetIncidentRequest, context: Context
    ) -> pb.GetIncidentResponse:
        story = await self._inbox.story(*inbox.incident_from(request))
        return inbox.story_to(story)

    async def AcknowledgeIncident(
        self, request: pb.AcknowledgeIncidentRequest, context: Context
    ) -> pb.AcknowledgeIncidentResponse:
        which, actor = inbox.incident_from(request), inbox.actor_from(request.actor)
        now = await self._inbox.acknowledge(*which, actor, fields.text(request.note))
        return pb.AcknowledgeIncidentResponse(incident=lists.incident_to(now))

    async def SnoozeIncident(
        self, request: pb.SnoozeIncidentRequest, context: Context
    ) -> pb.SnoozeIncidentResponse:
        which, until = inbox.incident_from(request), fields.moment(request, "until")
        action = inbox.snooze_from(request, until)
        now = await self._inbox.snooze(*which, action, until, until_worse=request.until_worse)
        return pb.SnoozeIncidentResponse(incident=lists.incident_to(now))

    async def ResolveIncident(
        self, request: pb.ResolveIncidentRequest, context: Context
    ) -> pb.ResolveIncidentResponse:
        which, actor = inbox.incident_from(request), inbox.actor_from(request.actor)
        cause, fix = fields.text(request.cause), fields.text(request.fix)
        now = await self._inbox.resolve(*which, actor, cause, fix)
        return pb.ResolveIncidentResponse(incident=lists.incident_to(now))

    async def ReopenIncident(
        self, request: pb.ReopenIncidentRequest, context: Context
    ) -> pb.ReopenIncidentResponse:
        which, actor = inbox.incident_from(request), inbox.actor_from(request.actor)
        now = await self._inbox.reopen(*which, actor, fields.text(request.note))
        return pb.ReopenIncidentResponse(incident=lists.incident_to(now))

    async def AnnotateIncident(
        self, request: pb.AnnotateIncidentRequest, context: Context
    ) -> pb.AnnotateIncidentResponse:
        which, actor = inbox.incident_from(request), inbox.actor_from(request.actor)
        now = await self._inbox.annotate(*which, actor, inbox.note_from(request.note))
        return pb.AnnotateIncidentResponse(incident=lists.incident_to(now))

    async def ListDeliveries(
        self, request: pb.ListDeliveriesRequest, context: Context
    ) -> pb.ListDeliveriesResponse:
        location_id = fields.location_id(request.location_id)
        asked = deliveries.filter_from(request)
        page = pages.of_deliveries(
            request.page_size,
            request.page_token,
            location_id=location_id,
            asked=[asked.incident_id, asked.status, asked.target_id],
        )
        found = await self._listing.deliveries(location_id, asked, page.after, page.limit)
        return pb.ListDeliveriesResponse(
            deliveries=[lists.delivery_to(each) for each in page.shown(found)],
            next_page_token=page.next_token(found),
        )

    async def ListCaughtMail(
        self, request: pb.ListCaughtMailRequest, context: Context
    ) -> pb.ListCaughtMailResponse:
        location_id = fields.location_id(request.location_id) if request.location_id else ""
        found = await self._listing.caught_mail(location_id)
        return pb.ListCaughtMailResponse(mails=[lists.caught_mail_to(each) for each in found])

    async def ListTargets(
        self, request: pb.ListTargetsRequest, context: Context
    ) -> pb.ListTargetsResponse:
        location_id = fields.reach(request, installation=request.installation)
        found, now = await self._targeting.targets_of(location_id)
        return pb.ListTargetsResponse(targets=[targets.target_to(each, now) for each in found])

    async def UpsertTarget(
        self, request: pb.UpsertTargetRequest, context: Context
    ) -> pb.UpsertTargetResponse:
        asked, secret = request.target, ""
        installation = request.installation
        location_id = fields.reach(asked, "target.location_id", installation=installation)
        wishes = targets.wishes_from(request)
        if asked.target_id:
            which = targets.which_from(location_id, asked.target_id)
            target, now = await self._targeting.change(*which, wishes)
        else:
            channel = targets.channel_from(asked.channel)
            target, now, secret = await self._targeting.create(location_id, channel, wishes)
        return pb.UpsertTargetResponse(target=targets.target_to(target, now), webhook_secret=secret)

    async def DeleteTarget(
        self, request: pb.DeleteTargetRequest, context: Context
    ) -> pb.DeleteTargetResponse:
        await self._targeting.delete(*targets.which_from(request.location_id, request.target_id))
        return pb.DeleteTargetResponse()

    async def VerifyTarget(
        self, request: pb.VerifyTargetRequest, context: Context
    ) -> pb.VerifyTargetResponse:
        which = targets.which_from(request.location_id, request.target_id)
        (verdict,) = await self._trying.try_out(*which)
        target = targets.target_to(*await self._targeting.get(*which))
        return pb.VerifyTargetResponse(verdict=lists.verdict_to(verdict), target=target)

    async def EnableTarget(
        self, request: pb.EnableTargetRequest, context: Context
    ) -> pb.EnableTargetResponse:
        which = targets.which_from(request.location_id, request.target_id)
        target, now, missed = await self._targeting.enable(*which, replay=request.replay)
        return pb.EnableTargetResponse(target=targets.target_to(target, now), replayed_count=missed)

    async def RotateSecret(
        self, request: pb.RotateSecretRequest, context: Context
    ) -> pb.RotateSecretResponse:
        which = targets.which_from(request.location_id, request.target_id)
        target, now, secret = await self._targeting.rotate(*which)
        return pb.RotateSecretResponse(target=targets.target_to(target, now), webhook_secret=secret)

    async def CreateSilence(
        self, request: pb.CreateSilenceRequest, context: Context
    ) -> pb.CreateSilenceResponse:
        wished, ends_at = silences.silence_from(request), fields.moment(request, "ends_at")
        made = await self._silencing.create(wished, ends_at)
        at = made.created_at or made.ends_at
        return pb.CreateSilenceResponse(silence=silences.silence_to(made, at))

    async def ListSilences(
        self, request: pb.ListSilencesRequest, context: Context
    ) -> pb.ListSilencesResponse:
        location_id = fields.location_id(request.location_id) if request.location_id else ""
        ended = request.include_ended
        page = pages.of_silences(
            request.page_size, request.page_token, location_id=location_id, ended=ended
        )
        found, at = await self._silencing.of(location_id, page.after, page.limit, ended=ended)
        return pb.ListSilencesResponse(
            silences=[silences.silence_to(each, at) for _, each in page.shown(found)],
            next_page_token=page.next_token(found),
        )

    async def ExpireSilence(
        self, request: pb.ExpireSilenceRequest, context: Context
    ) -> pb.ExpireSilenceResponse:
        which, actor = silences.which_from(request), inbox.actor_from(request.actor)
        ended, at = await self._silencing.expire(*which, actor)
        return pb.ExpireSilenceResponse(silence=silences.silence_to(ended, at))

    async def DeleteLocation(
        self, request: pb.DeleteLocationRequest, context: Context
    ) -> pb.DeleteLocationResponse:
        deleted = await self._removing.remove(fields.location_id(request.location_id))
        return pb.DeleteLocationResponse(deleted_count=deleted)

    async def GetDelivery(
        self, request: pb.GetDeliveryRequest, context: Context
    ) -> pb.GetDeliveryResponse:
        which = deliveries.which_from(request)
        return deliveries.found_to(*await self._listing.delivery(*which))

    async def ReplayDeliveries(
        self, request: pb.ReplayDeliveriesRequest, context: Context
    ) -> pb.ReplayDeliveriesResponse:
        location_id, force = fields.location_id(request.location_id), request.force
        if named := deliveries.named_in(request):
            number = await self._replaying.named(location_id, named, force=force)
        else:
            span = deliveries.span_from(request)
            number = await self._replaying.given_up(location_id, span, force=force)
        return pb.ReplayDeliveriesResponse(replayed_count=number)

    async def ExplainDecision(
        self, request: pb.ExplainDecisionRequest, context: Context
    ) -> pb.ExplainDecisionResponse:
        match request.WhichOneof("subject"):
            case "event_id":
                found = await self._explaining.event(*explanations.event_from(request))
            case "incident_id":
                found = await self._explaining.incident(*inbox.incident_from(request))
            case "imagined":
                imagined = explanations.imagined_from(request)
                found = await self._explaining.imagined(imagined)
            case _:
                raise explanations.SubjectMissing.at("subject")
        return explanations.explanation_to(found)

    async def GetLink(self, request: pb.GetLinkRequest, context: Context) -> pb.GetLinkResponse:
        found = await self._following.look(request.token)
        return pb.GetLinkResponse(link=links.link_to(found))

    async def FollowLink(
        self, request: pb.FollowLinkRequest, context: Context
    ) -> pb.FollowLinkResponse:
        found = await self._following.follow(request.token, fields.text(request.note))
        return pb.FollowLinkResponse(link=links.link_to(found))

    async def GetNotifierStatus(
        self, request: pb.GetNotifierStatusRequest, context: Context
    ) -> pb.GetNotifierStatusResponse:
        return lists.status_to(await self._watching.watch())
