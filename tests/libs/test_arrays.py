"""Whole columns written as PostgreSQL's arrays come back as they were."""

from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.db import arrays

storable = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
moments = st.datetimes(timezones=st.just(UTC))
spans = st.timedeltas(timedelta(days=-3650), timedelta(days=3650))
COLUMNS = st.one_of(
    st.tuples(st.just("text"), st.lists(storable)),
    st.tuples(st.just("timestamptz"), st.lists(st.none() | moments)),
    st.tuples(st.just("interval"), st.lists(st.none() | spans)),
    st.tuples(st.just("int8"), st.lists(st.none() | st.integers(-(2**63), 2**63 - 1))),
    st.tuples(st.just("bool"), st.lists(st.booleans())),
)


@pytest.fixture(scope="module")
def connection(postgres):
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(column=COLUMNS)
def test_an_array_comes_back_as_it_was(connection, column):
    type_, values = column
    written = arrays.WRITERS[type_](values)
    ((found,),) = connection.execute(f"SELECT CAST(%s AS {type_}[])", [written]).fetchall()
    assert found == values


def test_a_time_of_another_zone_is_the_same_moment(connection):
    there = datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    query = "SELECT CAST(%s AS timestamptz[])"
    ((found,),) = connection.execute(query, [arrays.moments([there])]).fetchall()
    assert found == [there]
