"""Makes `0.1.tar.xz`: release 0.1 with a month of data of two clinics, made by its own API, day by day.

`python -m tests.upgrade.make_0_1`: takes the migrations and the seed of 0.1 out of git, builds them on the
embedded Postgres, whose clock is set to each day in turn, and lets desks, patients, chatbots and the worker
do what they do.
"""

from __future__ import annotations

import io
import os
import random
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer, bootstrap
from cli.migrations.files import read_migrations
from cli.migrations.history import create_history, record
from tests.support.actors import Actors, Connection, Row, call
from tests.support.dates import environment
from tests.support.servers import THROWAWAY
from tests.upgrade.release_0_1 import ARCHIVE, TABLES

COMMIT = "307288f"
FIRST_DAY = datetime(2026, 10, 1, 8, tzinfo=UTC)
DAYS = 31
CLINICS = ("riverside", "sakura")
NAMES = ("Ada", "Bo", "Carmen", "Dilek", "Emeka", "Fritz", "Guo", "Hana", "Imre", "Juno", "Kofi", "Nadia")
JOBS = (
    "expire_reservations",
    "flag_no_shows",
    "refresh_daily_metrics",
    "maintain_partitions",
    "verify_invariants",
    "purge_idempotency_keys",
    "purge_slot_offers",
)


