-- Visit types: who leads what, what else it needs, and the chairs and devices there are.

-- Who leads what -------------------------------------------------------------------------------------------------------

create function clinic.replace_dentist_types(clinic_id uuid, dentist_id uuid, appointment_type_ids uuid [], durations jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (
    select from unnest(replace_dentist_types.appointment_type_ids) as w (id)
    where not exists (
      select from clinic.appointment_types as t where t.id = w.id and t.clinic_id = replace_dentist_types.clinic_id
    )
  ) then
    perform clinic.refuse('not_found', 'There is no such appointment type in this clinic.');
  end if;
  delete from clinic.dentist_types as l
  where
    l.dentist_id = replace_dentist_types.dentist_id and l.clinic_id = replace_dentist_types.clinic_id
    and l.appointment_type_id <> all (replace_dentist_types.appointment_type_ids);
  insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id, duration)
  select
    replace_dentist_types.clinic_id, replace_dentist_types.dentist_id, w.id, clinic.span_of(durations ->> w.id::text, 'durations')
  from unnest(replace_dentist_types.appointment_type_ids) as w (id)
  group by w.id
  on conflict on constraint dentist_types_pkey do update set duration = excluded.duration
  where dentist_types.duration is distinct from excluded.duration;
  perform clinic.require_parts_inside(w.id, replace_dentist_types.clinic_id)
  from unnest(replace_dentist_types.appointment_type_ids) as w (id);
exception
  when check_violation then
    perform clinic.refuse('invalid_argument', 'A duration must be 1 minute to 12 hours.');
end
$$;
comment on function clinic.replace_dentist_types is
'Makes these the types that the dentist leads, each as long as durations says ({type id: "45 minutes"}), or as the type. Errors: not_found, invalid_argument.';

create function clinic.replace_type_dentists(clinic_id uuid, appointment_type_id uuid, dentist_ids uuid [])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (
    select from unnest(replace_type_dentists.dentist_ids) as w (id)
    where not exists (
      select from clinic.dentists as d where d.id = w.id and d.clinic_id = replace_type_dentists.clinic_id
    )
  ) then
    perform clinic.refuse('not_found', 'There is no such dentist in this clinic.');
  end if;
  delete from clinic.dentist_types as l
  where
    l.appointment_type_id = replace_type_dentists.appointment_type_id and l.clinic_id = replace_type_dentists.clinic_id
    and l.dentist_id <> all (replace_type_dentists.dentist_ids);
  insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
  select distinct replace_type_dentists.clinic_id, w.id, replace_type_dentists.appointment_type_id
  from unnest(replace_type_dentists.dentist_ids) as w (id)
  on conflict on constraint dentist_types_pkey do nothing;
end
$$;
comment on function clinic.replace_type_dentists is 'Makes these the dentists who lead the type; who did keeps their duration. Errors: not_found.';

create function clinic.span_of(value text, name text)
returns interval
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- To Postgres a bare number is seconds; nobody means that.
  if value !~ '[a-zA-Z:]' then
    raise invalid_datetime_format;
  end if;
  return value::interval;
exception
  when invalid_datetime_format or datetime_field_overflow or interval_field_overflow then
    perform clinic.refuse('invalid_argument', format('%s must be spans like "40 minutes".', name));
    return null;
end
$$;
comment on function clinic.span_of is 'The span that the text names, null for null; or invalid_argument.';

create function clinic.set_dentist_types(dentist_id uuid, appointment_type_ids uuid [], durations jsonb, clinic_id uuid)
returns setof api.dentist_types
language plpgsql
volatile
security definer -- writes who leads what for an admin it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(set_dentist_types.dentist_id, set_dentist_types.clinic_id);
begin
  perform clinic.require_role(v_clinic_id, 'admin');
  perform clinic.lock_clinic(v_clinic_id);
  perform clinic.replace_dentist_types(
    v_clinic_id, set_dentist_types.dentist_id, clinic.required(set_dentist_types.appointment_type_ids, 'appointment_type_ids'),
    coalesce(set_dentist_types.durations, '{}')
  );
  return query
    select l.* from api.dentist_types as l
    where l.dentist_id = set_dentist_types.dentist_id and l.clinic_id = v_clinic_id
    order by l.appointment_type_id;
