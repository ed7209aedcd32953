-- Slots: one predicate decides whether a time may be booked. Listing, explaining, holding, booking and rescheduling
-- all ask it.

-- The predicate, and what it has to know -----------------------------------------------------------------------------

create function clinic.verdict(
  starts_at timestamptz,
  ends_at timestamptz,
  claim tstzrange,
  opening tstzrange,
  is_on_grid boolean,
  as_of timestamptz,
  earliest timestamptz,
  latest timestamptz,
  full_days tstzmultirange,
  busy tstzmultirange,
  part_starts tstzmultirange,
  patient_busy tstzmultirange
)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when starts_at <= as_of then 'in_the_past'
    when starts_at < earliest then 'notice_too_short'
    when starts_at > latest then 'beyond_horizon'
    when (opening @> claim) is not true then 'outside_working_hours'
    when not is_on_grid then 'off_grid'
    when full_days is not null and full_days @> starts_at then 'day_full'
    when busy && claim then 'slot_taken'
    when part_starts is not null and not part_starts @> starts_at then 'slot_taken'
    when patient_busy && tstzrange(starts_at, ends_at) then 'patient_busy'
  end;
end
$$;
comment on function clinic.verdict is
'The predicate: the code of the first rule that forbids an appointment, or null. claim is what it takes of its leader''s time,
opening the window that is to lie in (null: there is none), full_days the days on which the leader has enough of its type (null: none), busy
the leader''s claims, part_starts when its other parts can be had (null: there are none), and patient_busy the patient''s appointments.';

create function clinic.later(instant timestamptz, span interval)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return (later.instant at time zone 'UTC' + later.span) at time zone 'UTC';
end
$$;
comment on function clinic.later is 'The instant so much later; a policy''s days have 24 hours, whatever time zone the session likes.';
grant execute on function clinic.later to anon, authenticated, service_role;

create function clinic.closed_times(clinic_id uuid, span tstzrange)
returns tstzmultirange
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_closed tstzmultirange;
begin
  select range_agg(c.during) into v_closed
  from clinic.closures as c
  where c.clinic_id = closed_times.clinic_id and upper(c.during) > lower(closed_times.span) and c.during && closed_times.span;
  return v_closed;
end
$$;
comment on function clinic.closed_times is 'When the whole clinic is closed in this span; null is never.';

create function clinic.busy_times(
  clinic_id uuid, resource_ids uuid [], span tstzrange, as_of timestamptz, except_claims uuid []
)
returns tstzmultirange []
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
begin
  return array(
    select (
      select range_agg(taken.during)
      from (
        select o.during from clinic.occupancy as o
        where
          o.resource_id = r.id and o.during && busy_times.span
          and (o.expires_at is null or o.expires_at > busy_times.as_of)
          and o.id <> all (busy_times.except_claims)
        union all
        select c.during from clinic.closures as c
        where c.clinic_id = busy_times.clinic_id and upper(c.during) > lower(busy_times.span) and c.during && busy_times.span
      ) as taken
    )
    from unnest(busy_times.resource_ids) as r (id)
  );
end
$$;
comment on function clinic.busy_times is
'What is claimed of each resource''s time in this span, dead holds and these claims aside, and when the clinic is closed; null is nothing.';

create function clinic.patient_times(patient_id uuid, span tstzrange, except_claims uuid [])
returns tstzmultirange
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_busy tstzmultirange;
begin
  if patient_times.patient_id is not null then
    select range_agg(tstzrange(a.starts_at, a.ends_at)) into v_busy
    from clinic.appointments as a
    where
      a.patient_id = patient_times.patient_id and a.status in ('booked', 'checked_in')
      and tstzrange(a.starts_at, a.ends_at) && patient_times.span
      and a.id <> all (patient_times.except_claims);
  end if;
  return v_busy;
end
$$;
comment on function clinic.patient_times is 'When the patient has other appointments in this span, with whomever; null is never.';


-- The grid -----------------------------------------------------------------------------------------------------------
--
-- Starts count from where the whole window opens, and in each window entered also from its own opening: lunch that is
-- opened as extra hours, or a window that others touch, keeps the starts it has by itself.

create function clinic.first_on_grid(after timestamptz, origin timestamptz, slot_interval interval)
returns timestamptz
language plpgsql
immutable
set search_path = ''
as $$
begin
  return origin + ceil(extract(epoch from after - origin) / extract(epoch from slot_interval))::double precision * slot_interval;
