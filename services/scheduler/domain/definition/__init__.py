"""A workflow's definition: its settings, triggers and steps, and where each step leads."""

from services.scheduler.domain.definition.graph import Graph
from services.scheduler.domain.definition.location import LocationGraph, WorkflowLinks, links_of
from services.scheduler.domain.definition.model import (
    Condition,
    Definition,
    Settings,
    Step,
    Trigger,
)
from services.scheduler.domain.definition.reading import read_definition

__all__ = [
    "Condition",
    "Definition",
    "Graph",
    "LocationGraph",
    "Settings",
    "Step",
    "Trigger",
    "WorkflowLinks",
    "links_of",
    "read_definition",
]
