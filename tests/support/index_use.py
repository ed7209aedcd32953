"""Which indexes a run of the tests looked anything up in.

    CHAIRTIME_TEST_INDEX_USE=/tmp/use make test-all
    python -m tests.support.index_use /tmp/use

counts what `pg_stat_user_indexes` says of every database that a test was lent and of the stack that tests
share. No table of a test is large enough for an index to be worth it, so sequential scans are off in such a
run: what no query uses then, no query can use. Uniqueness is enforced by indexes without a scan, and is
therefore said beside it.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from pathlib import Path

import psycopg

VARIABLE = "CHAIRTIME_TEST_INDEX_USE"
WITHOUT_SCANS = {"enable_seqscan": "off"} if VARIABLE in os.environ else {}

_INDEXES = """
    select
        coalesce(pg_partition_root(s.indexrelid), s.indexrelid)::regclass::text,
        case when i.indisunique then 'unique' when i.indisexclusion then 'exclusion' else '' end,
        sum(s.idx_scan)::bigint
    from pg_stat_user_indexes as s
    inner join pg_index as i on s.indexrelid = i.indexrelid
    where s.schemaname = 'clinic'
    group by 1, 2
"""


def note_index_use(url: str) -> None:
    """Write down how often each index of a database was used, if anybody asked for it."""
    if VARIABLE not in os.environ:
        return
    with psycopg.connect(url) as connection:
        indexes = connection.execute(_INDEXES).fetchall()
    folder = Path(os.environ[VARIABLE])
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{os.getpid()}.jsonl").open("a") as file:
        file.write(json.dumps(indexes) + "\n")


def main(folder: Path) -> None:
    """Print every index and how often it was used, the least used first."""
    scans: Counter[tuple[str, str]] = Counter()
    databases = 0
    for path in folder.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            databases += 1
            for index, kind, count in json.loads(line):
                scans[index, kind] += count
    print(f"{len(scans)} indexes, looked at {databases:,} times")
    for (index, kind), count in sorted(scans.items(), key=lambda item: item[1]):
        print(f"{count:>12,}  {index} {kind}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