end
$$;
comment on function clinic.first_on_grid is 'The first start that counts from the origin and is not before the other instant.';

create function clinic.is_on_grid(starts_at timestamptz, origin timestamptz, slot_interval interval)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return mod(extract(epoch from starts_at - origin), extract(epoch from slot_interval)) = 0;
end
$$;
comment on function clinic.is_on_grid is 'Whether so many whole intervals lie between the two.';


-- All slots of some days, and one ------------------------------------------------------------------------------------

create type clinic.leader as (
  dentist_id uuid,
  duration interval
);
comment on type clinic.leader is 'Who can lead a visit, and how long they take for it.';

create type clinic.bookable as (
  policy clinic.clinics,
  type clinic.appointment_types,
  leaders clinic.leader [],
  leads_after interval,
  leads_for interval,
  parts clinic.visit_part []
);
comment on type clinic.bookable is
'What can be booked, by the policy of its clinic and its own, who of those asked for can lead it, and what else it needs.';

-- A visit is described by the reservation that would hold it: its length, buffers, parts, patient, and its own claims.

create function clinic.full_days(
  bookable clinic.bookable, dentist_id uuid, span tstzrange, as_of timestamptz, except_claims uuid []
)
returns tstzmultirange
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
  v_type clinic.appointment_types;
  v_full tstzmultirange;
begin
  if (bookable.type).max_per_day is null then
    return null;
  end if;
  v_policy := bookable.policy;
  v_type := bookable.type;
  select range_agg(clinic.day_span(f.day, v_policy.time_zone)) into v_full
  from (
    select (v.starts_at at time zone v_policy.time_zone)::date as day
    from (
      select a.id, a.starts_at from clinic.appointments as a
      where
        a.dentist_id = full_days.dentist_id and a.clinic_id = v_policy.id and a.appointment_type_id = v_type.id
        and a.starts_at >= lower(full_days.span) - interval '25 hours' and a.starts_at < upper(full_days.span) + interval '25 hours'
        and a.status in ('booked', 'checked_in', 'fulfilled')
      union all
      select r.id, r.starts_at from clinic.slot_reservations as r
      where
        r.dentist_id = full_days.dentist_id and r.clinic_id = v_policy.id and r.appointment_type_id = v_type.id
        and r.outcome is null and clinic.claimed_until(r) > full_days.as_of
    ) as v
    where v.id <> all (full_days.except_claims)
    group by 1
    having count(*) >= v_type.max_per_day
  ) as f;
  return v_full;
end
$$;
comment on function clinic.full_days is 'The days of the clinic on which this leader has as many visits of the type as there may be; null is none.';

create function clinic.part_starts(
  bookable clinic.bookable, visit clinic.slot_reservations, span tstzrange, as_of timestamptz, except_claims uuid []
)
returns tstzmultirange []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_at constant timestamptz := lower(span);
  v_options clinic.part_option [] := clinic.part_options(
    bookable.policy, visit.parts, part_starts.span, part_starts.as_of, part_starts.except_claims
  );
begin
  return array(
    with lengths as materialized (
      select
        l.duration,
        clinic.leader_claim(
          v_at, v_at + l.duration, visit.buffer_before, visit.buffer_after, visit.leads_after, visit.leads_for
        ) as claim,
        (clinic.visit_claims(
          null, tstzrange(v_at, v_at), visit.parts, v_at, v_at + l.duration, visit.buffer_before, visit.buffer_after
        ))[2:] as claims
      from (select distinct u.duration from unnest(bookable.leaders) as u) as l
    ),

    apart as materialized (
      select l.*, clinic.joint_starts(l.claims, v_options, null, v_at) as starts from lengths as l
    )

    select case
      -- Who leads is not there for a part at the same time.
      when exists (select from unnest(v_options) as o where o.resource_id = u.dentist_id)
        then clinic.joint_starts(a.claims, v_options, row(0, u.dentist_id, a.claim)::clinic.claim, v_at)
      else a.starts
    end
    from unnest(bookable.leaders) with ordinality as u (dentist_id, duration, number)
    inner join apart as a on u.duration = a.duration
    order by u.number
  );
end
$$;
comment on function clinic.part_starts is
'For each leader, in their order, when within the span all other parts of the visit can be had.';

