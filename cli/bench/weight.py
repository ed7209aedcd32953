"""What an appointment weighs: bytes in tables and indexes, and bytes of write-ahead log."""

from __future__ import annotations

import psycopg

from cli.bench.arena import BARE_INSERT, BOOK, Arena, arena
from cli.bench.ground import Ground
from cli.bench.rounds import Chapter, beside, take_turns

BOOKINGS = 500  # of a round

WAL = "select pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
SIZE = """
select coalesce(sum(pg_total_relation_size(c.oid)), 0) from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname = any (%s) and c.relkind in ('r', 'p') and (n.nspname <> 'bench' or c.relname = 'occupancy')
"""


def weight(ground: Ground) -> Chapter:
    """Book, and see how much more there is on the disk and in the log."""
    ground.say("Weighing an appointment")
    with arena(ground) as hall:
        logged = take_turns(
            {
                "book": lambda: _grown(hall, WAL, BOOK, "real"),
                "bare insert": lambda: _grown(hall, WAL, BARE_INSERT, "bare"),
            },
            ground.rounds,
        )
        kept = take_turns(
            {
                "book": lambda: _grown(hall, SIZE, BOOK, "real", ["clinic", "realtime"]),
                "bare insert": lambda: _grown(hall, SIZE, BARE_INSERT, "bare", ["bench"]),
            },
            1,
        )
    return Chapter(
        "weight",
        "Bytes of an appointment",
        "Write-ahead log and disk, tables with their indexes, of one booking: appointment, claim, events, broadcasts (which"
        " Realtime drops after three days) and the audit log. The log includes the full pages of after a checkpoint.",
        [
            beside(logged, "book", "bare insert", "bytes", prefix="write-ahead log, "),
            beside(kept, "book", "bare insert", "bytes", prefix="on disk, "),
        ],
    )


def _grown(hall: Arena, query: str, script: str, calendar: str, *told: object) -> float:
    """Return how many bytes a booking adds to what a query counts."""
    bookings = BOOKINGS * (4 if query is SIZE else 1)  # pages come in eights of kilobytes
    with psycopg.connect(hall.url, autocommit=True) as connection:
        connection.execute("checkpoint")
        (before,) = connection.execute(query, told or None).fetchall()[0]
        is_bare = calendar == "bare"
        hall.run(script, calendar=calendar, clients=1, as_owner=is_bare, in_haste=True, transactions=bookings)
        (after,) = connection.execute(query, told or None).fetchall()[0]
    return float(after - before) / bookings
