-- Messages: which are sent and when (rules), in whose words (templates), and the outbox, planned in the transaction of the change.

create table clinic.message_rules (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  kind text not null,
  channel text not null,
  lead interval not null default '0',
  constraint message_rules_pkey primary key (id),
  constraint message_rules_key unique (clinic_id, kind, channel, lead),
  constraint message_rules_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint message_rules_kind_is_known check (kind = any (clinic.message_kinds())),
  constraint message_rules_channel_is_known check (channel = any (clinic.message_channels())),
  constraint message_rules_lead_fits check (
    case kind
      when 'reminder' then lead between '10 minutes' and '60 days' and extract(year from lead) = 0 and extract(month from lead) = 0
      else lead = '0'
    end
  )
);
comment on table clinic.message_rules is
'What a clinic sends by itself: of which kind, through which channel and, for reminders, how long before the visit (lead).';
alter table clinic.message_rules enable row level security;

create policy message_rules_are_for_desks on clinic.message_rules
  for select to authenticated
  using (
    clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select on clinic.message_rules to authenticated, service_role;

create function clinic.add_default_rules(clinic_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into clinic.message_rules (clinic_id, kind, channel, lead)
  select add_default_rules.clinic_id, d.kind, 'email', d.lead
  from (values
    ('booked', interval '0'), ('moved', '0'), ('cancelled', '0'), ('reminder', '2 days'), ('reminder', '3 hours'), ('recall', '0'), ('offer', '0')
  ) as d (kind, lead)
  on conflict on constraint message_rules_key do nothing;
$$;
comment on function clinic.add_default_rules is 'What a new clinic sends until it says otherwise: all by e-mail, which costs nothing.';

create table clinic.message_templates (
  clinic_id uuid not null,
  kind text not null,
  channel text not null,
  locale text not null,
  subject text,
  body text not null,
  constraint message_templates_pkey primary key (clinic_id, kind, channel, locale),
  constraint message_templates_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint message_templates_locale_fkey foreign key (locale) references clinic.locales (locale),
  constraint message_templates_kind_is_known check (kind = any (clinic.message_kinds())),
  constraint message_templates_channel_is_known check (channel = any (clinic.message_channels())),
  constraint message_templates_subject_fits check (
    (subject is null) = (channel = 'sms') and length(subject) between 1 and 200 and clinic.is_line(subject) or channel = 'sms' and subject is null
  ),
  constraint message_templates_body_fits check (length(body) between 1 and 5000 and clinic.is_text(body))
);
comment on table clinic.message_templates is
'A clinic''s own words for a kind of message, channel and language, with placeholders like {date}. Where it has none, message_defaults has some.';
create index message_templates_locale_idx on clinic.message_templates (locale);
alter table clinic.message_templates
alter column subject set statistics 0,
alter column body set statistics 0;
alter table clinic.message_templates enable row level security;

create policy message_templates_are_for_desks on clinic.message_templates
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid []));
grant select on clinic.message_templates to authenticated, service_role;


-- The outbox -----------------------------------------------------------------------------------------------------------

-- A domain's check, unlike a table's, is not read anew by every statement; and every booking writes here.
create domain clinic.message_state as text
constraint message_state_is_known check (value = any ('{planned,leased,sent,skipped,failed,unknown}'));
comment on domain clinic.message_state is
'planned, leased (being sent), sent, skipped (see reason), failed (see error), unknown (nobody can say whether it arrived).';

