"""Checks that need the database: migrations, rights, Realtime, the worker's pulse."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from cli.doctor import Result, ok, problem, skipped
from cli.errors import ChairtimeError, translate

if TYPE_CHECKING:
    import psycopg

    from cli.project import Project


class Query(NamedTuple):
    """A check that is one query: every row it returns names something that is wrong."""

    check: str
    well: str
    wrong: str
    hint: str
    sql: str


_SHOWN = 5  # names of what is wrong, in one message
_ASK_VERIFY = "`chairtime migrate verify` shows what differs from the files."

QUERIES = [
    Query(
        "server",
        "Postgres 15 or later, in UTC",
        "the server is",
        "Chairtime needs Postgres 15 and a database in UTC: alter database … set timezone = 'UTC'.",
        """
        select 'Postgres ' || current_setting('server_version')
        where current_setting('server_version_num')::int < 150000
        union all select 'in time zone ' || s.reset_val
        from pg_settings as s where s.name = 'TimeZone' and s.reset_val not in ('UTC', 'Etc/UTC', 'GMT')
        """,
    ),
    Query(
        "roles",
        "anon, authenticated, service_role, authenticator and chairtime_worker are as they should be",
        "missing or too powerful:",
        "On Supabase the first four are given; `chairtime migrate up` makes chairtime_worker.",
        """
        select r.name
        from unnest(array['anon', 'authenticated', 'service_role', 'authenticator', 'chairtime_worker'])
          as r (name)
        where not exists (select from pg_roles as p where p.rolname = r.name)
        union all
        select p.rolname from pg_roles as p
        where p.rolname in ('anon', 'authenticated', 'chairtime_worker')
          and (p.rolsuper or p.rolbypassrls or p.rolcreaterole or p.rolcreatedb)
        """,
    ),
    Query(
        "extensions",
        "btree_gist, pg_trgm and unaccent, in schema extensions",
        "missing or in another schema:",
        "create extension … with schema extensions.",
        """
        select x.name from unnest(array['btree_gist', 'pg_trgm', 'unaccent']) as x (name)
        where not exists (
          select from pg_extension as e inner join pg_namespace as n on e.extnamespace = n.oid
          where e.extname = x.name and n.nspname = 'extensions'
        )
        """,
    ),
    Query(
        "row level security",
        "on for every table",
        "off for",
        "alter table … enable row level security.",
        """
        select c.oid::regclass::text from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname in ('clinic', 'api') and c.relkind in ('r', 'p') and not c.relispartition
          and not c.relrowsecurity
        """,
    ),
    Query(
        "views",
        "read with their caller's rights",
        "read with their owner's rights:",
        "alter view … set (security_invoker = true).",
        """
        select c.oid::regclass::text from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
        where n.nspname = 'api' and c.relkind in ('v', 'm')
          and not coalesce(c.reloptions::text ~ 'security_invoker=(true|on|1)', false)
        """,
    ),
    Query(
        "functions",
        "none in the exposed schema bypasses row level security; all definers fix their search_path",
        "unsafe:",
        _ASK_VERIFY,
        """
        select f.oid::regprocedure::text
        from pg_proc as f inner join pg_namespace as n on f.pronamespace = n.oid
        where n.nspname in ('clinic', 'api') and f.prosecdef
          and (n.nspname = 'api' or not coalesce(f.proconfig::text like '%search_path=%', false))
        """,
    ),
    Query(
        "grants",
        "visitors and users may change no table directly",
        "writable without a function:",
        _ASK_VERIFY,
        """
        select distinct c.oid::regclass::text from pg_class as c
        inner join pg_namespace as n on c.relnamespace = n.oid
        cross join unnest(array['anon', 'authenticated']) as r (name)
        where n.nspname in ('clinic', 'api') and c.relkind in ('r', 'p', 'v')
          and has_table_privilege(r.name, c.oid, 'insert, update, delete, truncate')
        """,
    ),
    Query(
        "realtime policies",
        "private channels are guarded",
        "missing:",
        "`chairtime migrate up` makes them; without them nobody may join.",
        """
        select 'a policy on realtime.messages'
        where not exists (
          select from pg_policies as p where p.schemaname = 'realtime' and p.tablename = 'messages'
        )
        union all
        select 'row level security on realtime.messages'
        where not (select c.relrowsecurity from pg_class as c where c.oid = 'realtime.messages'::regclass)
        """,
    ),
    Query(
        "partitions",
        "there are partitions for today and tomorrow, and of the audit log for this month and the next",
        "no partition for",
        "Realtime makes its own; ours are made by `chairtime worker run maintain_partitions`.",
        """
        select t.name || ' on ' || (now() at time zone 'UTC')::date + d.ahead
        from unnest(array['realtime.messages', 'clinic.realtime_events']) as t (name),
          unnest(array[0, 1]) as d (ahead)
        where not exists (
          select from pg_inherits as i inner join pg_class as c on i.inhrelid = c.oid
          where i.inhparent = to_regclass(t.name)
            and pg_get_expr(c.relpartbound, c.oid)
              ~ ('FROM \\(''' || (now() at time zone 'UTC')::date + d.ahead)
        )
        union all
        select 'clinic.audit_log in ' || to_char(m.month, 'YYYY-MM')
        from unnest(array[0, 1]) as d (ahead),
          date_trunc('month', now() at time zone 'UTC' + make_interval(months => d.ahead)) as m (month)
        where not exists (
          select from pg_inherits as i inner join pg_class as c on i.inhrelid = c.oid
          where i.inhparent = to_regclass('clinic.audit_log')
            and pg_get_expr(c.relpartbound, c.oid) ~ ('FROM \\(''' || m.month::date)
        )
        """,
    ),
    Query(
        "admins",
        "every clinic that is at work has one",
        "nobody can administer",
        "`chairtime admin staff grant CLINIC USER admin`, with the secret key.",
        """
        select c.slug from clinic.clinics as c
        where exists (select from clinic.dentists as d where d.clinic_id = c.id and d.is_active)
          and not exists (select from clinic.staff as s where s.clinic_id = c.id and s.role = 'admin')
        """,
    ),
    Query(
        "logins",
        "dentists' are on the staff",
        "the login of somebody who is not on the staff has the calendar of",
        "`chairtime admin staff grant` takes them on; `admin dentist update --user` names another login.",
        """
        select d.full_name || ' at ' || c.slug
        from clinic.dentists as d inner join clinic.clinics as c on d.clinic_id = c.id
        where d.is_active and d.user_id is not null and not exists (
          select from clinic.staff as s where s.clinic_id = d.clinic_id and s.user_id = d.user_id
        )
        """,
    ),
    Query(
        "visit types",
        "each can be booked with the people, chairs and equipment there are",
        "can never be booked:",
        "`chairtime admin type parts` and `chairtime admin dentist types` say what it takes and who does it.",
        """
        select t.type_name || ' at ' || t.clinic_slug || ' (' || t.reason || ')'
        from clinic.unbookable_types() as t
        """,
    ),
    Query(
        "worker",
        "a worker leads and reports",
        "",
        "Start one: `chairtime worker`. Without it expired holds are announced late and partitions run out.",
        """
        select 'no worker has led yet' from clinic.worker_leases as l where l.holder is null
        union all
        select 'the last sign of a leading worker is '
          || date_trunc('second', clock_timestamp() - l.renewed_at) || ' old'
        from clinic.worker_leases as l
        where l.holder is not null
          and l.renewed_at < clock_timestamp() - greatest(l.lifetime, interval '15 seconds')
        """,
    ),
    Query(
        "messages",
        "none has been due for more than ten minutes",
        "due, and sent by nobody:",
        "Does a worker have a sender for it? Its log says sender_ready, sender_disabled, or what is missing.",
        """
        select count(*) || ' by ' || m.channel || ', the oldest for '
          || date_trunc('minute', clock_timestamp() - min(m.next_at))
        from clinic.messages as m
        where m.state = 'planned' and m.next_at < clock_timestamp() - interval '10 minutes'
        group by m.channel
        """,
    ),
    Query(
        "idle transactions",
        "ended by the server, for clients and the worker",
        "may stay open for ever:",
        "alter role … set idle_in_transaction_session_timeout = '30s'; an open one withholds later events.",
        """
        select r.rolname from pg_roles as r
        where r.rolcanlogin and not r.rolcreaterole and not r.rolsuper
          and (r.rolname = 'authenticator' or pg_has_role(r.oid, to_regrole('chairtime_worker'), 'member'))
          and not exists (
            select from pg_db_role_setting as s, unnest(s.setconfig) as c (setting)
            where s.setrole in (r.oid, 0)
              and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
              and c.setting ~ '^idle_in_transaction_session_timeout=.*[1-9]'
          )
          and exists (
            select from pg_settings as s
            where s.name = 'idle_in_transaction_session_timeout' and s.source in ('default', 'session')
          )
        """,
    ),
    Query(
        "open transactions",
        "no writing one is older than a minute",
        "open for long, and withholding every later event:",
        "End it there, or by select pg_terminate_backend(PID), or rollback prepared.",
        """
        select 'pid ' || a.pid || ' of ' || a.usename
          || coalesce(' (' || nullif(a.application_name, '') || ')', '')
          || ', ' || date_trunc('second', clock_timestamp() - a.xact_start)
        from pg_stat_activity as a
        where a.backend_xid is not null and a.xact_start < clock_timestamp() - interval '1 minute'
        union all
        select 'prepared ' || p.gid || ', ' || date_trunc('second', clock_timestamp() - p.prepared)
        from pg_prepared_xacts as p where p.prepared < clock_timestamp() - interval '1 minute'
        """,
    ),
    Query(
        "jobs",
        "the last run of each succeeded",
        "failed last time:",
        "`chairtime worker jobs` shows the error.",
        """
        select r.job from (
          select distinct on (j.job) j.job, j.state from clinic.job_runs as j
          where j.state <> 'running' order by j.job, j.started_at desc
        ) as r where r.state = 'failed'
        """,
    ),
]


def check_inside(project: "Project", db_url: str | None) -> Iterator[Result]:
    """Yield what can be seen from inside the database."""
    import psycopg

    names = ["time zones", *(query.check for query in QUERIES)]
    url = project.setting("db_url", db_url)
    if url is None:
        yield problem("database", "no URL is known", "Pass --db-url, or set SUPABASE_DB_URL.")
    else:
        try:
            with psycopg.connect(
                url, autocommit=True, prepare_threshold=None, connect_timeout=10
            ) as connection:
                yield ok("database", f"connected as {connection.info.user}")
                yield check_pooler(url)
                yield check_migrations(project, connection)
                yield check_time_zones(connection)
                yield from (ask(connection, query) for query in QUERIES)
            return
        except psycopg.OperationalError as error:
            known = translate(error)
            yield problem("database", known.message if known else str(error), (known and known.hint) or "")
    yield from (skipped(name, "there is no database to ask") for name in ("pooler", "migrations", *names))


def ask(connection: "psycopg.Connection[Any]", query: Query) -> Result:
    """Run one of the checks that are queries."""
    import psycopg

    try:
        found = sorted(str(row[0]) for row in connection.execute(query.sql.encode()).fetchall())
    except psycopg.Error as error:
        return problem(
            query.check,
            str(error.diag.message_primary),
            "Is the database migrated? `chairtime migrate status`.",
        )
    if not found:
        return ok(query.check, query.well)
    more = len(found) - _SHOWN
    shown = ", ".join(found[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return problem(query.check, f"{query.wrong} {shown}".strip(), query.hint)


def check_pooler(url: str) -> Result:
    """Find out whether a session survives its transaction: behind a transaction-mode pooler it does not.

    A second client takes the connection that the first has just used; the first must not notice.
    """
    import psycopg

    mark = "select set_config('chairtime.doctor', pg_backend_pid()::text, false)"
    is_lost = "select current_setting('chairtime.doctor', true) is distinct from pg_backend_pid()::text"
    with psycopg.connect(url, autocommit=True) as first, psycopg.connect(url) as second:
        first.execute(mark)
        second.execute("set local idle_in_transaction_session_timeout = '3s'")  # a pool of one must not hang
        row = first.execute(is_lost).fetchone()
    if row and row[0]:
        hint = "Use the direct connection or session mode (port 5432) here; the worker may keep this one."
        return problem(
            "pooler", "this URL leads through a pooler in transaction mode: settings get lost", hint
        )
    return ok("pooler", "the session is ours: direct, or session mode")


def check_migrations(project: "Project", connection: "psycopg.Connection[Any]") -> Result:
    """Compare the history with the files."""
    from cli.migrations.files import read_migrations
    from cli.migrations.history import read_history
    from cli.migrations.verify import history_problems

    try:
        migrations = read_migrations(project.migrations_dir)
    except ChairtimeError as error:
        return problem("migrations", error.message, error.hint or "")
    history = read_history(connection)
    found = [f"{one.what} {one.message}" for one in history_problems(history, migrations)]
    pending = {migration.version for migration in migrations} - {row.version for row in history}
    if found:
        return problem("migrations", "; ".join(found[:3]), _ASK_VERIFY)
    if pending:
        return problem("migrations", f"{len(pending)} not applied", "Apply them: `chairtime migrate up`.")
    return ok("migrations", f"all {len(migrations)} applied, none edited")


_ZONES = """
select c.time_zone, to_char(d.day, 'YYYY-MM-DD'),
  extract(epoch from (d.day at time zone 'UTC' at time zone c.time_zone) - d.day)::integer
from (select distinct c.time_zone from clinic.clinics as c) as c
cross join generate_series(
  current_date::timestamp, current_date + interval '2 years', interval '1 day'
) as d (day)
order by 1, 2
"""


def check_time_zones(connection: "psycopg.Connection") -> Result:
    """Compare what this machine and the server know of the clinics' zones, day by day for two years."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    differ: dict[str, str] = {}
    for name, day, seconds in connection.execute(_ZONES):
        try:
            offset = datetime.fromisoformat(day).replace(tzinfo=UTC).astimezone(ZoneInfo(name)).utcoffset()
        except ZoneInfoNotFoundError:
            offset = None
        if offset is None or offset.total_seconds() != seconds:
            differ.setdefault(name, day)
    if not differ:
        return ok("time zones", "this machine and the server agree about the clinics' for two years")
    named = ", ".join(f"{name} from {day}" for name, day in list(differ.items())[:_SHOWN])
    hint = (
        "Update tzdata where it is older. The server's decides what is booked; what this machine only shows, "
        "as `chairtime events tail` does, may be off."
    )
    return problem("time zones", f"this machine and the server differ about {named}", hint)
