-- Channels: who may listen to what, and how to catch up.
--
-- Topics: availability:<clinic_id> (everybody), patient:<user_id>, dentist:<dentist_id>, clinic:<clinic_id>.

create function clinic.is_topic(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select value ~ '^[a-z]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
$$;
comment on function clinic.is_topic is 'Whether the text has the form of a topic: a kind and a UUID.';
grant execute on function clinic.is_topic to anon, authenticated, service_role;

create function clinic.may_watch(topic text)
returns boolean
language plpgsql
stable
security definer -- staff rows are not the caller's to read
set search_path = ''
as $$
declare
  v_kind text := split_part(may_watch.topic, ':', 1);
  v_id uuid;
begin
  if clinic.is_topic(may_watch.topic) is not true then
    return false;
  end if;
  v_id := split_part(may_watch.topic, ':', 2)::uuid;
  return coalesce(case v_kind
    when 'availability' then exists (select from clinic.clinics as c where c.id = v_id)
    when 'patient' then v_id = auth.uid()
    when 'clinic' then v_id = any (clinic.my_clinics('{admin,receptionist}'))
    when 'dentist' then
      -- Who is neither the desk nor the dentist at all of their clinics would hear of others' patients.
      exists (select from clinic.dentists as d where d.id = v_id) and not exists (
        select from clinic.dentists as d
        where
          d.id = v_id and d.clinic_id <> all (clinic.my_clinics('{admin,receptionist}'))
          and d.id <> all (clinic.my_dentists(d.clinic_id))
      )
  end, false);
end
$$;
comment on function clinic.may_watch is 'Whether the caller may listen to the topic.';
grant execute on function clinic.may_watch to anon, authenticated, service_role;

-- Nobody may send: there is no insert policy. A row is its own topic's, and presence is nobody's.
create policy chairtime_topics_for_those_who_may_watch on realtime.messages
  for select to anon, authenticated
  using (
    extension = 'broadcast' and topic = (select realtime.topic()) and (select clinic.may_watch((select realtime.topic())))
  );


-- An open transaction withholds every later event from everybody, so none may idle. Where `postgres` may not set this,
-- `chairtime doctor` says who may.
do $$
begin
  if not exists (
    select from pg_catalog.pg_roles as r where r.rolname = 'authenticator' and r.rolconfig::text ~ 'idle_in_transaction'
  ) then
    alter role authenticator set idle_in_transaction_session_timeout = '30s';
  end if;
exception
  when insufficient_privilege then
    raise notice 'idle_in_transaction_session_timeout of authenticator is not ours to set';
end
$$;


-- Catching up --------------------------------------------------------------------------------------------------------

create type api.event as (
  id bigint,
  occurred_at timestamptz,
  event text,
  dentist_id uuid,
  dentist_seq bigint,
  payload jsonb
);
comment on type api.event is 'One event: its id orders events, its payload is what was broadcast.';

-- An event is settled once every transaction that could precede it has finished; what follows one that is not has to
-- wait with it. The windows read in index order, and the limit stops them.

create function clinic.settled_events(after_id bigint, max_events integer)
returns setof clinic.realtime_events
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
    select (h.e).*
    from (
      select e, e.id, bool_and(clinic.is_settled(e.xid, e.xmin, e.horizon)) over (order by e.id) as is_settled
      from clinic.realtime_events as e
      where e.id > settled_events.after_id
    ) as h
    where h.is_settled
    order by h.id
    limit settled_events.max_events;
end
$$;
comment on function clinic.settled_events(bigint, integer) is
'Events after after_id, in the order of their ids, up to the first that a transaction still running could precede. Reading on from the
last id skips nothing and repeats nothing.';

create function clinic.settled_events(after_id bigint, max_events integer, topic text)
returns setof clinic.realtime_events
language plpgsql
stable
set search_path = ''
as $$
declare
  v_id uuid := split_part(settled_events.topic, ':', 2)::uuid;
  v_clinic_ids uuid [] := coalesce((select array_agg(d.clinic_id) from clinic.dentists as d where d.id = v_id), array[v_id]);
begin
  return query execute format(
    'select (h.e).* from (
      select e, e.id, bool_and(clinic.is_settled(e.xid, e.xmin, e.horizon)) over (order by e.id) as is_settled
      from clinic.realtime_events as e
      where e.id > $1 and $3 = any (e.topics) and %s
    ) as h
    where h.is_settled
    order by h.id
    limit $2',
    case when settled_events.topic like 'patient:%' then 'e.user_id = $4' else 'e.clinic_id = any ($5)' end
  ) using settled_events.after_id, settled_events.max_events, settled_events.topic, v_id, v_clinic_ids;
end
$$;
comment on function clinic.settled_events(bigint, integer, text) is 'The same, of one topic.';

create function clinic.events_since(topic text, after_id bigint, max_events integer)
returns setof api.event
language plpgsql
stable
security definer -- reads the event log for topics that the caller may hear
set search_path = ''
as $$
begin
  if not clinic.is_service() and not clinic.may_watch(clinic.required(events_since.topic, 'topic')) then
    perform clinic.refuse('not_found', 'There is no such topic, or it is not yours to hear.');
  elsif clinic.is_topic(events_since.topic) is not true then
    perform clinic.refuse('not_found', 'There is no such topic.');
  elsif (events_since.max_events between 1 and 1000) is not true then
    perform clinic.refuse('invalid_argument', 'max_events must be between 1 and 1000.');
  end if;
  return query
    select e.id, e.occurred_at, e.event, e.dentist_id, e.dentist_seq, e.payload
    from clinic.settled_events(
      clinic.required(events_since.after_id, 'after_id'), events_since.max_events, events_since.topic
    ) as e;
end
$$;
grant execute on function clinic.events_since to anon, authenticated, service_role;

create function api.events_since(topic text, after_id bigint, max_events integer default 500)
returns setof api.event
language sql
stable
set search_path = ''
as $$
  select e.* from clinic.events_since(topic, after_id, max_events) as e;
$$;
comment on function api.events_since is
'The events of a topic after an event id, in order and without gaps, also those that were committed late; at most max_events (1000).
Rows {id, occurred_at, event, dentist_id, dentist_seq, payload}. Errors: not_found (or not yours to hear), invalid_argument.';
grant execute on function api.events_since to anon, authenticated, service_role;

create view api.realtime_events
with (security_invoker = true) as
  select
    e.id,
    e.occurred_at,
    e.topics,
    e.event,
    e.entity,
    e.entity_id,
    e.clinic_id,
    e.dentist_id,
    e.dentist_seq,
    e.actor,
    e.payload
  from clinic.realtime_events as e;
comment on view api.realtime_events is 'Every event of a clinic: its audit trail. For the clinic''s admins.';
grant select on api.realtime_events to authenticated, service_role;
