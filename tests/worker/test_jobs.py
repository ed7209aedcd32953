"""The jobs, one by one: what each does, in bounded batches, as often as one likes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.support.actors import Actors, Connection, Row, call, value
from tests.support.clinics import Clinic
from tests.support.messages import outbox, patient, rules, visit
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, reserve
from tests.worker.support import manual, wait_until
from worker.database import Batch, Database


async def finish(
    db: Database, job: str, max_rows: int = 1000, retention: timedelta | None = None
) -> list[int]:
    """Run a job to its end; return what each batch did."""
    run, batches = manual(job), []
    while True:
        batch = await db.run_batch(run, max_rows, retention, 30)
        batches.append(batch.affected)
        if batch.state != "running":
            assert batch.state == "succeeded"
            return batches


async def refresh(db: Database, root: Connection) -> list[int]:
    """Count the days anew once every event so far is settled; any writer on the server can delay that."""
    await_settled(root)
    return await finish(db, "refresh_daily_metrics")


def await_settled(root: Connection) -> None:
    """Wait until readers may have every event so far: more than that their transactions have ended."""
    settled = (
        "select coalesce(bool_and(clinic.is_settled(e.xid, e.xmin, e.horizon)), true)"
        " from clinic.realtime_events as e"
    )
    wait_until(lambda: value(root, settled), "the events to settle")


def hold(actors: Actors, clinic: Clinic, *clocks: str) -> list[Row]:
    desk = actors.user(f"desk@{clinic.slug}.test")
    actors.superuser().execute("update clinic.clinics set max_active_holds = 100")
    return [reserve(desk, clinic, clinic.at(clock)) for clock in clocks]


class TestExpireReservations:
    async def test_frees_and_announces_what_ran_out_and_nothing_else(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        dead, live = hold(actors, riverside, "09:00", "10:00")
        expire_hold(root, dead["id"])
        assert await finish(db, "expire_reservations") == [1]
        left = root.execute("select id from clinic.occupancy where cause = 'hold' order by part").fetchall()
        assert [row["id"] for row in left] == [live["id"]] * 2, "with who leads it, and its chair"
        events = root.execute(
            "select event from clinic.realtime_events where entity_id = %s order by id", [dead["id"]]
        ).fetchall()
        told = ["slot_freed", "availability_changed", "reservation_expired"]
        assert [row["event"] for row in events][-3:] == told
        assert await finish(db, "expire_reservations") == [0]

    async def test_works_in_batches_each_its_own_transaction(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        for row in hold(actors, riverside, "09:00", "09:30", "10:00", "10:30", "11:00"):
            expire_hold(root, row["id"])
        assert await finish(db, "expire_reservations", max_rows=2) == [2, 2, 1]
        xids = value(
            root, "select count(distinct xid) from clinic.realtime_events where event = 'reservation_expired'"
        )
        assert xids == 3

    async def test_knows_the_next_end(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        assert await db.seconds_to_next_expiry() is None
        (row,) = hold(actors, riverside, "09:00")
        ahead = await db.seconds_to_next_expiry()
        assert ahead is not None
        assert 0 < ahead <= 300
        expire_hold(root, row["id"])
        over = await db.seconds_to_next_expiry()
        assert over is not None
        assert over < 0


class TestMaintainPartitions:
    def partitions(self, root: Connection) -> list[str]:
        rows = root.execute(
            "select inhrelid::regclass::text as name from pg_inherits"
            " where inhparent = 'clinic.realtime_events'::regclass order by 1"
        )
        return [row["name"].removeprefix("clinic.realtime_events_") for row in rows]

    def day(self, days: int) -> str:
        return f"{datetime.now(UTC).date() + timedelta(days=days):%Y_%m_%d}"

    async def test_makes_the_coming_week(self, db: Database, root: Connection) -> None:
        for days in range(1, 8):
            root.execute(f"drop table clinic.realtime_events_{self.day(days)}")
        await finish(db, "maintain_partitions")
        assert {self.day(days) for days in range(8)} <= set(self.partitions(root))

    async def test_rescues_events_of_a_day_that_had_no_partition(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        root.execute(f"drop table clinic.realtime_events_{self.day(0)}")
        hold(actors, riverside, "09:00")
        assert value(root, "select count(*) from clinic.realtime_events_default") > 0
        await finish(db, "maintain_partitions")
        assert value(root, "select count(*) from clinic.realtime_events_default") == 0
        moved = "select count(*) from clinic.realtime_events where tableoid = to_regclass(%s)"
        assert value(root, moved, f"clinic.realtime_events_{self.day(0)}") > 0

    async def test_drops_what_is_past_its_retention_a_few_at_a_time(
        self, db: Database, root: Connection
    ) -> None:
        today = datetime.now(UTC).date()
        root.execute(
            "select clinic.create_event_partitions(%s, %s)", [today - timedelta(94), today - timedelta(88)]
        )
        before = self.partitions(root)
        assert await finish(db, "maintain_partitions", max_rows=3) == [3, 1]
        gone = set(before) - set(self.partitions(root))
        assert gone == {self.day(-days) for days in (94, 93, 92, 91)}

    async def test_forgets_old_runs_and_ended_reservations(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        await finish(db, "expire_reservations")
        row, _ = hold(actors, riverside, "09:00", "10:00")
        call(actors.user("desk@riverside.test"), "release_reservation", reservation_id=row["id"])
        root.execute("update clinic.job_runs set started_at = started_at - interval '91 days'")
        root.execute("update clinic.slot_reservations set ended_at = ended_at - interval '91 days'")
        await finish(db, "maintain_partitions")
        assert value(root, "select count(*) from clinic.job_runs where job = 'expire_reservations'") == 0
        assert value(root, "select count(*) from clinic.slot_reservations") == 1


class TestPurgeIdempotencyKeys:
    async def test_forgets_keys_past_their_retention_in_batches(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        desk = actors.user("desk@riverside.test")
        actors.superuser().execute("update clinic.clinics set max_active_holds = 100")
        for hour in range(9, 12):
            reserve(desk, riverside, riverside.at(f"{hour:02}:00"), idempotency_key=f"key {hour}")
        root.execute(
            "update clinic.idempotency_keys set created_at = now() - interval '23 hours' where key = 'key 9'"
        )
        root.execute(
            "update clinic.idempotency_keys set created_at = now() - interval '25 hours' where key <> 'key 9'"
        )
        assert await finish(db, "purge_idempotency_keys", max_rows=1) == [1, 1, 0]
        assert value(root, "select array_agg(key) from clinic.idempotency_keys") == ["key 9"]
        assert await finish(db, "purge_idempotency_keys", retention=timedelta(hours=1)) == [1]


class TestFlagNoShows:
    @pytest.fixture
    def missed(self, actors: Actors, root: Connection, riverside: Clinic) -> Iterator[Row]:
        """An appointment that ended two hours ago."""
        row = book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        root.execute(
            "update clinic.appointments set starts_at = now() - interval '150 minutes',"
            " ends_at = now() - interval '120 minutes' where id = %s",
            [row["id"]],
        )
        return row  # type: ignore[return-value]

    async def test_flags_who_never_came_and_frees_the_calendar(
        self, db: Database, root: Connection, missed: Row
    ) -> None:
        assert await finish(db, "flag_no_shows", retention=timedelta(hours=3)) == [0]
        assert await finish(db, "flag_no_shows") == [1]
        assert value(root, "select status from clinic.appointments where id = %s", missed["id"]) == "no_show"
        assert value(root, "select count(*) from clinic.occupancy where id = %s", missed["id"]) == 0
        assert await finish(db, "flag_no_shows") == [0]

    async def test_leaves_alone_who_came(self, db: Database, root: Connection, missed: Row) -> None:
        root.execute("update clinic.appointments set status = 'checked_in'")
        assert await finish(db, "flag_no_shows") == [0]


class TestRefreshDailyMetrics:
    def day(self, root: Connection, clinic: Clinic, day: date) -> Row:
        statement = "select * from api.daily_metrics where clinic_id = %s and day = %s"
        return dict(root.execute(statement, [clinic.id, day]).fetchone() or {})

    async def test_counts_the_day_of_the_appointment_and_the_day_of_the_booking(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        ana = actors.user("ana@patients.test")
        book(ana, riverside, riverside.at("09:00"))
        gone = book(ana, riverside, riverside.at("10:00"))
        call(ana, "cancel_appointment", appointment_id=gone["id"])
        await refresh(db, root)
        then, now = (self.day(root, riverside, day) for day in (riverside.weekday(1), riverside.today()))
        assert (then["booked"], then["cancelled"], then["booked_minutes"]) == (1, 1, 30)
        assert (now["bookings"], now["cancellations"]) == (2, 1)
        assert now["lead_time"] > timedelta(days=20)
        working = len(riverside.dentists) * 7 * 60
        assert then["working_minutes"] == working
        assert float(then["utilisation"]) == pytest.approx(30 / working, abs=1e-4)

    async def test_counts_what_became_of_holds(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        confirmed, released, expired, _ = hold(actors, riverside, "09:00", "10:00", "11:00", "13:00")
        desk = actors.user("desk@riverside.test")
        patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")["id"]
        call(desk, "confirm_reservation", reservation_id=confirmed["id"], patient_id=patient)
        call(desk, "release_reservation", reservation_id=released["id"])
        expire_hold(root, expired["id"])
        await finish(db, "expire_reservations")
        await refresh(db, root)
        today = self.day(root, riverside, riverside.today())
        counts = [today[name] for name in ("holds", "holds_confirmed", "holds_released", "holds_expired")]
        assert counts == [4, 1, 1, 1]
        assert float(today["hold_conversion"]) == 0.25

    async def test_a_hold_that_ran_out_and_was_booked_all_the_same_is_one_that_was_confirmed(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        ana = actors.user("ana@patients.test")
        held = reserve(ana, riverside, riverside.at("09:00"))
        expire_hold(root, held["id"])
        await finish(db, "expire_reservations")
        await refresh(db, root)
        call(ana, "confirm_reservation", reservation_id=held["id"])
        await refresh(db, root)
        today = self.day(root, riverside, riverside.today())
        counts = [today[name] for name in ("holds", "holds_confirmed", "holds_released", "holds_expired")]
        assert counts == [1, 1, 0, 0]
        totals = root.execute(
            "select holds, holds_confirmed, holds_expired from clinic.running_totals"
        ).fetchone()
        assert totals == {"holds": 1, "holds_confirmed": 1, "holds_expired": 1}, "a counter never goes back"

    async def test_counts_what_the_clinic_refused_once(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        ana, ben = actors.user("ana@patients.test"), actors.user("ben@patients.test")
        book(ana, riverside, riverside.at("09:00"))
        for clock in ("09:00", "08:00", "09:07"):
            with refused("slot_taken", "outside_working_hours", "off_grid"):
                book(ben, riverside, riverside.at(clock))
        for _ in range(2):
            await refresh(db, root)
            assert self.day(root, riverside, riverside.today())["refusals"] == 3
        with refused("slot_taken"):
            reserve(ben, riverside, riverside.at("09:00"))
        await refresh(db, root)
        assert self.day(root, riverside, riverside.today())["refusals"] == 4
        others = "select sum(refusals) from clinic.daily_metrics where clinic_id <> %s"
        assert value(root, others, riverside.id) == 0

    async def test_follows_an_appointment_that_moves_to_another_day(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        ana = actors.user("ana@patients.test")
        row = book(ana, riverside, riverside.at("09:00"))
        await refresh(db, root)
        tuesday = riverside.weekday(2)
        call(
            ana, "reschedule_appointment", appointment_id=row["id"], starts_at=riverside.at("09:00", tuesday)
        )
        await refresh(db, root)
        assert self.day(root, riverside, riverside.weekday(1))["booked"] == 0
        assert self.day(root, riverside, tuesday)["booked"] == 1

    async def test_recounts_only_what_changed(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        await refresh(db, root)
        assert await refresh(db, root) == [0]
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        assert await refresh(db, root) == [2]

    async def test_time_off_is_no_working_time(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        call(
            actors.user("admin@riverside.test"), "add_time_off", clinic_id=riverside.id,
            dentist_id=riverside.lee, starts_at=riverside.at("09:00"), ends_at=riverside.at("12:00"),
        )  # fmt: skip
        await refresh(db, root)
        working = len(riverside.dentists) * 7 * 60
        assert self.day(root, riverside, riverside.weekday(1))["working_minutes"] == working - 180

    async def test_nobody_works_while_the_clinic_is_closed(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        span = {"starts_at": riverside.at("12:00"), "ends_at": riverside.at("00:00", riverside.weekday(2))}
        call(actors.user("admin@riverside.test"), "add_time_off", clinic_id=riverside.id, **span)
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await refresh(db, root)
        morning = len(riverside.dentists) * 3 * 60
        assert self.day(root, riverside, riverside.weekday(1))["working_minutes"] == morning

    async def test_totals_are_what_the_days_add_up_to_and_never_fall(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        ana = actors.user("ana@patients.test")
        row = book(ana, riverside, riverside.at("09:00"))
        book(ana, riverside, riverside.at("10:00"))
        call(ana, "cancel_appointment", appointment_id=row["id"])
        held, *_ = hold(actors, riverside, "11:00", "13:00")
        call(actors.user("desk@riverside.test"), "release_reservation", reservation_id=held["id"])
        for _ in range(2):
            await refresh(db, root)
            root.execute("update clinic.daily_metrics set stale = true")
        told = await db.snapshot()
        assert told["appointments"] == {
            "booked": 1, "checked_in": 0, "fulfilled": 0, "cancelled": 1, "no_show": 0
        }  # fmt: skip
        assert told["holds"] == {"created": 2, "converted": 0, "released": 1, "expired": 0}
        root.execute("delete from clinic.slot_reservations where outcome is not null")
        root.execute("delete from clinic.daily_metrics where day < current_date - 1")
        await refresh(db, root)
        assert (await db.snapshot())["holds"] == told["holds"]

    async def test_admins_see_their_clinic_and_nobody_else_anything(
        self, db: Database, actors: Actors, riverside: Clinic
    ) -> None:
        await finish(db, "refresh_daily_metrics")
        seen = actors.user("admin@riverside.test").execute("select distinct clinic_id from api.daily_metrics")
        assert [row["clinic_id"] for row in seen] == [riverside.id]
        for email in ("desk@riverside.test", "lee@riverside.test", "bot@riverside.test", "ana@patients.test"):
            assert actors.user(email).execute("select from api.daily_metrics").rowcount == 0


class TestVerifyInvariants:
    async def test_finds_nothing_in_a_sound_calendar_and_what_is_wrong_in_another(
        self, db: Database, actors: Actors, root: Connection, riverside: Clinic
    ) -> None:
        book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
        await finish(db, "verify_invariants")
        assert sum((await db.snapshot())["invariant_violations"].values()) == 0
        with root.transaction():
            root.execute("set local session_replication_role = replica")  # no trigger looks
            root.execute("delete from clinic.occupancy where cause = 'appointment'")
        await finish(db, "verify_invariants")
        assert (await db.snapshot())["invariant_violations"]["cause_without_claim"] == 1
        root.execute("delete from clinic.appointments")
        await finish(db, "verify_invariants")
        assert (await db.snapshot())["invariant_violations"]["cause_without_claim"] == 0

    @pytest.fixture
    def busy(self, actors: Actors, riverside: Clinic) -> list[Row]:
        """A calendar with eight appointments."""
        desk = actors.user("desk@riverside.test")
        rows = []
        for number in range(8):
            patient = call(desk, "create_patient", clinic_id=riverside.id, full_name=f"Patient {number}")[
                "id"
            ]
            start = riverside.at("09:00", riverside.weekday(1 + number % 5, 5 + number // 5))
            rows.append(book(desk, riverside, start, patient_id=patient))
        return rows

    async def settle(self, db: Database, root: Connection) -> None:
        """Prove all that happened so far, and end the round of slices."""
        await_settled(root)
        await finish(db, "verify_invariants")
        assert value(root, "select after_id::text from clinic.proof_rounds").startswith("00000000")

    def lose_claim(self, root: Connection, row: Row) -> None:
        with root.transaction():
            root.execute("set local session_replication_role = replica")
            root.execute("delete from clinic.occupancy where id = %s", [row["id"]])

    async def test_what_no_event_tells_of_is_found_within_the_day_slice_by_slice(
        self, db: Database, root: Connection, busy: list[Row]
    ) -> None:
        await self.settle(db, root)
        last = max(busy, key=lambda row: str(row["id"]))
        self.lose_claim(root, last)
        batches = await finish(db, "verify_invariants", max_rows=3)
        assert batches == [0], "a round that has just begun is in no hurry"
        assert (await db.snapshot())["invariant_violations"] == {"none": 0}
        root.execute("update clinic.proof_rounds set began_at = began_at - interval '20 hours'")
        assert len(await finish(db, "verify_invariants", max_rows=3)) > 1
        assert (await db.snapshot())["invariant_violations"]["cause_without_claim"] == 1

    async def test_what_changed_is_proved_at_the_next_run(
        self, db: Database, root: Connection, busy: list[Row], actors: Actors, riverside: Clinic
    ) -> None:
        await self.settle(db, root)
        root.execute("update clinic.proof_rounds set after_id = 'ffffffff-ffff-ffff-ffff-ffffffffffff'")
        row = book(actors.user("ana@patients.test"), riverside, riverside.at("16:00"))
        self.lose_claim(root, row)
        self.lose_claim(root, busy[0])  # nothing tells of this one, and the slices are past it
        await_settled(root)
        await finish(db, "verify_invariants")
        known = root.execute("select entity_id, violation from clinic.known_violations").fetchall()
        assert known == [{"entity_id": row["id"], "violation": "cause_without_claim"}]

    async def test_the_slices_say_what_the_whole_proof_says(
        self, db: Database, root: Connection, busy: list[Row]
    ) -> None:
        """With every guard gone: doubles with the dentist and with the patient, claims lost and made up."""
        await self.settle(db, root)
        root.execute("alter table clinic.occupancy drop constraint occupancy_no_overlap")
        root.execute("alter table clinic.appointments drop constraint appointments_patient_no_overlap")
        one, two, three, four = busy[:4]
        with root.transaction():
            root.execute("set local session_replication_role = replica")
            overlap = "starts_at = %s + interval '10 minutes', ends_at = %s + interval '40 minutes'"
            at = [one["starts_at"], one["starts_at"]]
            root.execute(
                f"update clinic.appointments set {overlap}, patient_id = %s where id = %s",
                [*at, one["patient_id"], two["id"]],
            )
            root.execute(
                "update clinic.occupancy set during"
                " = tstzrange(%s + interval '10 minutes', %s + interval '40 minutes') where id = %s",
                [*at, two["id"]],
            )
            root.execute("delete from clinic.occupancy where id = %s", [three["id"]])
            root.execute("delete from clinic.appointments where id = %s", [four["id"]])
        root.execute("update clinic.proof_rounds set began_at = began_at - interval '20 hours'")
        await finish(db, "verify_invariants", max_rows=3)
        known = root.execute("select violation, entity_id from clinic.known_violations order by 1").fetchall()
        whole = root.execute(
            "select distinct violation, entity_id from clinic.check_invariants() order by 1"
        ).fetchall()
        assert known == whole
        assert [tuple(row.values()) for row in whole] == [
            ("cause_without_claim", three["id"]),
            ("claim_without_cause", four["id"]),
            ("double_booking", two["id"]),
            ("patient_in_two_chairs", two["id"]),
        ]


class TestRuns:
    async def test_are_recorded(self, db: Database, root: Connection) -> None:
        await finish(db, "purge_idempotency_keys")
        row = root.execute(
            "select job, cause, state, batches, affected, finished_at from clinic.job_runs"
        ).fetchone()
        assert row is not None
        assert row.pop("finished_at") is not None
        expected = ("purge_idempotency_keys", "manual", "succeeded", 1, 0)
        assert tuple(row.values()) == expected

    async def test_of_one_job_do_not_overlap(self, db: Database) -> None:
        first, second = manual("expire_reservations"), manual("expire_reservations")
        assert (await db.run_batch(first, 0, None, 5)).state == "running"
        assert await db.run_batch(second, 10, None, 5) == Batch("busy", 0)
        assert (await db.run_batch(manual("purge_idempotency_keys"), 10, None, 5)).state == "succeeded"
        assert (await db.run_batch(first, 10, None, 5)).state == "succeeded"
        assert (await db.run_batch(second, 10, None, 5)).state == "succeeded"

    async def test_of_a_dead_process_give_way(self, db: Database, root: Connection) -> None:
        dead = manual("expire_reservations")
        await db.run_batch(dead, 0, None, 5)
        root.execute("update clinic.job_runs set touched_at = now() - interval '3 minutes'")
        assert (await db.run_batch(manual("expire_reservations"), 10, None, 5)).state == "succeeded"
        assert await db.run_batch(dead, 10, None, 5) == Batch("gone", 0)

    async def test_that_fail_are_recorded_and_may_be_tried_again(
        self, db: Database, root: Connection
    ) -> None:
        run = manual("expire_reservations")
        await db.record_failure(run, "XX000: on purpose")
        row = root.execute("select state, error from clinic.job_runs").fetchone()
        assert row == {"state": "failed", "error": "XX000: on purpose"}
        assert (await db.run_batch(manual("expire_reservations"), 10, None, 5)).state == "succeeded"

    async def test_are_for_admins_to_see(self, db: Database, actors: Actors) -> None:
        await finish(db, "expire_reservations")
        assert actors.user("admin@riverside.test").execute("select from api.job_runs").rowcount == 1
        for email in ("desk@riverside.test", "ana@patients.test"):
            assert actors.user(email).execute("select from api.job_runs").rowcount == 0


class TestAskRecalls:
    async def test_asks_each_who_is_due_once_batch_by_batch(
        self, db: Database, root: Connection, riverside: Clinic
    ) -> None:
        rules(root, riverside, "recall email")
        people = [patient(root, riverside) for _ in range(5)]
        for who in people:
            visit(root, riverside, who, -timedelta(days=300), status="fulfilled")
        assert await finish(db, "ask_recalls", max_rows=2) == [2, 2, 1]
        assert sorted(row["patient_id"] for row in outbox(root, kind="recall")) == sorted(people)
        assert await finish(db, "ask_recalls") == [0]

    async def test_reckons_who_is_due_before_it_asks(
        self, db: Database, root: Connection, riverside: Clinic
    ) -> None:
        rules(root, riverside, "recall email")
        who = patient(root, riverside)
        visit(root, riverside, who, -timedelta(days=100), status="fulfilled")
        nil = "00000000-0000-0000-0000-000000000000"
        root.execute("update clinic.recall_types set every = '2 months', reckoned_to = %s", [nil])
        await finish(db, "ask_recalls", max_rows=2)
        assert [row["patient_id"] for row in outbox(root, kind="recall")] == [who]
        assert value(root, "select bool_and(reckoned_to is null) from clinic.recall_types")