create table clinic.messages (
  id uuid not null,
  clinic_id uuid not null,
  patient_id uuid,
  appointment_id uuid,
  kind text not null,
  channel text not null,
  starts_at timestamptz,
  due_at timestamptz not null,
  next_at timestamptz,
  state clinic.message_state not null default 'planned',
  reason text,
  error text,
  subject text,
  body text,
  locale text,
  address text,
  attempts integer not null default 0,
  in_doubt boolean not null default false,
  lease_id uuid,
  sent_at timestamptz,
  provider_ref text,
  created_at timestamptz not null default clock_timestamp(),
  recall_type_id uuid,
  constraint messages_pkey primary key (id)
);
comment on table clinic.messages is
'The outbox. A row is planned in the transaction of the change that it tells of, and judged when a worker asks for it: what is not true any more is
skipped. No foreign keys, for each would cost every booking a look-up: rows of the erased are deleted by erase_record.';
comment on column clinic.messages.id is
'Made of its key: rule, appointment, and the appointment''s version that it tells of, which has one start. So nothing is planned twice; also the idempotency key.';
comment on column clinic.messages.kind is 'booked, moved, cancelled, reminder, recall, offer; answer (to a reply) and test bring their own text.';
comment on column clinic.messages.starts_at is 'The start of the visit that it tells of.';
comment on column clinic.messages.due_at is 'When it was to be sent.';
comment on column clinic.messages.next_at is
'When a worker looks at it next: to send it, to take its lease for lost, to try it again. Null: never.';
comment on column clinic.messages.reason is
'Why it was skipped: moved, cancelled, over, late, superseded, no_contact, opted_out, quiet_hours, rule_removed, replaced, gone,
and of recalls met (a visit is ahead, or has been) and paused.';
comment on column clinic.messages.subject is 'With body: what to send, where no template makes it.';
comment on column clinic.messages.recall_type_id is 'Of a recall: what for.';
comment on column clinic.messages.address is 'To where it was last sent.';
comment on column clinic.messages.in_doubt is 'An attempt was lost sight of, so perhaps it arrived: it ends as sent or unknown, never as skipped or failed.';
comment on column clinic.messages.lease_id is 'Of an attempt whose end is not known for good.';
comment on column clinic.messages.provider_ref is 'What who carries it calls it.';
-- Of many rows a fifth is too many to wait for: the queue of what is due begins with all that was sent since.
alter table clinic.messages set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
alter table clinic.messages
alter column reason set statistics 0,
alter column subject set statistics 0,
alter column body set statistics 0,
alter column error set statistics 0,
alter column address set statistics 0,
alter column provider_ref set statistics 0;
-- Each costs every booking something. Desks look for a patient's, those of a patient's visit, and what went wrong lately.
create index messages_next_idx on clinic.messages (channel, next_at) where next_at is not null;
create index messages_patient_idx on clinic.messages (clinic_id, patient_id, appointment_id);
create index messages_troubled_idx on clinic.messages (clinic_id, due_at) where state in ('failed', 'unknown');
alter table clinic.messages enable row level security;

create policy messages_are_for_desks on clinic.messages
  for select to authenticated
  using (
    clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select (
  id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, state, reason, error, locale, address, attempts, sent_at, created_at
) on clinic.messages to authenticated;
grant select on clinic.messages to service_role;

create view api.messages
with (security_invoker = true) as
  select
    m.id,
    m.clinic_id,
    m.appointment_id,
    m.patient_id,
    m.kind,
    m.channel,
    m.locale,
    m.due_at,
    m.state::text,
    m.sent_at,
    m.error,
    m.reason,
    m.address,
    m.attempts,
    m.starts_at,
    m.created_at
  from clinic.messages as m;
comment on view api.messages is
'What was sent, is planned, or was not sent and why, for admins and receptionists. state: planned, leased (being sent), sent, skipped, failed, unknown (nobody can
say whether it arrived). reason, of what was skipped: moved, cancelled, over, late, superseded (another one says it), no_contact, opted_out, quiet_hours, rule_removed,
replaced, gone; of recalls met (a visit is ahead, or has been) and paused. For those of one appointment name its patient, too: that is how they are found.';
grant select on api.messages to authenticated, service_role;


-- Planning -------------------------------------------------------------------------------------------------------------

create function clinic.plan_messages(visit clinic.appointments, kind text, untold text [] default '{}')
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  insert into clinic.messages (id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at)
  select
    md5(r.id || ':' || visit.id || ':' || visit.version)::uuid,
    visit.clinic_id, visit.patient_id, visit.id, r.kind, r.channel, visit.starts_at, w.due_at, w.due_at
  from clinic.message_rules as r
  cross join lateral (select case r.kind when 'reminder' then clinic.later(visit.starts_at, -r.lead) else v_now end as due_at) as w
  where
    r.clinic_id = visit.clinic_id and case
      when plan_messages.kind = 'cancelled' then r.kind = 'cancelled' and r.channel <> all (untold)
      else r.kind = case when r.channel = any (untold) then 'booked' else plan_messages.kind end or r.kind = 'reminder'
    end;
end
$$;
comment on function clinic.plan_messages is
'Plans what the clinic''s rules say of a visit that was booked, moved or cancelled, and its reminders; through channels that have not told of its booking (untold), that instead of a move, and nothing of a cancellation.
Called in the transaction of the change.';

create function clinic.skip(ids uuid [], reason text)
returns void
language sql
volatile
set search_path = ''
as $$
  update clinic.messages as m
  set
    -- Perhaps it arrived.
    state = case when m.in_doubt then 'unknown' else 'skipped' end, reason = case when not m.in_doubt then skip.reason end, next_at = null
  where m.id = any (skip.ids);
