-- Foundation: two schemas, who may enter them, and how a refusal is told.
--
-- clinic  private: tables, rules, internals. Never exposed.
-- api     the contract: views and thin functions. Exposed by PostgREST.
--
-- Functions that run with every request are in PL/pgSQL, one line or not: it keeps plans, where an SQL function that
-- is not inlined (and with a search_path of its own none is) is planned at every call before Postgres 18.

create schema clinic;
comment on schema clinic is 'Chairtime''s tables and rules. Private: never exposed through the Data API.';

create schema api;
comment on schema api is
'Chairtime''s API: views and functions for supabase-js, curl and every other client. The Data API cuts what a view answers at its max_rows:
read long ones with order, limit and offset.';

create extension if not exists btree_gist with schema extensions;
create extension if not exists pg_trgm with schema extensions;
create extension if not exists unaccent with schema extensions;

-- Nobody executes a function unless it says so: one default instead of a revoke under each.
alter default privileges revoke execute on functions from public;

-- Table rights are also needed inside clinic: the views of api run with the caller's rights, and RLS decides the rows.
grant usage on schema clinic to anon, authenticated, service_role;
grant usage on schema api to anon, authenticated, service_role;

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'chairtime_worker') then
    create role chairtime_worker nologin;
  end if;
end
$$;
grant usage on schema clinic to chairtime_worker;


-- Refusals -----------------------------------------------------------------------------------------------------------

create table clinic.error_codes (
  code text not null,
  status integer not null,
  message text not null,
  hint text not null,
  constraint error_codes_pkey primary key (code),
  constraint error_codes_status_is_refusal check (status between 400 and 499 or status = 503)
);
comment on table clinic.error_codes is
'Every refusal a client can get: its stable code, HTTP status, plain message, and what to do next.';
alter table clinic.error_codes enable row level security;

create policy error_codes_are_public on clinic.error_codes
  for select to anon, authenticated
  using (true);
grant select on clinic.error_codes to anon, authenticated, service_role;

insert into clinic.error_codes (code, status, message, hint) values
('invalid_argument', 400, 'An argument is missing or not valid.', 'Correct the argument and send the request again.'),
('not_authenticated', 401, 'You are not signed in.', 'Sign in and send the access token as a Bearer token.'),
('forbidden', 403, 'Your role does not permit this.', 'Ask an administrator of the clinic.'),
('not_found', 404, 'There is no such thing, or it is not yours to see.', 'Check the id.'),
('slot_taken', 409, 'This time is already taken.', 'Choose one of the times in details, or list the slots again.'),
('patient_busy', 409, 'The patient has another appointment at this time.', 'Choose another time, or reschedule the other appointment.'),
('day_full', 409, 'There are as many of these that day as the clinic permits.', 'Choose another day, or another dentist.'),
('appointments_in_the_way', 409, 'There are appointments at this time.', 'Move them, or repeat the call with on_conflict "cancel".'),
('invalid_transition', 409, 'The appointment''s status does not permit this.', 'Fetch the appointment and look at its status.'),
('reservation_expired', 410, 'The reservation has ended.', 'Reserve the slot again.'),
('stale_version', 412, 'The appointment has changed since you read it.', 'Fetch it again and repeat the change with its current version.'),
('outside_working_hours', 422, 'The dentist does not work at this time.', 'List the available slots, or add extra hours.'),
('notice_too_short', 422, 'This is too soon to book.', 'Choose a later time, or call the clinic.'),
('beyond_horizon', 422, 'This is too far ahead to book.', 'Choose an earlier time.'),
('in_the_past', 422, 'This time has passed.', 'Choose a time in the future.'),
('off_grid', 422, 'Appointments do not start at this time of day.', 'Take a start time from available_slots.'),
('not_offered', 422, 'This cannot be booked online by you.', 'Choose another type of visit, or call the clinic.'),
('too_late_to_cancel', 422, 'It is too late to change this appointment online.', 'Call the clinic.'),
('idempotency_mismatch', 422, 'This idempotency key was used with other arguments.', 'Use a new key for a new request.'),
('reservation_limit', 429, 'You hold as many slots as the clinic permits.', 'Confirm or release a reservation first.'),
('booking_limit', 429, 'This is more than the clinic lets one login book.', 'Try again later, or call the clinic.'),
('try_again', 503, 'The calendar is busy at the moment.', 'Nothing was changed. Send the same request again in a second.');

-- One counter a code. A sequence survives the rollback that follows a refusal.
do $$
declare
  v_code text;
begin
  for v_code in select e.code from clinic.error_codes as e loop
    execute format('create sequence clinic.%I', 'refusals_' || v_code);
  end loop;
end
$$;

