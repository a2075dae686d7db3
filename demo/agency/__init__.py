"""The agency and its three clients."""

from demo.agency.dental import DENTAL
from demo.agency.fitness import FITNESS
from demo.agency.roofing import ROOFING
from demo.agency.workflow import Location, Workflow

LOCATIONS = (DENTAL, ROOFING, FITNESS)

__all__ = ["LOCATIONS", "Location", "Workflow"]
