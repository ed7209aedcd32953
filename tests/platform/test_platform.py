"""The embedded platform is what Supabase's own SQL makes, object by object, on every version of Postgres."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli.local.postgres import bootstrap
from tests.platform.catalog import Facts, describe
from tests.support.versions import VERSIONS, cluster

pytestmark = pytest.mark.long

RECORDED = Path(__file__).with_name("supabase.txt")

# Where the two differ, and why: what the facts are about.
DIFFERENCES = {
    "nothing here stores or serves these, and no migration may count on them": (
        r"table auth\.(instances|schema_migrations|one_time_tokens|mfa_\w+|saml_\w+|sso_\w+|oauth_\w+)",
        r"table auth\.(webauthn_\w+|custom_oauth_providers)",
        r"constraint auth\.sessions\.sessions_oauth_client_id_fkey",
        r"table realtime\.(subscription|schema_migrations)",
    ),
    "the embedded Auth makes ids of refresh tokens itself, as texts": (
        r"column auth\.refresh_tokens\.id",
        r"sequence auth\.refresh_tokens_id_seq",
    ),
    "no Postgres here has supautils, safeupdate, pg_cron or pg_net, and not each has these": (
        r"setting (authenticator|postgres) session_preload_libraries",
        r"setting postgres safeupdate\.enabled",
        r"event trigger issue_pg_(cron|net)_access",
        r"function extensions\.grant_pg_(cron|net)_access\(\)",
        r"extension (pgcrypto|uuid-ossp)",
    ),
    "in place of supautils, `postgres` writes the policies of realtime.messages by way of these": (
        r"event trigger (lend_policies|take_policies_back)",
    ),
    "the embedded server's superuser is nobody's login": (
        r"setting supabase_admin (log_statement|search_path)",
    ),
    "Supabase's server says so in its configuration": (r"database setting TimeZone",),
    "what `chairtime doctor` asks for on Supabase, too": (
        r"setting authenticator idle_in_transaction_session_timeout",
    ),
    "a refusal by the Data API is one line of the embedded stack's log": (
        r"setting authenticator log_(error_verbosity|min_error_statement)",
    ),
}

PATTERNS = [pattern for patterns in DIFFERENCES.values() for pattern in patterns]


@dataclass(frozen=True)
class Platform:
    """What `cli/local/platform` makes of an empty server of a version."""

    version: int
    facts: Facts


GROUPS = [pytest.param(version, marks=pytest.mark.xdist_group(f"Postgres {version}")) for version in VERSIONS]


@pytest.fixture(scope="module", params=GROUPS)
def platform(request: pytest.FixtureRequest) -> Iterator[Platform]:
    """The embedded platform on each version."""
    with cluster(request.param) as url:
        bootstrap(url)
        yield Platform(request.param, describe(url))


def recorded(version: int) -> Facts:
    """Return what was recorded, as it is on this version."""
    other = "[17] " if version == 15 else "[15] "
    lines = (line for line in RECORDED.read_text().splitlines() if line and not line.startswith("#"))
    facts = (line.removeprefix("[15] ").removeprefix("[17] ") for line in lines if not line.startswith(other))
    return dict(fact.split(" -> ", 1) for fact in facts)


def test_the_platform_is_supabases_but_for_what_is_listed(platform: Platform) -> None:
    known = re.compile("|".join(f"(?:{pattern})" for pattern in PATTERNS))
    expected = recorded(platform.version)
    assert len(expected) > 380
    assert _others(platform.facts, known) == _others(expected, known)


def test_what_is_listed_differs(platform: Platform) -> None:
    expected = recorded(platform.version)
    differing = {about for about, _ in expected.items() ^ platform.facts.items()}
    assert [
        pattern for pattern in PATTERNS if not any(re.fullmatch(pattern, about) for about in differing)
    ] == []


def _others(facts: Facts, known: re.Pattern[str]) -> Facts:
    return {about: fact for about, fact in facts.items() if not known.fullmatch(about)}