$$;
comment on function clinic.skip is 'Sends these messages no more; of what perhaps arrived it stays unknown whether it did.';

create function clinic.plan_offer(offer clinic.slot_reservations)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  insert into clinic.messages (id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at)
  select
    md5(r.id || ':' || offer.id)::uuid, offer.clinic_id, offer.patient_id, offer.id, 'offer', r.channel, offer.starts_at,
    clock_timestamp(), clock_timestamp()
  from clinic.message_rules as r
  where r.clinic_id = offer.clinic_id and r.kind = 'offer';
end
$$;
comment on function clinic.plan_offer is 'Plans how who waits for a time is told that one is held for them. Called in the transaction that holds it.';

create function clinic.offered_visit(offer clinic.slot_reservations)
returns clinic.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
begin
  v_visit.id := offer.id;
  v_visit.clinic_id := offer.clinic_id;
  v_visit.dentist_id := offer.dentist_id;
  v_visit.patient_id := offer.patient_id;
  v_visit.appointment_type_id := offer.appointment_type_id;
  v_visit.starts_at := offer.starts_at;
  v_visit.ends_at := offer.ends_at;
  v_visit.created_at := offer.created_at;
  v_visit.status := case when offer.outcome is null and offer.expires_at > clock_timestamp() then 'booked' else 'cancelled' end;
  return v_visit;
end
$$;
comment on function clinic.offered_visit is 'The visit that an offer would become, as messages and links speak of it: booked while it is held.';

create function clinic.skip_messages(visit clinic.appointments, reason text)
returns text []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ids uuid [];
  v_untold text [];
begin
  select array_agg(m.id), coalesce(array_agg(m.channel) filter (where m.kind = 'booked' and not m.in_doubt), '{}') into v_ids, v_untold
  from (
    select p.id, p.kind, p.channel, p.in_doubt from clinic.messages as p
    where p.clinic_id = visit.clinic_id and p.patient_id = visit.patient_id and p.appointment_id = visit.id and p.state = 'planned'
    for update
  ) as m;
  if v_ids is not null then
    perform clinic.skip(v_ids, skip_messages.reason);
  end if;
  return v_untold;
end
$$;
comment on function clinic.skip_messages is 'Skips what is planned for a visit. Returns the channels through which nobody was told of its booking yet, nor perhaps was.';