create function clinic.refusal_counter(clinic_id uuid)
returns regclass
language sql
stable
set search_path = ''
as $$
  select to_regclass('clinic.' || quote_ident('refusals_at_' || refusal_counter.clinic_id));
$$;
comment on function clinic.refusal_counter is 'The sequence that counts the refusals of one clinic; null if there is none.';

create function clinic.refuse(
  code text, message text default null, details text default null, hint text default null, clinic_id uuid default null
)
returns void
language plpgsql
volatile
security definer -- counts in sequences that no caller may touch
set search_path = ''
as $$
declare
  v_error clinic.error_codes;
begin
  select * into strict v_error from clinic.error_codes as e where e.code = refuse.code;
  -- PostgREST runs stable functions read-only, where a sequence cannot count.
  if not current_setting('transaction_read_only')::boolean then
    perform nextval(('clinic.refusals_' || refuse.code)::regclass);
    perform nextval(clinic.refusal_counter(refuse.clinic_id));
  end if;
  raise sqlstate 'PGRST' using
    message = json_build_object(
      'code', refuse.code,
      'message', coalesce(refuse.message, v_error.message),
      'details', refuse.details,
      'hint', coalesce(refuse.hint, v_error.hint)
    )::text,
    detail = json_build_object(
      'status', v_error.status,
      'headers', case v_error.status when 503 then '{"Retry-After": "1"}' else '{}' end::json
    )::text;
end
$$;
comment on function clinic.refuse is
'Ends the transaction with a coded PostgREST error. details is text; structured details are JSON in that text.
With a clinic_id, the refusal of a booking also counts in that clinic''s daily metrics.';
grant execute on function clinic.refuse to anon, authenticated, service_role;

create function clinic.check_request()
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if current_setting('request.headers', true)::json ->> 'prefer' ~ 'count=(planned|estimated)' then
    perform clinic.refuse('invalid_argument', 'Estimated counts are not answered.', hint => 'Ask for count=exact.');
  end if;
end
$$;
comment on function clinic.check_request is
'For PostgREST''s db-pre-request: refuses counts that the planner estimates, for it counts rows that the caller may not see.';
grant execute on function clinic.check_request to anon, authenticated, service_role;


-- Arguments ----------------------------------------------------------------------------------------------------------

create function clinic.required(value anyelement, name text)
returns anyelement
language plpgsql
stable -- also in a where, where an index is to find it
set search_path = ''
as $$
begin
  if value is null then
    perform clinic.refuse('invalid_argument', format('%s is required.', name));
  end if;
  return value;
end
$$;
comment on function clinic.required is 'The value, or invalid_argument when it is null.';
grant execute on function clinic.required to anon, authenticated, service_role;

-- Text that people see. Characters are written as code points, for \s and \w mean what the server's locale says.

