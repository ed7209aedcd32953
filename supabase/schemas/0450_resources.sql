-- Resources: what a visit takes, and what each type of visit needs: who leads it, and its other parts.

create table clinic.resources (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  kind text not null,
  name text not null,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  constraint resources_pkey primary key (id, clinic_id),
  constraint resources_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint resources_kind_is_known check (kind in ('practitioner', 'chair', 'equipment')),
  constraint resources_name_is_clean check (clinic.is_name(name))
);
comment on table clinic.resources is
'What the ledger''s claims are on: chairs, equipment, and practitioners. A dentist is the resource of the same id.';
alter table clinic.resources alter column name set statistics 0;
create index resources_clinic_idx on clinic.resources (clinic_id, kind);
create unique index resources_name_key on clinic.resources (clinic_id, kind, name) where kind <> 'practitioner';
alter table clinic.resources enable row level security;

create policy resources_are_staffs on clinic.resources
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin,receptionist,dentist}'))::uuid []));
grant select on clinic.resources to authenticated, service_role;

create view api.resources
with (security_invoker = true) as
  select
    r.id,
    r.clinic_id,
    r.kind,
    r.name,
    r.is_active
  from clinic.resources as r;
comment on view api.resources is
'What visits take, for staff: chairs and equipment, and the practitioners, each under the id it has among the dentists.';
grant select on api.resources to authenticated, service_role;

create function clinic.follow_dentist()
returns trigger
language plpgsql
volatile
security definer -- whoever edits dentists, their resources follow
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    delete from clinic.resources as r where r.id = old.id and r.clinic_id = old.clinic_id;
    return null;
  end if;
  insert into clinic.resources (id, clinic_id, kind, name, is_active)
  values (new.id, new.clinic_id, 'practitioner', new.full_name, new.is_active)
  on conflict on constraint resources_pkey do update set name = excluded.name, is_active = excluded.is_active;
  return null;
end
$$;
comment on function clinic.follow_dentist is 'Keeps the resource that a dentist is.';

create trigger follow_dentist after insert or delete on clinic.dentists
for each row execute function clinic.follow_dentist();
create trigger follow_edited_dentist after update on clinic.dentists
for each row when (old.full_name <> new.full_name or old.is_active <> new.is_active or old.profession <> new.profession)
execute function clinic.follow_dentist();


-- Who leads what -----------------------------------------------------------------------------------------------------

create table clinic.dentist_types (
  dentist_id uuid not null,
  clinic_id uuid not null,
  appointment_type_id uuid not null,
  duration interval,
  constraint dentist_types_pkey primary key (dentist_id, clinic_id, appointment_type_id),
  constraint dentist_types_dentist_fkey foreign key (dentist_id, clinic_id)
  references clinic.dentists (id, clinic_id) on delete cascade,
  constraint dentist_types_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id) on delete cascade,
  constraint dentist_types_duration_fits check (duration between '1 minute' and '12 hours' and clinic.is_clock_span(duration))
);
comment on table clinic.dentist_types is
'Who leads what: only these are offered and booked. duration is how long this one takes for it; null: as long as the type says.';
create index dentist_types_type_idx on clinic.dentist_types (appointment_type_id, clinic_id);
alter table clinic.dentist_types enable row level security;

create policy dentist_types_are_public on clinic.dentist_types
  for select to anon, authenticated
  using (true);
grant select on clinic.dentist_types to anon, authenticated, service_role;

create view api.dentist_types
with (security_invoker = true) as
  select
    l.clinic_id,
    l.dentist_id,
    l.appointment_type_id,
    l.duration
  from clinic.dentist_types as l;
comment on view api.dentist_types is 'Who leads what, and how long they take for it (null: as long as the type says). Public.';
grant select on api.dentist_types to anon, authenticated, service_role;


-- What else a visit needs --------------------------------------------------------------------------------------------

create table clinic.type_parts (
  appointment_type_id uuid not null,
  clinic_id uuid not null,
  part smallint not null,
  needs text not null,
  only_resources uuid [],
  starts_after interval not null default '0',
  lasts interval,
  constraint type_parts_pkey primary key (appointment_type_id, clinic_id, part),
  constraint type_parts_type_fkey foreign key (appointment_type_id, clinic_id)
  references clinic.appointment_types (id, clinic_id) on delete cascade,
  constraint type_parts_needs_is_known check (needs in ('leader', 'dentist', 'hygienist', 'assistant', 'chair', 'equipment')),
  constraint type_parts_leader_is_part_0 check (part >= 0 and (part = 0) = (needs = 'leader')),
  constraint type_parts_leader_is_named check (part > 0 or only_resources is null),
  constraint type_parts_take_time check (
    starts_after between '0' and '12 hours' and clinic.is_clock_span(starts_after)
    and lasts > '0' and lasts <= '12 hours' and clinic.is_clock_span(lasts)
  )
);
comment on table clinic.type_parts is
'What a type of visit needs beside its leader, and from when to when: part 0 is the leader''s, where the leader is not needed all the time.
lasts null is until the visit''s end. only_resources are those that will do; null: any of the kind.';
alter table clinic.type_parts enable row level security;

create policy type_parts_are_staffs on clinic.type_parts
  for select to authenticated
  using (clinic_id = any ((select clinic.my_clinics('{admin,receptionist,dentist}'))::uuid []));