class Month:
    """What happens in the two clinics. The dice fall alike each time; ids do not."""

    def __init__(self, actors: Actors) -> None:
        self.actors = actors
        self.dice = random.Random(1)  # noqa: S311 - no secret
        self.admin = actors.superuser()
        self.worker = self.rows("select gen_random_uuid() as id")[0]["id"]

    def rows(self, query: str, *parameters: Any) -> list[Row]:
        """Look behind the API."""
        return self.admin.execute(query, parameters).fetchall()  # type: ignore[arg-type]

    def day(self, number: int) -> None:
        """Live one day at both clinics, and let the worker clean up after it."""
        for slug in CLINICS:
            desk = self.actors.user(f"desk@{slug}.test")
            self.attend(desk, slug)
            for _ in range(2):
                self.register(desk, slug)
            self.book(desk, slug)
            self.move_and_cancel(desk, slug)
            self.talk(self.actors.user(f"bot@{slug}.test"), slug, number)
            if number % 7 == 3:
                self.plan(self.actors.user(f"admin@{slug}.test"), slug)
        self.help_oneself(self.actors.user(f"{self.dice.choice(('ana', 'ben'))}@patients.test"))
        self.tidy()

    def register(self, desk: Connection, slug: str) -> None:
        """Write down a patient who walks in."""
        name = f"{self.dice.choice(NAMES)} {self.dice.choice(NAMES)}son"
        (clinic,) = self.rows("select id from clinic.clinics where slug = %s", slug)
        phone = f"+1 212 555 {self.dice.randrange(1000, 9999)}"
        call(desk, "create_patient", clinic_id=clinic["id"], full_name=name, phone=phone)

    def slots(self, who: Connection, slug: str, count: int) -> Iterator[dict[str, Any]]:
        """Draw free slots of the coming days: each as the arguments of a booking."""
        types = self.rows(
            "select t.id from clinic.appointment_types as t join clinic.clinics as c on t.clinic_id = c.id"
            " where c.slug = %s order by t.name",
            slug,
        )
        today = self.rows("select current_date as day")[0]["day"]
        for kind in self.dice.choices(types, weights=(6, 3, 1), k=count):
            found = call(
                who,
                "available_slots",
                appointment_type_id=kind["id"],
                from_date=today,
                to_date=today + timedelta(9),
            )
            if found:
                slot = self.dice.choice(found)
                yield {
                    "appointment_type_id": kind["id"],
                    "dentist_id": slot["dentist_id"],
                    "starts_at": slot["starts_at"],
                }

    def book(self, desk: Connection, slug: str) -> None:
        """Book for patients on the phone, with keys, as clients do; hold for some, let some run out."""
        patients = self.rows(
            "select p.id from clinic.patients as p join clinic.clinics as c on p.clinic_id = c.id"
            " where c.slug = %s order by p.created_at, p.id",
            slug,
        )
        for number, slot in enumerate(self.slots(desk, slug, 7)):
            patient = self.dice.choice(patients)["id"]
            key = f"desk-{slot['starts_at']:%m%d%H%M}-{number}"
            if self.dice.random() < 0.7:
                tried(
                    desk,
                    "book_appointment",
                    **slot,
                    patient_id=patient,
                    notes="by phone",
                    idempotency_key=key,
                )
            elif hold := tried(desk, "reserve_slot", **slot, patient_id=patient, idempotency_key=key):
                end = self.dice.choice(("confirm_reservation", "release_reservation", None))
                if end:
                    tried(desk, end, reservation_id=hold["id"])

    def attend(self, desk: Connection, slug: str) -> None:
        """See off those whose time has come: most came, some did not."""
        due = self.rows(
            "select a.id from clinic.appointments as a join clinic.clinics as c on a.clinic_id = c.id"
            " where c.slug = %s and a.status = 'booked' and a.starts_at < now() order by a.starts_at, a.id",
            slug,
        )
        for visit in due:
            came = self.dice.random() < 0.9
            for status in ("checked_in", "fulfilled") if came else ("no_show",):
                tried(desk, "set_appointment_status", appointment_id=visit["id"], status=status)

    def move_and_cancel(self, desk: Connection, slug: str) -> None:
        """Change a few visits that are ahead."""
        ahead = self.rows(
            "select a.id, a.version, a.appointment_type_id from clinic.appointments as a"
            " join clinic.clinics as c on a.clinic_id = c.id"
            " where c.slug = %s and a.status = 'booked' and a.starts_at > now() + interval '1 day'"
            " order by a.starts_at, a.id",
            slug,
        )
        for visit in self.dice.sample(ahead, min(2, len(ahead))):
            if self.dice.random() < 0.5:
                tried(desk, "cancel_appointment", appointment_id=visit["id"], reason="ill")
            for slot in self.slots(desk, slug, 1):
                tried(
                    desk,
                    "reschedule_appointment",
                    appointment_id=visit["id"],
                    starts_at=slot["starts_at"],
                    expected_version=visit["version"],
                )

    def talk(self, bot: Connection, slug: str, number: int) -> None:
        """Let a chatbot find, hold and confirm, and cancel now and then."""
        found = call(bot, "chatbot_find_slots", clinic_slug=slug, service="check-up")
        call(bot, "chatbot_cancel", confirmation_code="NOSUCHCD", patient_phone="+1 212 777 0000")
        name, phone = f"{self.dice.choice(NAMES)} Talker", f"+1 212 777 {self.dice.randrange(1000, 9999)}"
        for offer in found.get("offers", [])[:1]:
            held = tried(bot, "chatbot_hold", offer=offer["offer"], patient_name=name, patient_phone=phone)
            done = held and tried(bot, "chatbot_confirm", reservation_id=held["reservation_id"])
            if done and number % 5 == 0:
                code = done["confirmation_code"]
                tried(bot, "chatbot_cancel", confirmation_code=code, patient_phone=phone)

    def plan(self, admin: Connection, slug: str) -> None:
        """Plan an absence and a Saturday."""
        (dentist, *_) = self.rows(
            "select d.id, d.clinic_id from clinic.dentists as d"
            " join clinic.clinics as c on d.clinic_id = c.id where c.slug = %s order by d.id desc",
            slug,
        )
        noon = self.rows("select date_trunc('day', now()) + interval '12 days 12 hours' as at")[0]["at"]
        tried(
            admin,
            "add_time_off",
            clinic_id=dentist["clinic_id"],
            dentist_id=dentist["id"],
            starts_at=noon,
            ends_at=noon + timedelta(hours=3),
            reason="course",
            on_conflict="cancel",
        )
        saturday = noon + timedelta(days=(5 - noon.weekday()) % 7)
        tried(
            admin,
            "add_extra_hours",
            dentist_id=dentist["id"],
            starts_at=saturday,
            ends_at=saturday + timedelta(hours=4),
        )

    def help_oneself(self, patient: Connection) -> None:
        """Let a patient with a login book, and ask for too much."""
        for slot in self.slots(patient, "riverside", 1):
            tried(patient, "book_appointment", **slot)
            tried(patient, "book_appointment", **slot)

    def tidy(self) -> None:
        """Do the worker's jobs, and read its log."""
        (lease,) = self.rows("select * from clinic.acquire_lease(%s, '1 hour')", self.worker)
        epoch = next(value for name, value in lease.items() if name == "epoch" or len(lease) == 1)
        for job in JOBS:
            self.rows(
                "select * from clinic.run_job("
                "gen_random_uuid(), %s, 'manual', %s, null, null, 1, 1000, null)",
                job,
                self.worker,
            )
        while read := self.rows("select id from clinic.read_events(%s, %s, 500)", self.worker, epoch):
            self.rows("select clinic.acknowledge_events(%s, %s, %s)", self.worker, epoch, read[-1]["id"])