end
$$;
grant execute on function clinic.set_dentist_types to anon, authenticated, service_role;

create function api.set_dentist_types(
  dentist_id uuid, appointment_type_ids uuid [], durations jsonb default '{}', clinic_id uuid default null
)
returns setof api.dentist_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select l.* from clinic.set_dentist_types(dentist_id, appointment_type_ids, durations, clinic_id) as l;
end
$$;
comment on function api.set_dentist_types is
'For admins: makes these the types that the dentist leads. durations are for who takes more or less time than the type says: {type id: "45 minutes"}.
What is booked stays. Who works at several clinics is set at clinic_id. Returns the rows.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.set_dentist_types to anon, authenticated, service_role;


-- What else it needs ---------------------------------------------------------------------------------------------------

create function clinic.require_parts_inside(appointment_type_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (
    select from clinic.type_parts as p
    cross join (
      select least(t.duration, min(l.duration)) as shortest
      from clinic.appointment_types as t
      left join clinic.dentist_types as l on t.id = l.appointment_type_id and t.clinic_id = l.clinic_id
      where t.id = require_parts_inside.appointment_type_id and t.clinic_id = require_parts_inside.clinic_id
      group by t.duration
    ) as v
    where
      p.appointment_type_id = require_parts_inside.appointment_type_id and p.clinic_id = require_parts_inside.clinic_id
      and (p.starts_after >= v.shortest or p.starts_after + p.lasts > v.shortest)
  ) then
    perform clinic.refuse('invalid_argument', 'A part of the visit lies outside it.');
  end if;
end
$$;
comment on function clinic.require_parts_inside is
'Passes a type whose parts all lie within the visit, also with who takes the shortest time for it; otherwise invalid_argument.';

create function clinic.why_never(type clinic.appointment_types)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_leaders clinic.leader [] := clinic.leaders(type);
  v_parts clinic.visit_part [] := clinic.needed_parts(type.id, type.clinic_id);
  v_part clinic.visit_part;
begin
  if v_leaders = '{}' then
    return 'nobody leads it';
  end if;
  foreach v_part in array v_parts loop
    if clinic.candidates(type.clinic_id, v_part) = '{}' then
      return format('no %s will do for its part %s', v_part.needs, v_part.part);
    end if;
  end loop;
  if exists (
    select from unnest(v_leaders) as l
    cross join lateral (
      select
        clinic.visit_claims(
          l.dentist_id, clinic.leader_claim('epoch', 'epoch'::timestamptz + l.duration, '0', '0', coalesce(p.starts_after, '0'), p.lasts),
          v_parts, 'epoch', 'epoch'::timestamptz + l.duration, '0', '0'
        ) as claims
      from (select) as one
      left join clinic.type_parts as p on p.appointment_type_id = type.id and p.clinic_id = type.clinic_id and p.part = 0
    ) as v
    where clinic.ever_fits(type.clinic_id, v_parts, v.claims, 'epoch')
  ) then
    return null;
  end if;
  return 'its parts need more people or things at once than there are';
end
$$;
comment on function clinic.why_never is 'Why a type can never be booked, whatever is free; null when it can.';

create function clinic.unbookable_types()
returns table (clinic_slug text, type_name text, reason text)
language sql
stable
security definer -- looks at every clinic's types: for the operator's doctor
set search_path = ''
as $$
  select c.slug, t.name, w.reason
  from clinic.appointment_types as t
  inner join clinic.clinics as c on t.clinic_id = c.id
  cross join lateral clinic.why_never(t) as w (reason)
  where t.is_active and w.reason is not null
  order by c.slug, t.name;
$$;
comment on function clinic.unbookable_types is 'The active types that can never be booked, and why.';
grant execute on function clinic.unbookable_types to service_role;

create function clinic.parse_parts(parts jsonb)
returns setof clinic.visit_part
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
begin
  if jsonb_typeof(parse_parts.parts) is distinct from 'array' or jsonb_array_length(parse_parts.parts) > 12 then
    perform clinic.refuse('invalid_argument', 'parts must be an array of at most 12 parts.');
  elsif exists (
    select from jsonb_array_elements(parse_parts.parts) as p
    where
      (p ->> 'needs' in ('leader', 'dentist', 'hygienist', 'assistant', 'chair', 'equipment')) is not true
      -- What the view says more of a part may come back; what is misspelt would be a part that lasts all the time.
      or p - '{needs,only_resources,starts_after,lasts,part,clinic_id,appointment_type_id}'::text [] <> '{}'
      or coalesce(jsonb_typeof(p -> 'only_resources'), 'null') not in ('array', 'null')
      or jsonb_typeof(p -> 'only_resources') = 'array' and (
        p ->> 'needs' = 'leader' or p -> 'only_resources' = '[]'
        or exists (select from jsonb_array_elements_text(p -> 'only_resources') as r (id) where (r.id ~ v_id) is not true)
      )
  ) or (select count(*) from jsonb_array_elements(parse_parts.parts) as p where p ->> 'needs' = 'leader') > 1 then
    perform clinic.refuse(
      'invalid_argument',
      'A part is {"needs": dentist, hygienist, assistant, chair or equipment, "only_resources": [ids], "starts_after": "40 minutes", "lasts": "10 minutes"}.',
      hint => 'At most one part says when the leader is needed: {"needs": "leader", "starts_after": …, "lasts": …}.'
    );
  end if;
  return query
    select
      (case
        when p ->> 'needs' = 'leader' then 0
        else row_number() over (partition by p ->> 'needs' = 'leader' order by n.number)
      end)::smallint,
      p ->> 'needs',
      case when jsonb_typeof(p -> 'only_resources') = 'array' then array(
        select distinct r.id::uuid from jsonb_array_elements_text(p -> 'only_resources') as r (id)
      ) end,
      coalesce(clinic.span_of(p ->> 'starts_after', 'starts_after'), '0'), clinic.span_of(p ->> 'lasts', 'lasts'), null::uuid
    from jsonb_array_elements(parse_parts.parts) with ordinality as n (p, number);
end
$$;
comment on function clinic.parse_parts is 'The parts of [{needs, only_resources, starts_after, lasts}, …], the leader''s as part 0; or invalid_argument.';

create function clinic.replace_parts(type clinic.appointment_types, parts jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_never text;
begin
  delete from clinic.type_parts as p where p.appointment_type_id = type.id and p.clinic_id = type.clinic_id;
  insert into clinic.type_parts (appointment_type_id, clinic_id, part, needs, only_resources, starts_after, lasts)
  select type.id, type.clinic_id, p.part, p.needs, p.only_resources, p.starts_after, p.lasts
  from clinic.parse_parts(replace_parts.parts) as p;
  perform clinic.require_parts_inside(type.id, type.clinic_id);
  if exists (
    select from clinic.type_parts as p
    cross join unnest(p.only_resources) as o (id)
    where
      p.appointment_type_id = type.id and p.clinic_id = type.clinic_id
      and not exists (select from clinic.resources as r where r.id = o.id and r.clinic_id = type.clinic_id)
  ) then
    perform clinic.refuse('not_found', 'There is no such resource in this clinic.');
  elsif exists (
    select from clinic.type_parts as p
    inner join clinic.resources as r on r.id = any (p.only_resources) and p.clinic_id = r.clinic_id
    left join clinic.dentists as d on r.id = d.id and r.clinic_id = d.clinic_id
    where
      p.appointment_type_id = type.id and p.clinic_id = type.clinic_id and coalesce(d.profession, r.kind) <> p.needs
  ) then
    perform clinic.refuse('invalid_argument', 'only_resources names something of another kind than the part needs.');
  end if;
  v_never := clinic.why_never(type);
  if v_never <> 'nobody leads it' then
    perform clinic.refuse('invalid_argument', format('This could never be booked: %s.', v_never));
  end if;
exception
  when check_violation then
    perform clinic.refuse('invalid_argument', 'A part starts up to 12 hours after the beginning, and lasts more than nothing and up to 12 hours.');
end
$$;
comment on function clinic.replace_parts is 'Makes these the parts of the type. Errors: invalid_argument, not_found.';

create function clinic.set_visit_parts(appointment_type_id uuid, parts jsonb)
returns setof api.type_parts
language plpgsql
volatile
security definer -- writes types for an admin it has checked
set search_path = ''
as $$
declare
  v_type clinic.appointment_types;
begin
  perform clinic.require_user();
  perform clinic.required(set_visit_parts.appointment_type_id, 'appointment_type_id');
  select * into v_type from clinic.appointment_types as t where t.id = set_visit_parts.appointment_type_id;
  if not found then
    perform clinic.refuse('not_found');
  end if;
  perform clinic.require_role(v_type.clinic_id, 'admin');
  perform clinic.lock_clinic(v_type.clinic_id);
  perform clinic.replace_parts(v_type, set_visit_parts.parts);
  return query select p.* from api.type_parts as p where p.appointment_type_id = v_type.id order by p.part;
end
$$;
grant execute on function clinic.set_visit_parts to anon, authenticated, service_role;

create function api.set_visit_parts(appointment_type_id uuid, parts jsonb)
returns setof api.type_parts
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select p.* from clinic.set_visit_parts(appointment_type_id, parts) as p;
end
$$;
comment on function api.set_visit_parts is
'For admins: what future visits of the type need beside who leads them: [{"needs": "chair"}, {"needs": "dentist", "starts_after": "40 minutes",
"lasts": "10 minutes"}, {"needs": "equipment", "only_resources": [id], "lasts": "30 minutes"}]. needs is dentist, hygienist, assistant, chair or equipment;
starts_after counts from the visit''s start (default: from the start), lasts until its end by default. {"needs": "leader", …} says when the leader is
needed, if not for all of it. A chair that is needed from the start, or until the end, is also taken for the buffer there. Returns the parts.
Errors: not_authenticated, forbidden, not_found, invalid_argument (also: could never be booked), try_again.';
grant execute on function api.set_visit_parts to anon, authenticated, service_role;


