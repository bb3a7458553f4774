"""Importing past work: all of a file or nothing, never twice, and nobody is woken by it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import transaction

from tests import make
from workfloor.core.access import actors
from workfloor.core.clients import queries as clients_queries
from workfloor.core.event_log.models import Fact
from workfloor.core.work import queries as work_queries
from workfloor.core.work.models import Item
from workfloor.ops.presales import actions as presales
from workfloor.ops.presales import export_rows, map_file
from workfloor.ops.presales import gateway as presales_gateway
from workfloor.ops.presales import models as presales_models
from workfloor.ops.presales import queries as presales_queries

NOW = make.later(days=30)

MAP = """
[history]
client = "lisbon-light"
source = "switch"

[time]
zone = "Europe/Lisbon"

[columns]
arrived = "came"
menu = "menu"
wait = "wait"
service = "talk"
wrap = "after"
outcome = "end"
agent = "who"
customer = "caller"
id = "no"

[rows]
identity = ["no", "came"]
keep = ["colour"]

[queues]
"" = "calls"

[outcomes]
A = "answered"
H = "abandoned"
P = "phantom"

[dirt]
answered-without-agent = "accept"
abandoned-with-service = "accept"
unknown-outcome = "leave-out"
"""
HEADER = "no,came,menu,wait,talk,after,end,who,caller,colour,unused\n"
ANSWERED = "1,2026-03-02T09:00:00,9,3,166,10,A,A09,C1,red,x\n"
ABANDONED = "2,2026-03-02T09:01:00,9,40,0,0,H,,C2,red,x\n"
PHANTOM = "3,2026-03-02T09:02:00,0,0,0,0,P,,,red,x\n"


class Desk:
    """Somebody who imports files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "calls.csv"
        self.map = MAP

    def imports(self, *rows: str, expected_rows: int | None = None) -> tuple[presales_models.Import, bool]:
        """Import a file of these rows the way the command does; raises Refused, and then nothing is stored."""
        self.path.write_text(HEADER + "".join(rows))
        form = map_file.read(self.map)
        client = clients_queries.by_slug(form.map.client)
        place = client and presales_queries.place(client, NOW)
        assert place
        with presales_gateway.opened(self.path) as export, transaction.atomic():
            return presales.import_calls(
                export=export,
                map_=form,
                place=place,
                expected_rows=expected_rows,
                by=make.ROOT,
                now=NOW,
                progress=lambda done: None,
                make_room=presales.make_room,
            )

    def refusal(self, *rows: str, **more: int) -> export_rows.Refused:
        """Why a file is refused; fails if any of it is stored all the same."""
        before = (Item.objects.count(), Fact.objects.count(), presales_models.Import.objects.count())
        with pytest.raises(export_rows.Refused) as refused:
            self.imports(*rows, **more)
        assert (Item.objects.count(), Fact.objects.count(), presales_models.Import.objects.count()) == before
        return refused.value


@pytest.fixture
def desk(everyone: None, tmp_path: Path) -> Desk:
    make.client()
    return Desk(tmp_path)


def told(item: Item) -> list[tuple[str, int]]:
    """An item's facts, and how many seconds after its arrival."""
    facts = Fact.objects.filter(item_id=item.id).order_by("id")
    return [(fact.event, int((fact.at - item.received_at).total_seconds())) for fact in facts]


def test_an_answered_call_becomes_its_facts(desk: Desk):
    desk.imports(ANSWERED)

    item = Item.objects.get()
    assert told(item) == [
        ("work.received", 0),
        ("work.queued", 9),
        ("work.accepted", 12),
        ("work.connected", 12),
        ("work.ended", 178),
        ("work.wrapped-up", 188),
    ]
    assert (item.state, item.kind, item.queue.name, item.agent_label) == ("done", "call", "calls", "A09")
    assert (item.talk_seconds, item.wrap_seconds, item.working_seconds) == (166, 10, 178)
    assert item.payload == {"customer": "C1", "colour": "red"}


