-- Visits of parts: when all that a visit needs can be had at once, and who and what it takes then.
--
-- The starts at which a part can be had are one multirange: the free time of each that will do, less what the part
-- itself takes, united. A visit can start where its parts' multiranges meet. Where two parts could want the same one at
-- the same time, the union would hide it: for those, every choice of different ones is looked at.

create type clinic.part_option as (
  part smallint,
  resource_id uuid,
  free tstzmultirange
);
comment on type clinic.part_option is 'A resource that will do for a part, and when it is free.';

create function clinic.free_times(
  policy clinic.clinics, resource_ids uuid [], span tstzrange, as_of timestamptz, except_claims uuid []
)
returns table (resource_id uuid, free tstzmultirange)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_busy tstzmultirange [] := clinic.busy_times(policy.id, resource_ids, span, as_of, except_claims);
begin
  return query
    select
      r.id,
      case when d.id is null then tstzmultirange(free_times.span) else coalesce(w.spans, '{}') end - coalesce(r.busy, '{}')
    from unnest(free_times.resource_ids, v_busy) as r (id, busy)
    left join clinic.dentists as d on d.id = r.id and d.clinic_id = policy.id
    left join clinic.open_times(policy.id, free_times.resource_ids, policy.time_zone, free_times.span) as w on r.id = w.dentist_id;
end
$$;
comment on function clinic.free_times is
'When these resources of the clinic are free within the span: practitioners when they work, the others whenever nothing claims them.';

create function clinic.part_options(
  policy clinic.clinics, parts clinic.visit_part [], span tstzrange, as_of timestamptz, except_claims uuid []
)
returns clinic.part_option []
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    with wanted as materialized (
      select p.part, r.id from unnest(part_options.parts) as p cross join unnest(clinic.candidates(policy.id, p)) as r (id)
    ),

    free as materialized (
      select f.resource_id, f.free
      from clinic.free_times(
        policy, array(select distinct w.id from wanted as w), part_options.span, part_options.as_of, part_options.except_claims
      ) as f
    )

    select row(w.part, w.id, f.free)::clinic.part_option
    from wanted as w
    inner join free as f on w.id = f.resource_id
    order by w.part, w.id
  );
end
$$;
comment on function clinic.part_options is 'Who and what will do for these parts, and when they are free within the span.';

create function clinic.starts_within(free tstzmultirange [], claim tstzrange, starts_at timestamptz)
returns tstzmultirange
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_takes_from constant interval := lower(claim) - starts_at;
  v_takes_to constant interval := upper(claim) - starts_at;
begin
  return (
    select coalesce(range_agg(tstzrange(lower(f) - v_takes_from, upper(f) - v_takes_to, '[]')), '{}')
    from unnest(starts_within.free) as one (free)
    cross join unnest(one.free) as f
    where lower(f) - v_takes_from <= upper(f) - v_takes_to
  );
end
$$;
comment on function clinic.starts_within is
'When a visit can start so that a claim, which is this one when the visit starts at starts_at, lies in free time of one of these.';

create function clinic.is_contested(claims clinic.claim [], options clinic.part_option [], part smallint)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return exists (
    select from unnest(claims) as mine
    inner join unnest(claims) as other on mine.part <> other.part and mine.during && other.during
    inner join unnest(options) as o on mine.part = o.part
    inner join unnest(options) as p on other.part = p.part and o.resource_id = p.resource_id
    where mine.part = is_contested.part
  );
end
$$;
comment on function clinic.is_contested is 'Whether two parts of a visit, this one and another, could want the same resource at the same time.';

create function clinic.is_open_to(claim clinic.claim, resource_id uuid, leader clinic.claim, claims clinic.claim [], taken uuid [])
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  if resource_id = leader.resource_id and claim.during && leader.during then
    return false;
  end if;
  for n in 1..cardinality(taken) loop
    if taken[n] = resource_id and claims[n].during && claim.during then
      return false;
    end if;
  end loop;
  return true;
end
$$;
comment on function clinic.is_open_to is
'Whether a part may take the resource, when the leader and the parts before it, which have taken these, have what they have.';