def tried(who: Connection, name: str, **arguments: Any) -> Any:
    """Call an RPC; None if it was refused."""
    try:
        return call(who, name, **arguments)
    except psycopg.Error as error:
        if error.sqlstate != "PGRST":
            raise
        return None


def release(folder: Path) -> Path:
    """Take 0.1's part of the repository out of git."""
    archive = subprocess.run(["git", "archive", COMMIT, "supabase"], stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as tar:
        tar.extractall(folder, filter="data")
    return folder / "supabase"


def build(url: str, supabase: Path) -> None:
    """Make the database of 0.1."""
    bootstrap(url)
    with psycopg.connect(make_conninfo(url, options="-c role=postgres"), autocommit=True) as connection:
        create_history(connection)
        for migration in read_migrations(supabase / "migrations"):
            for statement in migration.statements:
                connection.execute(statement.text.encode())
            record(connection, migration)
        connection.execute((supabase / "seed.sql").read_bytes())


def dump(url: str, supabase: Path) -> None:
    """Write migrations and rows into the archive."""
    with psycopg.connect(url) as connection, tarfile.open(ARCHIVE, "w:xz", preset=9) as tar:
        tar.add(supabase / "migrations", "migrations", filter=nobodys)
        for number, (name, columns) in enumerate(connection.execute(TABLES).fetchall()):
            order = sql.SQL("copy (select {columns} from {table} order by 1, 2) to stdout (header)")
            query = order.format(
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                table=sql.Identifier(*name.split(".")),
            )
            with connection.cursor().copy(query) as copy:
                add(tar, f"rows/{number:02}.{name}.tsv", b"".join(bytes(piece) for piece in copy))
        sequences = connection.execute(
            "select sequencename, last_value from pg_sequences"
            " where schemaname = 'clinic' and last_value is not null"
        ).fetchall()
        add(tar, "sequences.tsv", "".join(f"{name}\t{last}\n" for name, last in sequences).encode())


def nobodys(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made a file, and when."""
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    return info


def add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to the archive."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def main() -> None:
    """Live the month, one server's life a day."""
    month: Month | None = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        supabase = release(folder)
        server = PostgresServer(folder / "data", free_port(), folder / "log", THROWAWAY)
        real = dict(os.environ)
        for number in range(DAYS):
            day = FIRST_DAY + timedelta(days=number)
            os.environ.update(environment(f"{day:%Y-%m-%dT%H:%M}"))
            server.start()
            os.environ.clear()
            os.environ.update(real)
            url = server.superuser_url("postgres")
            if number == 0:
                build(url, supabase)
            actors = Actors(url)
            dice = month.dice.getstate() if month else None
            month = Month(actors)
            if dice:
                month.dice.setstate(dice)
            month.day(number)
            print(
                f"{day:%d %b}",
                month.rows("select count(*) as n from clinic.appointments")[0]["n"],
                flush=True,
            )
            actors.close()
            if number == DAYS - 1:
                dump(url, supabase)
            server.stop()
    print(f"{ARCHIVE}: {ARCHIVE.stat().st_size:_} bytes")


if __name__ == "__main__":
    main()