create function clinic.judge_slots(
  bookable clinic.bookable,
  visit clinic.slot_reservations,
  from_day date,
  to_day date,
  as_of timestamptz,
  is_staff boolean,
  except_claims uuid [] default '{}'
)
returns table (dentist_id uuid, starts_at timestamptz, ends_at timestamptz, code text)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_interval constant interval := v_policy.slot_interval;
  v_days tstzrange := tstzrange(
    clinic.wall_instant(from_day, v_policy.time_zone), clinic.wall_instant(to_day + 1, v_policy.time_zone)
  );
  v_first constant timestamptz := lower(v_days);
  v_end constant timestamptz := upper(v_days);
  v_leaders clinic.leader [] := bookable.leaders;
  v_leader_ids uuid [];
  v_longest interval;
  v_max_per_day constant integer := (bookable.type).max_per_day;
  v_span tstzrange;
  v_earliest timestamptz;
  v_latest timestamptz;
  v_except uuid [] := except_claims || visit.id;
  v_busy tstzmultirange [];
  v_patient_busy tstzmultirange;
  v_part_starts tstzmultirange [];
begin
  select array_agg(l.dentist_id), max(l.duration) into v_leader_ids, v_longest from unnest(v_leaders) as l;
  if v_leader_ids is null then
    return;
  end if;
  v_span := tstzrange(lower(v_days) - visit.buffer_before, upper(v_days) + v_longest + visit.buffer_after);
  v_busy := clinic.busy_times(v_policy.id, v_leader_ids, v_span, as_of, v_except);
  v_patient_busy := clinic.patient_times(visit.patient_id, v_span, v_except);
  if not is_staff then
    v_earliest := clinic.later(as_of, v_policy.min_notice);
    v_latest := clinic.later(as_of, v_policy.booking_horizon);
  end if;
  if visit.parts <> '{}' then
    v_part_starts := clinic.part_starts(bookable, visit, v_span, as_of, v_except);
  end if;
  return query
    with calendars as materialized (
      select
        u.dentist_id, u.duration, u.busy, u.part_starts,
        lower(c.claim) - lower(v_days) as takes_from, upper(c.claim) - lower(v_days) as takes_to,
        case when v_max_per_day is not null then clinic.full_days(bookable, u.dentist_id, v_span, judge_slots.as_of, v_except) end as full_days
      from unnest(v_leaders, v_busy, v_part_starts) as u (dentist_id, duration, busy, part_starts)
      cross join clinic.leader_claim(
        lower(v_days), lower(v_days) + u.duration, visit.buffer_before, visit.buffer_after, visit.leads_after, visit.leads_for
      ) as c (claim)
    )

    select
      c.dentist_id,
      g.starts_at,
      g.starts_at + c.duration,
      clinic.verdict(
        g.starts_at, g.starts_at + c.duration, tstzrange(g.starts_at + c.takes_from, g.starts_at + c.takes_to),
        w.whole, true, judge_slots.as_of, v_earliest, v_latest, c.full_days, c.busy, c.part_starts, v_patient_busy
      )
    from calendars as c
    inner join clinic.working_windows(
      v_policy.id, v_leader_ids, v_policy.time_zone, v_span
    ) as w on c.dentist_id = w.dentist_id
    cross join lateral (
      select case when visit.leads_after = '0' then w.opens_at else clinic.first_on_grid(w.opens_at - visit.leads_after, w.opens_at, v_interval) end as origin
      union all
      select clinic.first_on_grid(w.opens_at - visit.leads_after, w.grid_from, v_interval)
      where w.opens_at <> w.grid_from and not clinic.is_on_grid(w.opens_at, w.grid_from, v_interval)
    ) as o
    -- Stepped in elapsed time, so daylight saving neither repeats nor skips a slot. From when the leader comes until
    -- the window closes, or is too short.
    cross join lateral generate_series(
      o.origin, least(
        w.closes_at - visit.leads_after - interval '1 microsecond',
        upper(w.whole) - coalesce(visit.leads_after + visit.leads_for, c.duration)
      ), v_interval
    ) as g (starts_at)
    where g.starts_at >= v_first and g.starts_at < v_end;
end
$$;
comment on function clinic.judge_slots is
'For each leader every grid point of the clinic-local days: the code of the first rule that forbids the visit there, or null when it may be
booked. except_claims are the caller''s own holds: they never block it, and nor do the visit''s own claims.';