create function clinic.are_alike(claims clinic.claim [], options clinic.part_option [], number integer)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select
    number > 0 and claims[number].during = claims[number + 1].during
    and array(select o.resource_id from unnest(options) as o where o.part = claims[number].part order by 1)
    = array(select o.resource_id from unnest(options) as o where o.part = claims[number + 1].part order by 1);
$$;
comment on function clinic.are_alike is 'Whether this part of a visit and the next one want one of the same resources at the same time.';

create function clinic.joint_starts(
  claims clinic.claim [], options clinic.part_option [], leader clinic.claim, starts_at timestamptz, taken uuid [] default '{}'
)
returns tstzmultirange
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_claim clinic.claim := claims[cardinality(taken) + 1];
  v_option clinic.part_option;
  v_after uuid;
  v_starts tstzmultirange := '{}'::tstzmultirange;
begin
  if v_claim.part is null then
    return '{(,)}'::tstzmultirange;
  elsif cardinality(claims) = 1 or not clinic.is_contested(claims, options, v_claim.part) then
    -- Which of them it is makes no difference to the other parts.
    v_starts := clinic.starts_within(array(
      select o.free from unnest(joint_starts.options) as o
      where o.part = v_claim.part and (o.resource_id = leader.resource_id and v_claim.during && leader.during) is not true
    ), v_claim.during, joint_starts.starts_at);
    return v_starts * clinic.joint_starts(claims, options, leader, starts_at, joint_starts.taken || null::uuid);
  end if;
  -- Of two parts that are alike, which has which makes no difference: one order of each choice is enough.
  if clinic.are_alike(claims, options, cardinality(taken)) then
    v_after := taken[cardinality(taken)];
  end if;
  foreach v_option in array joint_starts.options loop
    if
      v_option.part = v_claim.part and (v_option.resource_id <= v_after) is not true
      and clinic.is_open_to(v_claim, v_option.resource_id, leader, claims, taken)
    then
      v_starts := v_starts + clinic.starts_within(array[v_option.free], v_claim.during, starts_at) * clinic.joint_starts(
        claims, options, leader, starts_at, joint_starts.taken || v_option.resource_id
      );
    end if;
  end loop;
  return v_starts;
end
$$;
comment on function clinic.joint_starts is
'When a visit can start: each part has a resource that is free then, no two the same at one time, and none the leader while they lead. claims
are those of the parts (their resources do not matter), and leader the leader''s, of a visit that starts at starts_at.';

create function clinic.ever_fits(clinic_id uuid, parts clinic.visit_part [], claims clinic.claim [], starts_at timestamptz)
returns boolean
language sql
stable
set search_path = ''
as $$
  select clinic.joint_starts(claims[2:], array(
    select row(p.part, c.id, '{[1900-01-01Z,2200-01-01Z)}')::clinic.part_option
    from unnest(ever_fits.parts) as p cross join unnest(clinic.candidates(ever_fits.clinic_id, p)) as c (id)
    order by p.part, c.id
  ), claims[1], ever_fits.starts_at) <> '{}';
$$;
comment on function clinic.ever_fits is
'Whether a visit with these claims, the first its leader''s, could find all its parts, if everybody and everything were free.';

create function clinic.first_fit(
  claims clinic.claim [], options clinic.part_option [], leader clinic.claim, taken uuid [] default '{}'
)
returns uuid []
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_claim clinic.claim := claims[cardinality(taken) + 1];
  v_option clinic.part_option;
  v_fit uuid [];
begin
  if v_claim.part is null then
    return taken;
  end if;
  foreach v_option in array first_fit.options loop
    if
      v_option.part = v_claim.part and v_option.free @> v_claim.during
      and clinic.is_open_to(v_claim, v_option.resource_id, leader, claims, taken)
    then
      v_fit := clinic.first_fit(claims, options, leader, first_fit.taken || v_option.resource_id);
    end if;
    exit when v_fit is not null;
  end loop;
  return v_fit;
end
$$;
comment on function clinic.first_fit is
'The resources that a visit with these claims takes: for each part the first option that is free then, and leaves the other parts one; null when
there is no such choice.';


-- Who and what it is -------------------------------------------------------------------------------------------------

