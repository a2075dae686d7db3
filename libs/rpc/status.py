"""The one table of problems, gRPC codes and HTTP codes, and the way between them."""

import math
from dataclasses import dataclass
from datetime import timedelta

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from libs import problems

DOMAIN = "runwarden"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of problem is told, and whether the caller may retry."""

    problem: type[problems.Problem]
    code: grpc.StatusCode
    http: int
    retry: str


KINDS = (
    Kind(problems.InvalidRequest, grpc.StatusCode.INVALID_ARGUMENT, 400, "no"),
    Kind(problems.Unauthenticated, grpc.StatusCode.UNAUTHENTICATED, 401, "no"),
    Kind(problems.Forbidden, grpc.StatusCode.PERMISSION_DENIED, 403, "no"),
    Kind(problems.NotFound, grpc.StatusCode.NOT_FOUND, 404, "no"),
    Kind(problems.AlreadyExists, grpc.StatusCode.ALREADY_EXISTS, 409, "no"),
    # 400, not 412: 412 speaks of HTTP's own preconditions (as grpc-gateway has it).
    Kind(problems.WrongState, grpc.StatusCode.FAILED_PRECONDITION, 400, "after a change"),
    Kind(problems.Overtaken, grpc.StatusCode.ABORTED, 409, "yes, from the start"),
    Kind(problems.TooMany, grpc.StatusCode.RESOURCE_EXHAUSTED, 429, "after the delay"),
    Kind(problems.Unavailable, grpc.StatusCode.UNAVAILABLE, 503, "yes"),
    Kind(problems.OutOfTime, grpc.StatusCode.DEADLINE_EXCEEDED, 504, "if idempotent"),
    Kind(problems.CallerLeft, grpc.StatusCode.CANCELLED, 499, "yes"),
    Kind(problems.Broken, grpc.StatusCode.INTERNAL, 500, "no"),
)
_BY_PROBLEM = {kind.problem: kind for kind in KINDS}
_BY_CODE = {kind.code: kind for kind in KINDS}


def kind_of(problem: problems.Problem) -> Kind:
    """Gives how the problem is told, by the nearest of its classes that is in the table."""
    for each in type(problem).__mro__:
        if kind := _BY_PROBLEM.get(each):
            return kind
    return _BY_PROBLEM[problems.Broken]


def to_status(problem: problems.Problem) -> grpc.Status:
    """Gives the gRPC status with its details."""
    return rpc_status.to_status(  # type: ignore[no-any-return]
        status_pb2.Status(
            code=kind_of(problem).code.value[0],
            message=problem.message,
            details=[_packed(detail) for detail in _details(problem)],
        )
    )


def from_error(error: grpc.aio.AioRpcError) -> problems.Problem:
    """Gives back the problem a peer told us; what it cannot tell is a `Broken`."""
    kind = _BY_CODE.get(error.code(), _BY_PROBLEM[problems.Broken])
    problem = kind.problem(error.details())
    rich = rpc_status.from_call(error)
    for detail in rich.details if rich else ():
        _read_detail(problem, detail)
    return problem


def _details(problem: problems.Problem) -> list[Message]:
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=problem.reason, domain=DOMAIN, metadata=problem.facts)
    ]
    if problem.fields:
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=each.field, description=each.message)
            for each in problem.fields
        ]
        details.append(error_details_pb2.BadRequest(field_violations=violations))
    if problem.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromTimedelta(problem.retry_after)
        details.append(retry)
    details.extend(_about_the_thing(problem))
    return details


def _about_the_thing(problem: problems.Problem) -> list[Message]:
    if isinstance(problem, problems.NotFound | problems.AlreadyExists):
        name = next(iter(problem.facts.values()), "")
        kind = problem.reason.removesuffix("_NOT_FOUND").lower()
        return [error_details_pb2.ResourceInfo(resource_type=kind, resource_name=name)]
    if isinstance(problem, problems.WrongState):
        violation = error_details_pb2.PreconditionFailure.Violation(
            type=problem.reason, description=problem.message
        )
        return [error_details_pb2.PreconditionFailure(violations=[violation])]
    return []


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed


def _read_detail(problem: problems.Problem, detail: any_pb2.Any) -> None:
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    if detail.Unpack(info):
        problem.reason, problem.facts = info.reason, dict(info.metadata)
    elif detail.Unpack(bad):
        problem.fields = tuple(
            problems.FieldError(each.field, each.description) for each in bad.field_violations
        )
    elif detail.Unpack(retry):
        problem.retry_after = retry.retry_delay.ToTimedelta()


def retry_after_seconds(problem: problems.Problem) -> int | None:
    """Gives whole seconds for `Retry-After`; at least 1, None where there is nothing to wait for."""
    waits = isinstance(problem, problems.TooMany | problems.Unavailable)
    if problem.retry_after is None and not waits:
        return None
    return max(1, math.ceil((problem.retry_after or timedelta(seconds=1)).total_seconds()))
