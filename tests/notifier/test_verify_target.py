from tests.notifier.builders import EMAIL, NOBODY, caught, deliveries_of, refused_as
from tests.notifier.targets import add_target, change_target, verify_target


async def test_a_test_that_arrives_verifies_its_target_alone(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id
    await add_target(notifier, "email", "other@agency.example")

    answer = await verify_target(notifier, target_id)

    assert (answer.verdict.target_id, answer.verdict.delivered) == (target_id, True)
    assert answer.target.HasField("verified_at")
    assert [each.recipient for each in await caught(notifier)] == [EMAIL]
    assert not await deliveries_of(notifier)


async def test_a_test_that_fails_verifies_nothing(notifier):
    target_id = (await add_target(notifier, "webhook", NOBODY)).target.target_id

    answer = await verify_target(notifier, target_id)

    assert not answer.verdict.delivered
    assert answer.verdict.detail
    assert not answer.target.HasField("verified_at")


async def test_a_new_address_is_not_verified(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id
    await verify_target(notifier, target_id)

    changed = await change_target(notifier, target_id, address="new@agency.example")

    assert not changed.HasField("verified_at")


async def test_a_test_does_not_switch_on_what_a_person_switched_off(notifier):
    target_id = (await add_target(notifier, "email", EMAIL, enabled=False)).target.target_id

    answer = await verify_target(notifier, target_id)

    assert answer.verdict.delivered
    assert not answer.target.enabled


async def test_tests_of_one_target_count_as_tests_of_its_location(notifier):
    target_id = (await add_target(notifier, "email", EMAIL)).target.target_id
    for _ in range(5):
        await verify_target(notifier, target_id)

    with refused_as("RATE_LIMITED"):
        await verify_target(notifier, target_id)
    with refused_as("TARGET_NOT_FOUND"):
        await verify_target(notifier, target_id, "loc-2")