create function clinic.claimed_minutes(resource_id uuid, span tstzrange)
returns numeric
language sql
stable
set search_path = ''
as $$
  select coalesce(sum(extract(epoch from upper(o.during) - lower(o.during))) / 60, 0)
  from clinic.occupancy as o
  where o.resource_id = claimed_minutes.resource_id and o.during && claimed_minutes.span;
$$;
comment on function clinic.claimed_minutes is 'How much of a resource''s time is claimed by what lies, in part at least, in this span.';

create function clinic.fitting_resources(policy clinic.clinics, visit clinic.slot_reservations, as_of timestamptz, except_claims uuid [])
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_claims clinic.claim [] := clinic.claims(visit);
  v_options clinic.part_option [] := clinic.part_options(
    policy, visit.parts, tstzrange(visit.starts_at - visit.buffer_before, visit.ends_at + visit.buffer_after), as_of, except_claims
  );
  v_day tstzrange := clinic.day_span((visit.starts_at at time zone policy.time_zone)::date, policy.time_zone);
begin
  v_options := array(
    select row(o.part, o.resource_id, o.free)::clinic.part_option
    from unnest(v_options) as o
    inner join unnest(visit.parts) as p on o.part = p.part
    order by
      o.part, o.resource_id is not distinct from p.resource_id desc, clinic.claimed_minutes(o.resource_id, v_day), o.resource_id
  );
  return clinic.first_fit(v_claims[2:], v_options, v_claims[1]);
end
$$;
comment on function clinic.fitting_resources is
'The resources for the parts of a visit at its time: those it has already, if they are free, else the least busy of that day; null when a part
finds none.';

create function clinic.squeezed_resources(policy clinic.clinics, visit clinic.slot_reservations)
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_taken uuid [] := array[]::uuid [];
  v_part clinic.visit_part;
  v_during tstzrange;
begin
  foreach v_part in array visit.parts loop
    v_during := clinic.part_claim(v_part, visit.starts_at, visit.ends_at, visit.buffer_before, visit.buffer_after);
    v_taken := v_taken || coalesce(v_part.resource_id, (
      select f.resource_id
      from clinic.free_times(policy, clinic.candidates(policy.id, v_part), v_during, clock_timestamp(), array[visit.id]) as f
      left join clinic.open_times(policy.id, clinic.candidates(policy.id, v_part), policy.time_zone, v_during) as w
        on f.resource_id = w.dentist_id
      where f.resource_id <> visit.dentist_id
      order by
        f.resource_id = any (v_taken), not f.free @> v_during,
        v_part.needs not in ('chair', 'equipment') and (w.spans @> v_during) is not true,
        clinic.claimed_minutes(f.resource_id, v_during), f.resource_id
      limit 1
    ));
  end loop;
  return v_taken;
end
$$;
comment on function clinic.squeezed_resources is
'For a visit that is squeezed in, the resources that are there and least busy at its time, no one twice if there are others.';

create function clinic.with_resources(parts clinic.visit_part [], resource_ids uuid [])
returns clinic.visit_part []
language sql
immutable
set search_path = ''
as $$
  select array_agg(
    row(p.part, p.needs, p.only_resources, p.starts_after, p.lasts, resource_ids[p.number])::clinic.visit_part order by p.number
  )
  from unnest(parts) with ordinality as p (part, needs, only_resources, starts_after, lasts, resource_id, number);
$$;
comment on function clinic.with_resources is 'These parts with these resources, in order.';

create function clinic.needed_parts(appointment_type_id uuid, clinic_id uuid)
returns clinic.visit_part []
language sql
stable
set search_path = ''
as $$
  select array(
    select row(p.part, p.needs, p.only_resources, p.starts_after, p.lasts, null)::clinic.visit_part
    from clinic.type_parts as p
    where
      p.appointment_type_id = needed_parts.appointment_type_id and p.clinic_id = needed_parts.clinic_id and p.part > 0
    order by p.part
  );
$$;
comment on function clinic.needed_parts is 'What a visit of this type needs beside its leader; none is chosen yet.';

create function clinic.fit_parts(visit clinic.slot_reservations, is_squeezed boolean default false)
returns clinic.visit_part []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
  v_fit uuid [];
  v_id uuid;