-- Chairs and devices ---------------------------------------------------------------------------------------------------

create function clinic.create_resource(clinic_id uuid, name text, kind text)
returns api.resources
language plpgsql
volatile
security definer -- writes resources for an admin it has checked
set search_path = ''
as $$
declare
  v_id uuid;
  v_row api.resources;
begin
  perform clinic.require_role(clinic.required(create_resource.clinic_id, 'clinic_id'), 'admin');
  if (create_resource.kind in ('chair', 'equipment')) is not true then
    perform clinic.refuse('invalid_argument', 'kind must be chair or equipment.', hint => 'People are added with create_dentist.');
  elsif not exists (select from clinic.clinics as c where c.id = create_resource.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  -- With one more there is room for who waits.
  perform clinic.lock_clinic(create_resource.clinic_id);
  insert into clinic.resources (clinic_id, kind, name)
  values (
    create_resource.clinic_id, create_resource.kind,
    clinic.required(clinic.clean_name(create_resource.name, 'name'), 'name')
  )
  on conflict do nothing
  returning id into v_id;
  if v_id is null then
    perform clinic.refuse('invalid_argument', format('There is a %s of this name already.', create_resource.kind));
  end if;
  select * into v_row from api.resources as r where r.id = v_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.create_resource to anon, authenticated, service_role;

create function api.create_resource(clinic_id uuid, name text, kind text)
returns api.resources
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_resource(clinic_id, name, kind);
end
$$;
comment on function api.create_resource is
'For admins: adds a chair, or equipment that visits wait for. Returns the row. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.create_resource to anon, authenticated, service_role;

create function clinic.update_resource(resource_id uuid, name text, is_active boolean, on_conflict text)
returns api.resources
language plpgsql
volatile
security definer -- writes resources for an admin it has checked
set search_path = ''
as $$
declare
  v_resource clinic.resources;
  v_row api.resources;
begin
  perform clinic.require_user();
  perform clinic.required(update_resource.resource_id, 'resource_id');
  select * into v_resource from clinic.resources as r where r.id = update_resource.resource_id and r.kind <> 'practitioner';
  if not found then
    perform clinic.refuse('not_found');
  end if;
  perform clinic.require_role(v_resource.clinic_id, 'admin');
  perform clinic.lock_clinic(v_resource.clinic_id);
  if v_resource.is_active and update_resource.is_active is false then
    perform clinic.require_nobody_left(update_resource.on_conflict, v_resource.clinic_id, array[v_resource.id]);
    perform clinic.release_holds(v_resource.clinic_id, array[v_resource.id]);
  end if;
  update clinic.resources as r
  set
    name = coalesce(clinic.clean_name(update_resource.name, 'name'), r.name),
    is_active = coalesce(update_resource.is_active, r.is_active)
  where r.id = v_resource.id and r.clinic_id = v_resource.clinic_id;
  select * into v_row from api.resources as r where r.id = v_resource.id and r.clinic_id = v_resource.clinic_id;
  return v_row;
exception
  when unique_violation then
    perform clinic.refuse('invalid_argument', 'There is one of this name already.');
    return null;
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.update_resource to anon, authenticated, service_role;

create function api.update_resource(
  resource_id uuid, name text default null, is_active boolean default null, on_conflict text default 'reject'
)
returns api.resources
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_resource(resource_id, name, is_active, on_conflict);
end
$$;
comment on function api.update_resource is
'For admins: renames a chair or device, or takes it out of use (is_active false), which is refused while appointments ahead take it (on_conflict "reject"), or
leaves them as they are ("keep"); what is held of it is released. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON), try_again.';
grant execute on function api.update_resource to anon, authenticated, service_role;


