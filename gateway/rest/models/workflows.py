"""What can be changed about a workflow."""

from gateway.rest import wire
from gateway.rest.models.shapes import Body, examples
from libs.contracts.ingestion.v1 import ingestion_pb2 as pb


class WorkflowBody(Body):
    """What shall be different."""

    model_config = examples({"runLimitHours": 6})

    run_limit_hours: int | None = None
    """Hours after which a run that started and did not end counts as failed, 1 to 720; null
    is as long as elsewhere."""

    def message(self, location_id: str, workflow_id: str) -> pb.Workflow:
        """Gives the workflow as it shall be."""
        return pb.Workflow(
            location_id=location_id,
            workflow_id=workflow_id,
            run_limit_hours=wire.int32_or_none(self.run_limit_hours),
        )