def test_working_time_is_counted_in_the_contracts_calendar(desk: Desk):
    before_opening = ANSWERED.replace("09:00:00", "08:59:00")

    desk.imports(before_opening)

    assert Item.objects.get().working_seconds == 178 - 60


@pytest.mark.parametrize(
    ("row", "state", "last"), [(ABANDONED, "abandoned", "work.abandoned"), (PHANTOM, "cancelled", "work.cancelled")]
)
def test_a_call_that_nobody_answered_ends_so(desk: Desk, row: str, state: str, last: str):
    desk.imports(row)

    item = Item.objects.get()
    assert [event for event, _ in told(item)] == ["work.received", "work.queued", last]
    assert item.state == state
    assert item.cancelled_as == ("phantom" if state == "cancelled" else "")


def test_state_is_what_the_facts_add_up_to(desk: Desk):
    at_once = ANSWERED.replace("1,", "4,", 1).replace(",9,3,166,10,", ",0,0,1,0,").replace(",A09,", ",,")
    over_night = ANSWERED.replace("1,", "5,", 1).replace("09:00:00", "17:59:30.25").replace(",10,", ",50000,")
    of_a_strange_name = ANSWERED.replace("1,", "6\t\\,", 1).replace(",A09,C1,", ',"A\\\n9","Łu""cja",')
    desk.imports(ANSWERED, ABANDONED, PHANTOM, at_once, over_night, of_a_strange_name)

    assert Item.objects.count() == 6
    for item in Item.objects.all():
        assert work_queries.rebuilt(item.id) == work_queries.state_of(item)


def test_nothing_of_the_past_waits_for_anybody(desk: Desk):
    desk.imports(ANSWERED, ABANDONED, PHANTOM)

    assert not Item.objects.filter(state="waiting").exists()


def test_the_import_itself_is_a_fact_with_its_report(desk: Desk):
    imported, new = desk.imports(ANSWERED, ABANDONED.replace(",40,0,", ",40,7,"), PHANTOM.replace(",P,", ",?,"))

    assert new
    report = presales_queries.report(imported)
    assert (report["rows"], report["answered"], report["abandoned"], report["phantom"], report["left_out"]) == (
        3,
        1,
        1,
        0,
        1,
    )
    assert [(heap["kind"], heap["count"], heap["lines"]) for heap in report["dirt"]] == [
        ("unknown-outcome", 1, [4]),
        ("abandoned-with-service", 1, [3]),
    ]
    assert report["unused_columns"] == ["unused"]
    fact = Fact.objects.get(event="history.imported")
    assert fact.details.items() >= {"rows": 3, "answered": 1, "left_out": 1, "sha256": imported.sha256}.items()


def test_whoever_answered_a_call_of_the_past_has_replied_then(desk: Desk):
    desk.imports(ANSWERED, ABANDONED)

    answered, left = Item.objects.order_by("state").reverse()
    assert answered.reply_seconds == min(
        answered.working_seconds, (answered.connected_at - answered.received_at).seconds
    )
    assert left.reply_seconds is None


def test_the_same_file_again_adds_nothing(desk: Desk):
    first, _ = desk.imports(ANSWERED, ABANDONED)

    again, new = desk.imports(ANSWERED, ABANDONED)

    assert (again, new) == (first, False)
    assert Item.objects.count() == 2
    assert Fact.objects.filter(event="history.imported").count() == 1


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([ANSWERED], id="cut short between two rows"),
        pytest.param([ANSWERED, ABANDONED.replace(",40,", ",41,")], id="changed half-way"),
        pytest.param([ANSWERED, ABANDONED, PHANTOM], id="overlapping"),
        pytest.param([ABANDONED, ANSWERED], id="in another order"),
    ],
)
def test_another_version_of_an_imported_file_is_refused_whole(desk: Desk, rows: list[str]):
    desk.imports(ANSWERED, ABANDONED)

    assert "here already (lines 2" in desk.refusal(*rows).reason


