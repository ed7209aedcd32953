-- Chatbot: booking by conversation. What is offered, names as people say them, slots as people hear them.
--
-- An offer is a stored row behind an unguessable token: a chatbot can hold what was offered to it, and nothing that it
-- made up. Names are matched by likeness; what is unknown or ambiguous is answered with the candidates.

create table clinic.slot_offers (
  token_hash bytea not null,
  clinic_id uuid not null,
  dentist_id uuid not null,
  appointment_type_id uuid not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  offered_to uuid,
  reservation_id uuid,
  patient_name text,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint slot_offers_pkey primary key (token_hash),
  constraint slot_offers_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade,
  constraint slot_offers_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id) on delete cascade,
  constraint slot_offers_offered_to_fkey foreign key (offered_to) references auth.users (id) on delete cascade,
  constraint slot_offers_reservation_fkey foreign key (reservation_id, clinic_id)
  references clinic.slot_reservations (id, clinic_id) on delete cascade,
  constraint slot_offers_end_after_start check (starts_at < ends_at),
  constraint slot_offers_patient_name_is_clean check (clinic.is_name(patient_name))
);
comment on table clinic.slot_offers is
'Times offered in conversations, each to one caller, for a quarter of an hour. Only a hash of the token is kept; reservation_id is the hold that
spent it, and patient_name for whom, as it was said: the record may spell it otherwise, and whoever speaks must not learn that there is one.';
alter table clinic.slot_offers
alter column token_hash set statistics 0,
alter column patient_name set statistics 0;
create index slot_offers_dentist_idx on clinic.slot_offers (dentist_id, clinic_id);
create index slot_offers_type_idx on clinic.slot_offers (appointment_type_id, clinic_id);
create index slot_offers_offered_to_idx on clinic.slot_offers (offered_to, expires_at);
create index slot_offers_reservation_idx on clinic.slot_offers (reservation_id, clinic_id);
create index slot_offers_expires_at_idx on clinic.slot_offers (expires_at);
alter table clinic.slot_offers enable row level security;

create policy slot_offers_are_for_the_service on clinic.slot_offers
  for select to service_role
  using (true);
grant select on clinic.slot_offers to service_role;


-- Names as people say them -------------------------------------------------------------------------------------------

create function clinic.plain_name(name text)
returns text
language sql
immutable
set search_path = ''
as $$
  select btrim(regexp_replace(lower(normalize(name, nfkc)), '\m(dr|doctor|dentist|prof|professor)\M\.?', '', 'g'));
$$;
comment on function clinic.plain_name is 'A name for comparing: lower case, one form of each character, no titles.';

create function clinic.likeness(said text, name text)
returns real
language sql
stable
set search_path = ''
as $$
  select case
    when p.said = p.name then 2
    -- Trigrams know no Japanese; being part of the name counts in every script.
    when position(p.said in p.name) > 0 and octet_length(p.said) > 2 then 1
    else greatest(
      extensions.similarity(p.said, p.name),
      extensions.word_similarity(p.said, p.name),
      extensions.word_similarity(p.name, p.said)
    )
  end
  from (select clinic.plain_name(likeness.said) as said, clinic.plain_name(likeness.name) as name) as p;
$$;
comment on function clinic.likeness is 'How like a name is to what somebody said: 0 to 1, and 2 for the same.';

create function clinic.resolve_name(said text, ids uuid [], names text [])
returns jsonb
language sql
stable
set search_path = ''
as $$
  with known as (
    select n.id, n.name, case when n.id::text = resolve_name.said then 2 else clinic.likeness(said, n.name) end as likeness
    from unnest(resolve_name.ids, resolve_name.names) as n (id, name)
  ),

  best as (
    select k.id, k.name, k.likeness from known as k
    where k.likeness >= 0.3 and k.likeness > (select max(m.likeness) from known as m) - 0.15
  ),

  candidates as (
    select b.* from best as b
    union all
    select k.* from known as k where not exists (select from best)
    order by 3 desc, 2 asc
    limit 20
  )

  select jsonb_build_object(
    'id', case when count(*) = 1 and exists (select from best) then min(c.id::text) end,
    'is_known', exists (select from best),
    'candidates', coalesce(jsonb_agg(jsonb_build_object('id', c.id, 'name', c.name) order by c.likeness desc, c.name asc), '[]')
  )
  from candidates as c;
