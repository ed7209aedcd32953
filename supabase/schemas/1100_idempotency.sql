-- Idempotency: a request that is repeated with its key gets the first answer again.

create table clinic.idempotency_keys (
  user_id uuid not null,
  operation text not null,
  key text not null,
  request_hash bytea not null,
  response jsonb not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint idempotency_keys_pkey primary key (user_id, operation, key)
);
comment on table clinic.idempotency_keys is
'Answers already given, by (user, operation, key). Written in the booking''s own transaction, so a refusal leaves none. The nil user is the service role.';
alter table clinic.idempotency_keys
alter column key set statistics 0,
alter column request_hash set statistics 0,
alter column response set statistics 0;
create index idempotency_keys_created_at_idx on clinic.idempotency_keys (created_at);
alter table clinic.idempotency_keys enable row level security;

create policy idempotency_keys_are_for_the_service on clinic.idempotency_keys
  for select to service_role
  using (true);
grant select on clinic.idempotency_keys to service_role;

create function clinic.caller_id()
returns uuid
language sql
stable
set search_path = ''
as $$
  select coalesce(auth.uid(), '00000000-0000-0000-0000-000000000000');
$$;
comment on function clinic.caller_id is 'The caller''s user id; the nil id for the service role.';

create function clinic.require_still_theirs(response jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if response is not null and exists (
    select from jsonb_array_elements(case jsonb_typeof(response) when 'array' then response else jsonb_build_array(response) end) as r (said)
    inner join clinic.patients as p on (r.said ->> 'patient_id')::uuid = p.id and (r.said ->> 'clinic_id')::uuid = p.clinic_id
    where clinic.my_role(p.clinic_id) is null and coalesce(p.merged_into, p.id) <> all (clinic.my_patients())
  ) then
    perform clinic.refuse('not_found');
  end if;
end
$$;
comment on function clinic.require_still_theirs is
'Passes an answer about whom the caller acts for still: a guardianship or a role may have ended since. Errors: not_found.';

create function clinic.replay(operation text, key text, request jsonb)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_known clinic.idempotency_keys;
begin
  if replay.key is null then
    return null;
  end if;
  if length(replay.key) not between 1 and 255 then
    perform clinic.refuse('invalid_argument', 'idempotency_key must have 1 to 255 characters.');
  end if;
  perform clinic.take_lock(hashtextextended(
    'chairtime:key:' || clinic.caller_id() || ':' || replay.operation || ':' || replay.key, 0
  ));
  select * into v_known from clinic.idempotency_keys as k
  where k.user_id = clinic.caller_id() and k.operation = replay.operation and k.key = replay.key;
  if v_known.request_hash <> sha256(convert_to(replay.request::text, 'UTF8')) then
    perform clinic.refuse('idempotency_mismatch');
  end if;
  perform clinic.require_still_theirs(v_known.response);
  return v_known.response;
end
$$;
comment on function clinic.replay is
'The answer this request got before, or null. It waits for a repetition in flight, and is called before the calendars are locked.
Errors: idempotency_mismatch, not_found (what was answered is no more theirs to see), try_again.';

create function clinic.remember(operation text, key text, request jsonb, response jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if remember.key is null then
    return;
  end if;
  insert into clinic.idempotency_keys (user_id, operation, key, request_hash, response)
  values (
    clinic.caller_id(), remember.operation, remember.key,
    sha256(convert_to(remember.request::text, 'UTF8')), remember.response
  )
  on conflict do nothing;
  -- The same key came at the same moment with a request for another calendar.
  if not found then
    perform clinic.refuse('idempotency_mismatch');
  end if;
end
$$;
comment on function clinic.remember is 'Keeps the answer for repetitions of this request. Errors: idempotency_mismatch.';