def test_what_is_missing_may_come_later(desk: Desk):
    desk.imports(ANSWERED)

    desk.imports(ABANDONED, PHANTOM)

    assert Item.objects.count() == 3


def test_calls_of_another_source_are_other_calls(desk: Desk):
    desk.imports(ANSWERED)
    desk.map = MAP.replace("switch", "old-switch")

    desk.imports(ANSWERED, ABANDONED)

    assert Item.objects.count() == 3


def test_one_bad_row_refuses_the_whole_file_with_every_line_and_reason(desk: Desk):
    refused = desk.refusal(ANSWERED, ABANDONED.replace(",40,", ",soon,"), PHANTOM.replace("2026-03-02T", ""))

    assert [(each.line, each.kind) for each in refused.findings] == [
        (3, "number-unreadable"),
        (4, "arrival-unreadable"),
    ]
    assert "'soon'" in refused.findings[0].reason


def test_a_refusal_lists_a_hundred_rows_and_counts_the_rest(desk: Desk):
    refused = desk.refusal(*(ANSWERED.replace("1,", f"{number},", 1).replace(",3,", ",x,") for number in range(150)))

    assert (len(refused.findings), refused.count) == (100, 150)


def test_a_queue_that_the_contract_lacks_is_refused(desk: Desk):
    desk.map = MAP.replace('"calls"', '"fax"')

    assert desk.refusal(ANSWERED).reason == "the contract has no queue fax: [queues] may name calls, mail"


@pytest.mark.parametrize("rows", [[], [ANSWERED.replace(",A,", ",?,")]])
def test_a_file_without_a_call_is_refused(desk: Desk, rows: list[str]):
    assert desk.refusal(*rows).reason == "no row of the file is a call"


def test_a_number_of_rows_other_than_the_expected_is_refused(desk: Desk):
    assert "1 rows where 2 were expected" in desk.refusal(ANSWERED, expected_rows=2).reason


def test_calls_before_the_contract_are_refused(desk: Desk):
    [found] = desk.refusal(ANSWERED.replace("2026-03", "2025-12")).findings

    assert found.kind == "arrival-outside-contract"


def test_a_file_that_changes_while_it_is_read_is_refused(desk: Desk):
    form, client = map_file.read(MAP), make.client()
    place = presales_queries.place(client, NOW)
    assert place
    desk.path.write_text(HEADER + ANSWERED)

    def change(done: int) -> None:
        desk.path.write_text(HEADER + ANSWERED.replace("red", "blue"))

    refusing = pytest.raises(export_rows.Refused, match="changed while it was being read")
    with presales_gateway.opened(desk.path) as export, refusing, transaction.atomic():
        presales.import_calls(
            export=export,
            map_=form,
            place=place,
            by=make.ROOT,
            now=NOW,
            progress=change,
            make_room=presales.make_room,
        )
    assert not Item.objects.exists()


def test_past_months_get_their_place_in_the_journal(desk: Desk):
    end_of_month = ANSWERED.replace("03-02T09:00:00", "01-31T23:59:00")

    desk.imports(end_of_month)

    assert Fact.objects.filter(event="work.wrapped-up", at__gte=datetime(2026, 2, 1, tzinfo=UTC)).count() == 1
    assert Item.objects.get().received_at == datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


def test_a_client_without_a_contract_has_no_place_for_past_work(everyone: None):
    from workfloor.core.clients import actions as clients

    assert (
        presales_queries.place(clients.open_client(slug="nobody", title="Nobody", by=actors.ROOT, now=NOW), NOW) is None
    )


def test_work_still_under_way_is_no_past_work(desk: Desk):
    still_talking = ANSWERED.replace("2026-03-02T09:00:00", f"{NOW - timedelta(seconds=60):%Y-%m-%dT%H:%M:%S}")

    desk.map = MAP.replace("Europe/Lisbon", "UTC")

    [found] = desk.refusal(still_talking).findings

    assert found.kind == "arrival-in-future"