$$;
comment on function clinic.resolve_name is
'Who or what is meant: {id (null when unknown or ambiguous), is_known, candidates: [{id, name}]}. An id said instead of a name is exact.';

create function clinic.resolve_service(clinic_id uuid, said text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  -- Nothing said: the shortest, which is what one comes for first.
  select case
    when nullif(clinic.plain_name(said), '') is null then jsonb_build_object(
      'id', (array_agg(t.id order by t.duration, t.name))[1], 'is_known', count(*) > 0,
      'candidates', coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by t.duration, t.name), '[]')
    )
    else clinic.resolve_name(said, array_agg(t.id), array_agg(t.name))
  end
  from clinic.appointment_types as t
  -- A chatbot cannot know whom the clinic knows.
  where
    t.clinic_id = resolve_service.clinic_id and t.is_active and t.audience in ('everyone', 'new_patients')
    and clinic.leaders(t) <> '{}';
$$;
comment on function clinic.resolve_service is 'The clinic''s appointment type that is meant, of those that somebody does, as resolve_name tells it.';

create function clinic.resolve_dentist(clinic_id uuid, appointment_type_id uuid, said text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select clinic.resolve_name(said, array_agg(d.id), array_agg(d.full_name))
  from clinic.dentists as d
  where d.clinic_id = resolve_dentist.clinic_id and d.is_active and (
    resolve_dentist.appointment_type_id is null
    or exists (
      select from clinic.dentist_types as l
      where l.dentist_id = d.id and l.clinic_id = d.clinic_id and l.appointment_type_id = resolve_dentist.appointment_type_id
    )
  );
$$;
comment on function clinic.resolve_dentist is 'The clinic''s dentist who is meant, of those who lead this type (null: of all), as resolve_name tells it.';

create function clinic.other_dentist(clinic_id uuid, said text)
returns text
language sql
stable
set search_path = ''
as $$
  select d.full_name from clinic.dentists as d
  where d.clinic_id = other_dentist.clinic_id and d.id::text = clinic.resolve_dentist(other_dentist.clinic_id, null, said) ->> 'id';
$$;
comment on function clinic.other_dentist is 'The name of the dentist of the clinic who is meant, whatever they do; null when nobody is, or several are.';


-- Slots as people hear them ------------------------------------------------------------------------------------------

create function clinic.describe_slot(
  policy clinic.clinics, appointment_type_id uuid, dentist_id uuid, starts_at timestamptz, ends_at timestamptz
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'label', format(
      '%s, %s with %s at %s', to_char(l.starts_at, 'FMDay, FMDD FMMonth YYYY, HH24:MI'), t.name, d.full_name, policy.name
    ),
    'appointment_type_id', t.id,
    'service', t.name,
    'dentist_id', d.id,
    'dentist', d.full_name,
    'starts_at', describe_slot.starts_at,
    'ends_at', describe_slot.ends_at,
    'time_zone', policy.time_zone,
    'local_date', to_char(l.starts_at, 'YYYY-MM-DD'),
    'local_time', to_char(l.starts_at, 'HH24:MI'),
    'weekday', extract(isodow from l.starts_at)::integer,
    'minutes', extract(epoch from describe_slot.ends_at - describe_slot.starts_at)::integer / 60
  )
  from clinic.appointment_types as t
  inner join clinic.dentists as d on t.clinic_id = d.clinic_id
  cross join (select describe_slot.starts_at at time zone policy.time_zone as starts_at) as l
  where t.id = describe_slot.appointment_type_id and d.id = describe_slot.dentist_id and t.clinic_id = policy.id;
$$;
comment on function clinic.describe_slot is
'A slot for a conversation: {label (English, clinic time), appointment_type_id, service, dentist_id, dentist, starts_at, ends_at, time_zone, local_date, local_time, weekday (ISO), minutes}.';
