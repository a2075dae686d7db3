"""Lists the catalogue of rules."""

from libs.contracts.scheduler.v1 import scheduler_pb2 as pb
from services.scheduler.domain.rules import RULES
from tests.scheduler.asking import SECONDS


async def test_all_rules_are_listed_by_id_with_all_that_is_known_of_them(lasting_scheduler):
    answer = await lasting_scheduler.ListRules(pb.ListRulesRequest(), timeout=SECONDS)

    assert [each.rule_id for each in answer.rules] == [rule.id for rule in RULES]
    assert len(answer.rules) == 40
    for each in answer.rules:
        assert each.severity
        assert each.penalty > 0
        assert each.needs
        assert all((each.title, each.fires_when, each.basis, each.remedy))


async def test_so_are_the_kinds_of_things_a_scan_could_not_see(lasting_scheduler):
    answer = await lasting_scheduler.ListRules(pb.ListRulesRequest(), timeout=SECONDS)

    assert [each.id for each in answer.coverage] == [f"GHL90{n}" for n in range(1, 7)]
    assert all(each.title for each in answer.coverage)