create function clinic.follow_visit_messages(before clinic.appointments, after clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_untold text [];
begin
  if after.status = 'booked' and before.status = 'booked' then
    if (before.starts_at, before.dentist_id) is distinct from (after.starts_at, after.dentist_id) then
      v_untold := clinic.skip_messages(before, 'moved');
      if after.starts_at > clock_timestamp() then
        perform clinic.plan_messages(after, 'moved', v_untold);
      end if;
    end if;
  elsif after.status = 'booked' then
    -- Back from a status that was set by mistake.
    if after.starts_at > clock_timestamp() and before.status is distinct from 'checked_in' then
      perform clinic.plan_messages(after, 'booked');
    end if;
  elsif after.status = 'cancelled' then
    v_untold := clinic.skip_messages(before, 'cancelled');
    if after.starts_at > clock_timestamp() then
      perform clinic.plan_messages(after, 'cancelled', v_untold);
    end if;
  elsif after.id is null then
    perform clinic.skip_messages(before, 'gone');
  end if;
end
$$;
comment on function clinic.follow_visit_messages is
'Skips and plans what a change of a visit makes untrue and true; after is null for one that was deleted.';

create function clinic.follow_quiet_hours()
returns trigger
language plpgsql
volatile
security definer -- whoever changes the hours, what waits for them is judged anew
set search_path = ''
as $$
begin
  update clinic.messages as m
  set next_at = m.due_at
  where
    m.clinic_id = new.id and m.state = 'planned' and m.attempts = 0 and m.next_at > clock_timestamp() and m.due_at <= clock_timestamp();
  return null;
end
$$;
comment on function clinic.follow_quiet_hours is 'Lets what waits for the end of quiet hours be looked at again.';

create trigger follow_quiet_hours after update of quiet_from, quiet_until, time_zone on clinic.clinics
for each row when (
  (old.quiet_from, old.quiet_until, old.time_zone) is distinct from (new.quiet_from, new.quiet_until, new.time_zone)
) execute function clinic.follow_quiet_hours();


-- Whom they reach ------------------------------------------------------------------------------------------------------

create table clinic.stopped_addresses (
  clinic_id uuid not null,
  channel text not null,
  address_hash bytea not null,
  number_hash bytea not null,
  stopped_at timestamptz not null default clock_timestamp(),
  constraint stopped_addresses_pkey primary key (clinic_id, channel, address_hash, number_hash),
  constraint stopped_addresses_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint stopped_addresses_channel_is_known check (channel = any (clinic.message_channels()))
);
comment on table clinic.stopped_addresses is
'To where a clinic sends nothing any more, because who reads it said so (STOP). Hashes: it holds for whoever has that address, and says no address.';
comment on column clinic.stopped_addresses.number_hash is 'Of a number that says its country; else empty.';
alter table clinic.stopped_addresses enable row level security;

create policy stopped_addresses_are_for_the_service on clinic.stopped_addresses
  for select to service_role
  using (true);
grant select on clinic.stopped_addresses to service_role;

create function clinic.address_hash(channel text, address text)
returns bytea
language sql
immutable
set search_path = ''
as $$
  select sha256(convert_to(
    channel || ':' || case channel when 'sms' then clinic.phone_key(address) else clinic.email_key(address) end, 'UTF8'
  ));
$$;
comment on function clinic.address_hash is 'What is stored of an address, however it was written. Of a number as of phone_key.';

create function clinic.number_hash(address text)
returns bytea
language sql
immutable
set search_path = ''
as $$
  select case when address like '+%' then sha256(convert_to('number:' || address, 'UTF8')) else '' end;
$$;
comment on function clinic.number_hash is 'What is stored of a number that says its country; else nothing.';

create function clinic.stops(clinic_id uuid, channel text, address text)
returns setof clinic.stopped_addresses
language sql
stable
set search_path = ''
as $$
  select s.* from clinic.stopped_addresses as s
  where
    s.clinic_id = stops.clinic_id and s.channel = stops.channel and s.address_hash = clinic.address_hash(stops.channel, stops.address)
    -- Where one of the two says no country, it may be the same number.
    and (stops.address not like '+%' or s.number_hash in ('', clinic.number_hash(stops.address)));
$$;
comment on function clinic.stops is 'What stands against writing to this address.';

create function clinic.stop_messages(clinic_id uuid, channel text, address text)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into clinic.stopped_addresses (clinic_id, channel, address_hash, number_hash)
  values (
    stop_messages.clinic_id, stop_messages.channel, clinic.address_hash(stop_messages.channel, stop_messages.address),
    clinic.number_hash(stop_messages.address)
  )
  on conflict on constraint stopped_addresses_pkey do nothing;
$$;
comment on function clinic.stop_messages is 'Sends nothing more to this address.';

create function clinic.start_messages(clinic_id uuid, channel text, address text)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from clinic.stopped_addresses as s
  using clinic.stops(start_messages.clinic_id, start_messages.channel, start_messages.address) as t
  where (s.clinic_id, s.channel, s.address_hash, s.number_hash) = (t.clinic_id, t.channel, t.address_hash, t.number_hash);
$$;
comment on function clinic.start_messages is 'Takes back what stands against writing to this address.';

create type clinic.recipient as (
  address text,
  locale text,
  is_stopped boolean
);
comment on type clinic.recipient is 'Where a message goes, in which language, and whether nothing is wanted there.';

create function clinic.contacts(patient_id uuid, clinic_id uuid, channel text)
returns table (address text, locale text, rank integer)
language sql
stable
set search_path = ''
as $$
  select c.address, c.locale, row_number() over (order by c.rank, c.since)::integer
  from (
    select
      w.rank, w.since, w.locale,
      case contacts.channel
        when 'sms' then case when clinic.is_phone(w.phone) then clinic.whole_number(w.phone, k.phone) end
        else case when clinic.is_email(w.email) then w.email end
      end as address
    from clinic.patients as p
    inner join clinic.clinics as k on p.clinic_id = k.id
    cross join lateral (
      select 0 as rank, p.created_at as since, p.phone, p.email, p.locale
      union all
      select a.rank, a.since, f.phone, coalesce(f.email, u.email::text), f.locale
      from (
        select 1 as rank, p.created_at as since, p.user_id
        union all
        select 2, g.created_at, g.user_id
        from clinic.guardians as g
        where g.patient_id = p.id and g.clinic_id = p.clinic_id and clinic.acts_still(g.until)
      ) as a
      inner join clinic.profiles as f on a.user_id = f.user_id
      inner join auth.users as u on f.user_id = u.id
    ) as w
    where p.id = contacts.patient_id and p.clinic_id = contacts.clinic_id and p.erased_at is null
  ) as c
  where c.address is not null;
$$;
comment on function clinic.contacts is
'Where a patient can be reached through a channel, and in whose language: the record''s own contact first, then that of its login, then of those who act for it. Numbers with
their country, or else the clinic''s.';

create function clinic.recipient(patient_id uuid, clinic_id uuid, channel text)
returns clinic.recipient
language plpgsql
stable
set search_path = ''
as $$
declare
  v_recipient clinic.recipient;
begin
  select
    c.address, clinic.known_locale(c.locale, p.locale, own.locale, k.locale),
    recipient.channel = any (p.muted_channels) or exists (select from clinic.stops(p.clinic_id, recipient.channel, c.address))
  into v_recipient
  from clinic.contacts(recipient.patient_id, recipient.clinic_id, recipient.channel) as c
  cross join clinic.patients as p
  inner join clinic.clinics as k on p.clinic_id = k.id
  left join clinic.profiles as own on p.user_id = own.user_id
  where p.id = recipient.patient_id and p.clinic_id = recipient.clinic_id
  order by c.rank
  limit 1;
  return v_recipient;
end
$$;
comment on function clinic.recipient is
'Where to reach a patient through a channel: by the record, by its login, by who acts for it. Null when there is no way.';


-- What they say --------------------------------------------------------------------------------------------------------

create function clinic.clinic_locale(clinic_id uuid, locale text default null)
returns text
language sql
stable
set search_path = ''
as $$
  select clinic.known_locale(clinic_locale.locale, c.locale) from clinic.clinics as c where c.id = clinic_locale.clinic_id;
$$;
comment on function clinic.clinic_locale is 'The language, if messages are written in it, or else the clinic''s.';

create function clinic.written_name(full_name text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- Who signs up chooses a name, and may give somebody else's number: no reader's phone makes a link of it.
  select regexp_replace(written_name.full_name, '[:/@\\]+|[.](?=[^ .])', ' ', 'g');
$$;
comment on function clinic.written_name is 'A patient''s name as messages write it: nothing in it is an address.';

create function clinic.what_to_say(visit clinic.appointments, locale text, link text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'clinic', c.name, 'clinic_phone', c.phone, 'clinic_address', c.address,
    'patient', clinic.written_name(p.full_name), 'dentist', d.full_name, 'visit', t.name,
    'date', clinic.format_day(visit.starts_at, c.time_zone, what_to_say.locale),
    'time', clinic.format_time(visit.starts_at, c.time_zone, what_to_say.locale),
    'link', what_to_say.link,
    'until', (
      select case when (r.expires_at at time zone c.time_zone)::date <> (clock_timestamp() at time zone c.time_zone)::date
        then clinic.format_day(r.expires_at, c.time_zone, what_to_say.locale) || ', ' else '' end
        || clinic.format_time(r.expires_at, c.time_zone, what_to_say.locale)
      from clinic.slot_reservations as r
      where r.id = visit.id and r.clinic_id = visit.clinic_id and r.waitlist_id is not null
    )
  )
  from clinic.clinics as c
  inner join clinic.patients as p on c.id = p.clinic_id and p.id = visit.patient_id
  inner join clinic.dentists as d on c.id = d.clinic_id and d.id = visit.dentist_id
  inner join clinic.appointment_types as t on c.id = t.clinic_id and t.id = visit.appointment_type_id
  where c.id = visit.clinic_id;
$$;
comment on function clinic.what_to_say is 'What the placeholders stand for in a message about a visit.';

create type clinic.wording as (
  subject text,
  body text
);
comment on type clinic.wording is 'A template, or what was made of it; an SMS has no subject.';

create function clinic.wording(clinic_id uuid, kind text, channel text, locale text)
returns clinic.wording
language sql
stable
set search_path = ''
as $$
  select row(w.subject, w.body)::clinic.wording
  from (
    select 0 as rank, t.subject, t.body
    from clinic.message_templates as t
    where t.clinic_id = wording.clinic_id and t.kind = wording.kind and t.channel = wording.channel and t.locale = wording.locale
    union all
    select 1, d.subject, d.body
    from clinic.message_defaults as d
    where d.kind = wording.kind and d.channel = wording.channel and d.locale = wording.locale
  ) as w
  order by w.rank
  limit 1;
$$;
comment on function clinic.wording is 'The clinic''s own template, or the default one.';

create function clinic.fill_in(wording clinic.wording, said jsonb)
returns clinic.wording
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- A subject is one line, whatever stands in for a placeholder.
  wording.subject := regexp_replace(clinic.fill_in(wording.subject, said), '\s+', ' ', 'g');
  wording.body := clinic.fill_in(wording.body, said);
  return wording;
end
$$;
comment on function clinic.fill_in(clinic.wording, jsonb) is 'The template with what its placeholders stand for.';