create function clinic.trimmed(value text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- Spaces of every kind, line ends, and what has no width.
  return nullif(btrim(value, E' \t\n\v\f\r\u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008'
    '\u2009\u200A\u200B\u2028\u2029\u202F\u205F\u2060\u2800\u3000\uFEFF'), '');
end
$$;
comment on function clinic.trimmed is 'The text without blanks around it; null when nothing is left.';
grant execute on function clinic.trimmed to anon, authenticated, service_role;

create function clinic.is_text(value text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- Control characters steer terminals; bidirectional overrides and isolates show another text than is stored.
  return value !~ '[\u0001-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]';
end
$$;
comment on function clinic.is_text is 'Whether the text has no control characters but line ends and tabs.';

create function clinic.is_line(value text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return value !~ '[\u0009\u000A\u2028\u2029]' and clinic.is_text(value);
end
$$;
comment on function clinic.is_line is 'Whether the text has no control characters at all: it fits into one line of anything.';

create function clinic.tidy_name(value text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_name text := clinic.trimmed(value);
begin
  -- No name, whatever is left of it; and a request may bring megabytes.
  if length(v_name) > 2000 then
    return v_name;
  end if;
  -- What cannot be seen, but for joiners, which some scripts write with; then any space is one space.
  v_name := regexp_replace(
    v_name,
    '[\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180E\u200B\u200E\u200F\u2060-\u2065\u206A-\u206F\u3164\uFEFF\uFFA0\uFFF0-\uFFFB'
    '\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A\U000E0000-\U000E00FF\U000E01F0-\U000E0FFF]+',
    '', 'g'
  );
  v_name := regexp_replace(v_name, '[ \u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u2800\u3000]+', ' ', 'g');
  -- Joiners and selectors stand between or behind something.
  v_name := regexp_replace(v_name, '(^| )[\u180B-\u180D\u180F\u200C\u200D\uFE00-\uFE0F\U000E0100-\U000E01EF]+', '\1', 'g');
  v_name := regexp_replace(v_name, '([\u200C\u200D])[\u200C\u200D]+', '\1', 'g');
  v_name := regexp_replace(v_name, '[\u200C\u200D]( |$)', '\1', 'g');
  return clinic.trimmed(normalize(regexp_replace(v_name, ' +', ' ', 'g'), nfc));
end
$$;
comment on function clinic.tidy_name is
'The name in one form (NFC), single spaces, nothing invisible; null when nothing is left. It may still be too long, or have control characters.';

create function clinic.is_name(value text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return length(value) <= 200 and clinic.is_line(value) and value is not distinct from clinic.tidy_name(value);
end
$$;
comment on function clinic.is_name is 'Whether the text can be shown as a name: tidy, at most 200 characters, no control characters.';

create function clinic.clean_text(value text, name text, max_length integer)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_text text := clinic.trimmed(replace(value, E'\r\n', E'\n'));
begin
  if length(v_text) > max_length then
    perform clinic.refuse('invalid_argument', format('%s is longer than %s characters.', name, max_length));
  elsif not clinic.is_text(v_text) then
    perform clinic.refuse('invalid_argument', format('%s has control characters.', name));
  end if;
  return v_text;
end
$$;
comment on function clinic.clean_text is
'The trimmed text, null when nothing is left of it; invalid_argument when it is too long or has control characters. It may have lines.';
grant execute on function clinic.clean_text to anon, authenticated, service_role;

create function clinic.clean_line(value text, name text, max_length integer)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_line text := clinic.clean_text(value, name, max_length);
begin
  if not clinic.is_line(v_line) then
    perform clinic.refuse('invalid_argument', format('%s has control characters.', name));
  end if;
  return v_line;
end
$$;
comment on function clinic.clean_line is 'As clean_text, for what is one line.';
grant execute on function clinic.clean_line to anon, authenticated, service_role;

create function clinic.same_text()
returns text
language sql
immutable
set search_path = ''
as $$
  select E'\u0001';
$$;
comment on function clinic.same_text is 'Stands for the text that is there already, where null means none. Nobody can have written it.';
grant execute on function clinic.same_text to anon, authenticated, service_role;

create function clinic.clean_name(value text, name text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_name text := clinic.tidy_name(value);
begin
  if length(v_name) > 200 then
    perform clinic.refuse('invalid_argument', format('%s is longer than 200 characters.', name));
  elsif not clinic.is_line(v_name) then
    perform clinic.refuse('invalid_argument', format('%s has control characters.', name));
  end if;
  return v_name;
end
$$;
comment on function clinic.clean_name is
'The tidy name, null when nothing is left of it; invalid_argument when it is longer than 200 characters or has control characters.
Every name that people see passes here.';
grant execute on function clinic.clean_name to anon, authenticated, service_role;

create function clinic.is_email(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select length(value) between 3 and 320 and value ~ '^[^@\s]+@[^@\s]+$' and clinic.is_line(value);
$$;
comment on function clinic.is_email is 'Whether the text has the form of an e-mail address.';

create function clinic.clean_email(value text, name text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_email text := clinic.clean_line(value, name, 320);
begin
  if not clinic.is_email(v_email) then
    perform clinic.refuse('invalid_argument', format('%s is not an address.', name));
  end if;
  return v_email;
end
$$;
comment on function clinic.clean_email is 'The trimmed address, null when nothing is left of it; invalid_argument when it is none.';

create function clinic.is_in_month(day text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return substr(day, 9, 2)::integer <= extract(
    day from make_date(substr(day, 1, 4)::integer, substr(day, 6, 2)::integer, 1) + interval '1 month -1 day'
  );
end
$$;
comment on function clinic.is_in_month is 'Whether the month of a text of the form YYYY-MM-DD has that day.';
grant execute on function clinic.is_in_month to anon, authenticated, service_role;

create function clinic.is_calendar_day(value text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return coalesce(
    value ~ '^2[0-2][0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
    -- Most days need no look at the length of their month.
    and (substr(value, 9, 2) <= '28' or clinic.is_in_month(value)), false
  );
end
$$;
comment on function clinic.is_calendar_day is 'Whether the text starts with a date YYYY-MM-DD that the calendar has, of the years 2000 to 2299.';
grant execute on function clinic.is_calendar_day to anon, authenticated, service_role;

create function clinic.required_instant(value text, name text)
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Judged before it is cast: a cast takes words and guesses offsets, and to catch its error costs a subtransaction.
  if
    clinic.is_calendar_day(value)
    and value ~ '^.{10}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)$'
    and value::timestamptz between '2000-01-01Z' and '2200-01-01Z'
  then
    return value::timestamptz;
  end if;
  perform clinic.refuse(
    'invalid_argument', format('%s must be an instant between the years 2000 and 2200.', name),
    hint => 'Send ISO 8601 with an offset: 2026-12-01T15:00:00Z or 2026-12-01T10:00:00-05:00.'
  );
  return null;
end
$$;
comment on function clinic.required_instant is
'The instant that the text names, ISO 8601 with an offset, or invalid_argument: null, words, times without offset, other years.';
grant execute on function clinic.required_instant to anon, authenticated, service_role;

create function clinic.required_day(value text, name text)
returns date
language plpgsql
volatile
set search_path = ''
as $$
begin
  if clinic.is_calendar_day(value) and length(value) = 10 and value <= '2200-01-01' then
    return value::date;
  end if;
  perform clinic.refuse(
    'invalid_argument', format('%s must be a date between the years 2000 and 2200.', name),
    hint => 'Send it as YYYY-MM-DD: 2026-12-01.'
  );
  return null;
end
$$;
comment on function clinic.required_day is 'The date that the text names, YYYY-MM-DD, or invalid_argument: null, words, other years.';
grant execute on function clinic.required_day to anon, authenticated, service_role;


-- Wall clocks --------------------------------------------------------------------------------------------------------

create function clinic.is_rhythm(every interval)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return every = date_trunc('day', every) and least(extract(year from every), extract(month from every), extract(day from every)) >= 0;
end
$$;
comment on function clinic.is_rhythm is 'Whether it is whole days, weeks, months and years, none of them backwards: one after the other comes later.';

create function clinic.wall_instant(wall timestamp, time_zone text)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Of a repeated time Postgres takes the later instant, and in a gap one past it by as much as the gap is long.
  v_instant timestamptz := wall at time zone wall_instant.time_zone;
  v_shown timestamp := v_instant at time zone wall_instant.time_zone;
  v_shown_yesterday timestamp := (v_instant - interval '24:00') at time zone wall_instant.time_zone;
  v_repeated interval;
begin
  -- Mostly the clock went on as ever.
  if v_shown = wall and v_shown_yesterday = wall - interval '24:00' then
    return v_instant;
  elsif v_shown > wall then
    return clinic.offset_change(v_instant - (v_shown - wall), v_instant, wall_instant.time_zone);
  end if;
  -- By how much the clock has gone back since this time yesterday.
  v_repeated := v_shown_yesterday - (wall - interval '24:00');
  if v_repeated > '0' and (v_instant - v_repeated) at time zone wall_instant.time_zone = wall then
    return v_instant - v_repeated;
  end if;
  return v_instant;
end
$$;
comment on function clinic.wall_instant is
'What a wall-clock time means, everywhere: the first instant at which the zone''s clock shows that time or a later one.';
grant execute on function clinic.wall_instant to anon, authenticated, service_role;

create function clinic.offset_change(after timestamptz, until timestamptz, time_zone text)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_before interval := (after at time zone offset_change.time_zone) - (after at time zone 'UTC');
  v_from bigint := extract(epoch from after);
  v_to bigint := extract(epoch from until);
  v_middle timestamptz;
begin
  while v_to - v_from > 1 loop
    v_middle := to_timestamp((v_from + v_to) / 2);
    if (v_middle at time zone offset_change.time_zone) - (v_middle at time zone 'UTC') = v_before then
      v_from := (v_from + v_to) / 2;
    else
      v_to := (v_from + v_to) / 2;
    end if;
  end loop;
  return to_timestamp(v_to);
end
$$;
comment on function clinic.offset_change is 'The second at which the zone''s clock jumps, after one instant and no later than another.';
grant execute on function clinic.offset_change to anon, authenticated, service_role;


-- Codes that people are told --------------------------------------------------------------------------------------------

create function clinic.draw_code(length integer)
returns text
language sql
volatile
set search_path = ''
as $$
  -- Five bits of each byte of a digest of 244 random bits: one is as good as another.
  with drawn as materialized (select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) as bytes)

  select string_agg(substr('23456789ABCDEFGHJKLMNPQRSTUVWXYZ', (get_byte(d.bytes, n) & 31) + 1, 1), '' order by n)
  from drawn as d
  cross join generate_series(0, draw_code.length - 1) as n;
$$;
comment on function clinic.draw_code is 'A random code of so many letters and digits (32 at most), five bits each, that people can say on the phone.';

create function clinic.shown_code(code text)
returns text
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(code, '(....)(?=.)', '\1-', 'g');
$$;
comment on function clinic.shown_code is 'A code as people see it: K7QM-2XRD.';

create function clinic.plain_code(code text)
returns text
language sql
immutable
set search_path = ''
as $$
  select upper(regexp_replace(code, '[\s-]', '', 'g'));
$$;
comment on function clinic.plain_code is 'A code however it was typed, as it was drawn.';