grant select on clinic.type_parts to authenticated, service_role;

create view api.type_parts
with (security_invoker = true) as
  select
    p.clinic_id,
    p.appointment_type_id,
    p.part,
    p.needs,
    p.only_resources,
    p.starts_after,
    p.lasts
  from clinic.type_parts as p;
comment on view api.type_parts is
'What each type of visit needs beside its leader, for staff: {part, needs, only_resources (null: any), starts_after, lasts (null: until the end)}.
Part 0 is the leader''s, where it is not the whole visit.';
grant select on api.type_parts to authenticated, service_role;

create function clinic.note_parts()
returns trigger
language plpgsql
volatile
security definer -- whoever edits parts, the type knows
set search_path = ''
as $$
begin
  update clinic.appointment_types as t
  set has_parts = not t.has_parts
  where
    (t.id, t.clinic_id) in (select c.appointment_type_id, c.clinic_id from changed as c)
    and t.has_parts <> exists (
      select from clinic.type_parts as p where p.appointment_type_id = t.id and p.clinic_id = t.clinic_id
    );
  return null;
end
$$;
comment on function clinic.note_parts is 'Keeps appointment_types.has_parts.';

create trigger note_new_parts after insert on clinic.type_parts
referencing new table as changed for each statement execute function clinic.note_parts();
create trigger note_removed_parts after delete on clinic.type_parts
referencing old table as changed for each statement execute function clinic.note_parts();

create type clinic.visit_part as (
  part smallint,
  needs text,
  only_resources uuid [],
  starts_after interval,
  lasts interval,
  resource_id uuid
);
comment on type clinic.visit_part is
'A part of one visit beside its leader''s: what it needs and when, copied from the type, and the resource it takes (null: none is chosen yet).';

create type clinic.claim as (
  part smallint,
  resource_id uuid,
  during tstzrange
);
comment on type clinic.claim is 'What a part of a visit takes of a resource''s time. Part 0 is the leader''s.';

create function clinic.leader_claim(
  starts_at timestamptz, ends_at timestamptz, buffer_before interval, buffer_after interval,
  leads_after interval, leads_for interval
)
returns tstzrange
language plpgsql
immutable
set search_path = ''
as $$
begin
  if leads_after = '0' and leads_for is null then
    return tstzrange(starts_at - buffer_before, ends_at + buffer_after);
  end if;
  return tstzrange(
    case when leads_after = '0' then starts_at - buffer_before else starts_at + leads_after end,
    case
      when leads_for is null or starts_at + leads_after + leads_for = ends_at then ends_at + buffer_after
      else starts_at + leads_after + leads_for
    end
  );
end
$$;
comment on function clinic.leader_claim is
'What a visit takes of its leader''s time. The buffers belong to the visit''s beginning and end: who is not there then has none.';

create function clinic.part_claim(
  part clinic.visit_part, starts_at timestamptz, ends_at timestamptz, buffer_before interval, buffer_after interval
)
returns tstzrange
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- The buffers make the room ready: they are the chair's, and nobody else waits for it.
  if part.needs = 'chair' then
    return clinic.leader_claim(starts_at, ends_at, buffer_before, buffer_after, part.starts_after, part.lasts);
  end if;
  return tstzrange(starts_at + part.starts_after, coalesce(starts_at + part.starts_after + part.lasts, ends_at));
end
$$;
comment on function clinic.part_claim is 'What a part takes of its resource''s time, in a visit at this time with these buffers.';

create function clinic.visit_claims(
  leader_id uuid, leader_claim tstzrange, parts clinic.visit_part [],
  starts_at timestamptz, ends_at timestamptz, buffer_before interval, buffer_after interval
)
returns clinic.claim []
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_claims clinic.claim [] := array[row(0, visit_claims.leader_id, visit_claims.leader_claim)::clinic.claim];
  v_part clinic.visit_part;
begin
  if visit_claims.leader_claim is null then
    return array[]::clinic.claim [];
  end if;
  foreach v_part in array visit_claims.parts loop
    v_claims := v_claims || row(
      v_part.part, v_part.resource_id, clinic.part_claim(v_part, starts_at, ends_at, buffer_before, buffer_after)
    )::clinic.claim;
  end loop;
  return v_claims;
end
$$;
comment on function clinic.visit_claims is 'All that a visit claims, the leader''s first; nothing when that is null.';

create function clinic.taken_resources(leader_id uuid, parts clinic.visit_part [])
returns uuid []
language plpgsql
immutable
set search_path = ''
as $$
begin
  if parts = '{}' then
    return array[taken_resources.leader_id];
  end if;
  return array[taken_resources.leader_id] || array(
    select p.resource_id from unnest(taken_resources.parts) as p where p.resource_id is not null
  );
end
$$;
comment on function clinic.taken_resources is 'The resources that a visit with this leader and these parts takes.';

create function clinic.candidates(clinic_id uuid, part clinic.visit_part)
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select r.id
    from clinic.resources as r
    left join clinic.dentists as d on r.id = d.id and r.clinic_id = d.clinic_id
    where
      r.clinic_id = candidates.clinic_id and r.is_active
      and coalesce(d.profession, r.kind) = part.needs
      and (part.only_resources is null or r.id = any (part.only_resources))
    order by r.id
  );
end
$$;
comment on function clinic.candidates is 'The clinic''s active resources that will do for a part, in id order.';