-- Whatever changes what is offered, everybody hears of it ----------------------------------------------------------------

create function clinic.announce_offers()
returns trigger
language plpgsql
volatile
security definer -- whoever edits what is offered, everybody hears of it
set search_path = ''
as $$
begin
  perform clinic.tell_leaders(c.clinic_id, c.clinic_id, null)
  from (select distinct n.clinic_id from changed as n where n.clinic_id is not null) as c
  where exists (select from clinic.clinics as e where e.id = c.clinic_id);
  return null;
end
$$;
comment on function clinic.announce_offers is 'Says once a statement and clinic, for each who leads visits, that there may be more or less to offer.';

create function clinic.announce_policy()
returns trigger
language plpgsql
volatile
security definer -- whoever edits a clinic, everybody hears of it
set search_path = ''
as $$
begin
  perform clinic.tell_leaders(c.id, c.id, null) from changed as c;
  return null;
end
$$;
comment on function clinic.announce_policy is 'The same, when the clinic''s own rules change.';

create trigger announce_new_offers after insert on clinic.dentist_types
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_edited_offers after update on clinic.dentist_types
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_removed_offers after delete on clinic.dentist_types
referencing old table as changed for each statement execute function clinic.announce_offers();

create trigger announce_new_parts after insert on clinic.type_parts
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_edited_parts after update on clinic.type_parts
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_removed_parts after delete on clinic.type_parts
referencing old table as changed for each statement execute function clinic.announce_offers();

create trigger announce_new_resources after insert on clinic.resources
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_edited_resources after update on clinic.resources
referencing new table as changed for each statement execute function clinic.announce_offers();

create trigger announce_edited_types after update on clinic.appointment_types
referencing new table as changed for each statement execute function clinic.announce_offers();
create trigger announce_edited_policy after update on clinic.clinics
referencing new table as changed for each statement execute function clinic.announce_policy();