begin
  if visit.parts = '{}' then
    return visit.parts;
  end if;
  select * into v_policy from clinic.clinics as c where c.id = visit.clinic_id;
  v_fit := case
    when is_squeezed then clinic.squeezed_resources(v_policy, visit)
    else clinic.fitting_resources(v_policy, visit, clock_timestamp(), array[visit.id])
  end;
  if v_fit is null or array_position(v_fit, null) is not null then
    perform clinic.refuse('slot_taken', clinic_id => visit.clinic_id);
  end if;
  -- All of them are locked, but for what came into use since it was asked what to lock: that is out of order.
  foreach v_id in array v_fit loop
    if not pg_try_advisory_xact_lock(clinic.calendar_key(v_id)) then
      perform clinic.refuse('try_again');
    end if;
  end loop;
  return clinic.with_resources(visit.parts, v_fit);
end
$$;
comment on function clinic.fit_parts is
'The visit''s parts, each with its resource at the visit''s time. Call it under the locks of all that will do. Errors: slot_taken, try_again.';

create function clinic.as_slot(visit clinic.appointments)
returns clinic.slot_reservations
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_slot clinic.slot_reservations;
begin
  v_slot.id := visit.id;
  v_slot.clinic_id := visit.clinic_id;
  v_slot.dentist_id := visit.dentist_id;
  v_slot.appointment_type_id := visit.appointment_type_id;
  v_slot.patient_id := visit.patient_id;
  v_slot.starts_at := visit.starts_at;
  v_slot.ends_at := visit.ends_at;
  v_slot.buffer_before := visit.buffer_before;
  v_slot.buffer_after := visit.buffer_after;
  v_slot.leads_after := visit.leads_after;
  v_slot.leads_for := visit.leads_for;
  v_slot.parts := visit.parts;
  v_slot.assigned := visit.assigned;
  return v_slot;
end
$$;
comment on function clinic.as_slot is 'The slot that an appointment takes, as the reservation that would hold it.';


-- No path around it: who inserts a visit without saying what it takes, gets what its type needs ------------------------

create function clinic.wanted_resources(leader_ids uuid [], clinic_id uuid, parts clinic.visit_part [])
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
begin
  if parts = '{}' then
    return leader_ids;
  end if;
  return leader_ids || array(
    select c.id
    from unnest(wanted_resources.parts) as p
    cross join unnest(clinic.candidates(wanted_resources.clinic_id, p) || p.resource_id) as c (id)
    where c.id is not null
  );
end
$$;
comment on function clinic.wanted_resources is 'All the resources that a visit with one of these leaders and these parts might claim.';

create function clinic.completed(visit clinic.slot_reservations, is_squeezed boolean default false)
returns clinic.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
begin
  visit.parts := clinic.needed_parts(visit.appointment_type_id, visit.clinic_id);
  select coalesce(p.starts_after, '0'), p.lasts into visit.leads_after, visit.leads_for
  from (select) as one
  left join clinic.type_parts as p
    on p.appointment_type_id = visit.appointment_type_id and p.clinic_id = visit.clinic_id and p.part = 0;
  perform clinic.lock_calendars(variadic clinic.wanted_resources(array[visit.dentist_id], visit.clinic_id, visit.parts));
  visit.parts := clinic.fit_parts(visit, completed.is_squeezed);
  return visit;
end
$$;
comment on function clinic.completed is
'The visit with what its type needs, and the resources for it; the calendars of all that will do are locked. Errors: slot_taken, try_again.';

create function clinic.needs_parts(appointment_type_id uuid, clinic_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from clinic.appointment_types as t
    where t.id = needs_parts.appointment_type_id and t.clinic_id = needs_parts.clinic_id and t.has_parts
  );
end
$$;
comment on function clinic.needs_parts is 'Whether visits of this type have parts of any kind.';

create function clinic.require_whole(appointment_type_id uuid, clinic_id uuid, parts clinic.visit_part [])
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if exists (
    select from clinic.type_parts as p
    where
      p.appointment_type_id = require_whole.appointment_type_id and p.clinic_id = require_whole.clinic_id and p.part > 0
      and not exists (select from unnest(require_whole.parts) as v where v.part = p.part and v.needs = p.needs)
  ) then
    raise exception 'chairtime: half a visit: its type needs more than these parts'
      using errcode = 'integrity_constraint_violation', hint = 'Leave parts out, and it gets what its type needs.';
  end if;