create function clinic.judge_slot(
  bookable clinic.bookable,
  slot clinic.slot_reservations,
  as_of timestamptz,
  is_staff boolean,
  except_claims uuid [] default '{}',
  may_have_begun boolean default false
)
returns text
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_day date := slot.starts_at at time zone v_policy.time_zone;
  v_during tstzrange := tstzrange(slot.starts_at, slot.ends_at);
  v_claim tstzrange := clinic.claimed(slot);
  v_except uuid [] := except_claims || slot.id;
  v_passed timestamptz := as_of;
  v_earliest timestamptz;
  v_latest timestamptz;
  v_opening tstzrange;
  v_is_on_grid boolean;
  v_full_days tstzmultirange;
  v_part_starts tstzmultirange;
begin
  if not is_staff then
    v_earliest := clinic.later(as_of, v_policy.min_notice);
    v_latest := clinic.later(as_of, v_policy.booking_horizon);
  end if;
  if may_have_begun and slot.starts_at <= as_of then
    v_passed := lower(clinic.day_span((as_of at time zone v_policy.time_zone)::date, v_policy.time_zone)) - interval '1 microsecond';
  end if;
  -- Mostly it lies in one window of its day, on that window's grid. If not, in the whole one that suits it best.
  select tstzrange(w.opens_at, w.closes_at), true into v_opening, v_is_on_grid
  from clinic.entered_windows(v_policy.id, array[slot.dentist_id], v_policy.time_zone, v_day, v_day) as w
  where
    w.opens_at <= lower(v_claim) and w.closes_at >= upper(v_claim)
    and (is_staff or clinic.is_on_grid(slot.starts_at, w.opens_at, v_policy.slot_interval))
  limit 1;
  if not found then
    select
      w.whole,
      is_staff or clinic.is_on_grid(slot.starts_at, w.opens_at, v_policy.slot_interval)
      or clinic.is_on_grid(slot.starts_at, w.grid_from, v_policy.slot_interval)
      into v_opening, v_is_on_grid
    from clinic.working_windows(v_policy.id, array[slot.dentist_id], v_policy.time_zone, v_claim) as w
    where
      w.opens_at <= slot.starts_at + slot.leads_after and slot.starts_at + slot.leads_after < w.closes_at
      and w.whole @> v_claim
    order by 2 desc
    limit 1;
  end if;
  if (bookable.type).max_per_day is not null then
    v_full_days := clinic.full_days(bookable, slot.dentist_id, v_during, as_of, v_except);
  end if;
  if slot.parts <> '{}' then
    bookable.leaders := array[row(slot.dentist_id, slot.ends_at - slot.starts_at)::clinic.leader];
    v_part_starts := (clinic.part_starts(
      bookable, slot, tstzrange(slot.starts_at - slot.buffer_before, slot.ends_at + slot.buffer_after), as_of, v_except
    ))[1];
  end if;
  return clinic.verdict(
    slot.starts_at, slot.ends_at, v_claim, v_opening, v_is_on_grid, v_passed, v_earliest, v_latest, v_full_days,
    (clinic.busy_times(v_policy.id, array[slot.dentist_id], v_claim, as_of, v_except))[1], v_part_starts,
    clinic.patient_times(slot.patient_id, v_during, v_except)
  );
end
$$;
comment on function clinic.judge_slot is
'Why this one slot may not be booked, on the grid or off it; null when it may. Its own claims, if it has any, never block it. Who is in the chair
already may_have_begun, but today.';

create function clinic.slot(bookable clinic.bookable, leader clinic.leader, starts_at timestamptz, patient_id uuid)
returns clinic.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.appointment_types := bookable.type;
  v_slot clinic.slot_reservations;
begin
  v_slot.id := gen_random_uuid();
  v_slot.clinic_id := v_type.clinic_id;
  v_slot.dentist_id := leader.dentist_id;
  v_slot.appointment_type_id := v_type.id;
  v_slot.patient_id := slot.patient_id;
  v_slot.held_by := auth.uid();
  v_slot.starts_at := slot.starts_at;
  v_slot.ends_at := slot.starts_at + leader.duration;
  v_slot.buffer_before := v_type.buffer_before;
  v_slot.buffer_after := v_type.buffer_after;
  v_slot.leads_after := bookable.leads_after;
  v_slot.leads_for := bookable.leads_for;
  v_slot.parts := bookable.parts;
  v_slot.assigned := 'named';
  return v_slot;
end
$$;
comment on function clinic.slot is
'A visit with this leader, at this time and for this patient, as the reservation that would hold it. Its parts have no resources yet.';