end
$$;
comment on function clinic.require_whole is
'Passes parts that are all the type needs by now. A new visit has them; one that was booked or held before the type needed them keeps what it has.';

create function clinic.is_unpromised(visit clinic.appointments)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.claimed(visit) is not null and not exists (
    select from clinic.slot_reservations as r where r.id = visit.id and r.clinic_id = visit.clinic_id
  );
end
$$;
comment on function clinic.is_unpromised is
'Whether the visit takes time that nobody held for it. A hold is a promise: it becomes the visit that it was for, whatever its type needs by now.';

create function clinic.complete_reservation()
returns trigger
language plpgsql
volatile
security definer -- whoever writes visits, by whatever path, waits in the same line, and takes all that the visit needs
set search_path = ''
as $$
begin
  if new.parts is null or new.parts = '{}' and clinic.needs_parts(new.appointment_type_id, new.clinic_id) then
    new := clinic.completed(new);
  elsif new.parts = '{}' then
    perform clinic.lock_calendars(new.dentist_id);
  else
    if new.outcome is null then
      perform clinic.require_whole(new.appointment_type_id, new.clinic_id, new.parts);
    end if;
    perform clinic.lock_calendars(variadic clinic.taken_resources(new.dentist_id, new.parts));
  end if;
  return new;
end
$$;
comment on function clinic.complete_reservation is
'Locks the calendars that a new reservation claims, and fills in what its type needs if that is not said. Errors: slot_taken, try_again.';

create function clinic.complete_appointment()
returns trigger
language plpgsql
volatile
security definer -- whoever writes visits, by whatever path, waits in the same line, and takes all that the visit needs
set search_path = ''
as $$
declare
  v_visit clinic.slot_reservations;
begin
  if new.parts is null and clinic.claimed(new) is null then
    new.parts := array[]::clinic.visit_part []; -- history takes nothing
  end if;
  if
    new.parts is null
    or new.parts = '{}' and clinic.needs_parts(new.appointment_type_id, new.clinic_id) and clinic.is_unpromised(new)
  then
    v_visit := clinic.completed(clinic.as_slot(new), new.is_squeezed);
    new.parts := v_visit.parts;
    new.leads_after := v_visit.leads_after;
    new.leads_for := v_visit.leads_for;
  elsif new.parts = '{}' then
    perform clinic.lock_calendars(new.dentist_id);
  else
    if clinic.is_unpromised(new) then
      perform clinic.require_whole(new.appointment_type_id, new.clinic_id, new.parts);
    end if;
    perform clinic.lock_calendars(variadic clinic.taken_resources(new.dentist_id, new.parts));
  end if;
  return new;
end
$$;
comment on function clinic.complete_appointment is 'The same for a new appointment.';

create trigger complete_reservation before insert on clinic.slot_reservations
for each row execute function clinic.complete_reservation();
create trigger complete_appointment before insert on clinic.appointments
for each row execute function clinic.complete_appointment();

create function clinic.lock_moved_visit()
returns trigger
language plpgsql
volatile
security definer -- whoever moves a visit, by whatever path, waits in the same line
set search_path = ''
as $$
begin
  if new.parts = '{}' and old.parts = '{}' and new.dentist_id = old.dentist_id then
    perform clinic.lock_calendars(new.dentist_id);
  else
    perform clinic.lock_calendars(variadic
      clinic.taken_resources(new.dentist_id, new.parts) || clinic.taken_resources(old.dentist_id, old.parts)
    );
  end if;
  return new;
end
$$;
comment on function clinic.lock_moved_visit is 'Locks the calendars that a visit leaves and those it goes to, or claims again.';

create trigger lock_moved_visit before update of
  dentist_id, starts_at, ends_at, buffer_before, buffer_after, leads_after, leads_for, parts on clinic.appointments
for each row execute function clinic.lock_moved_visit();
create trigger lock_revived_visit before update of status on clinic.appointments
for each row when (old.status <> all ('{booked,checked_in}') and new.status = any ('{booked,checked_in}'))
execute function clinic.lock_moved_visit();
