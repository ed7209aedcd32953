-- Slots: one predicate decides whether a time may be booked. Listing, explaining, holding, booking and rescheduling
-- all ask it.

-- The predicate, and what it has to know -----------------------------------------------------------------------------

create function clinic.verdict(
  during tstzrange,
  claim tstzrange,
  opening tstzrange,
  is_on_grid boolean,
  as_of timestamptz,
  earliest timestamptz,
  latest timestamptz,
  busy tstzmultirange,
  patient_busy tstzmultirange
)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case
    when lower(during) <= as_of then 'in_the_past'
    when lower(during) < earliest then 'notice_too_short'
    when lower(during) > latest then 'beyond_horizon'
    when (opening @> claim) is not true then 'outside_working_hours'
    when not is_on_grid then 'off_grid'
    when busy && claim then 'slot_taken'
    when patient_busy && during then 'patient_busy'
  end;
end
$$;
comment on function clinic.verdict is
'The predicate: the code of the first rule that forbids an appointment, or null. during is its time, claim the same with its buffers, opening
the window it is to lie in (null: there is none), busy the dentist''s claims and patient_busy the patient''s appointments around it.';

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

create function clinic.busy_times(dentist_id uuid, span tstzrange, as_of timestamptz, except_claims uuid [])
returns tstzmultirange
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_busy tstzmultirange;
begin
  select range_agg(o.during) into v_busy
  from clinic.occupancy as o
  where
    o.dentist_id = busy_times.dentist_id and o.during && busy_times.span
    and (o.expires_at is null or o.expires_at > busy_times.as_of)
    and o.id <> all (busy_times.except_claims);
  return v_busy;
end
$$;
comment on function clinic.busy_times is 'What is claimed of a dentist''s time in this span, dead holds and these claims aside; null is nothing.';

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

create function clinic.judge_slots(
  policy clinic.clinics,
  dentist_ids uuid [],
  duration interval,
  buffer_before interval,
  buffer_after interval,
  from_day date,
  to_day date,
  as_of timestamptz,
  is_staff boolean,
  patient_id uuid default null,
  except_claims uuid [] default '{}'
)
returns table (dentist_id uuid, starts_at timestamptz, ends_at timestamptz, code text)
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_days tstzrange := tstzrange(
    clinic.wall_instant(from_day, policy.time_zone), clinic.wall_instant(to_day + 1, policy.time_zone)
  );
  v_span tstzrange := tstzrange(lower(v_days) - buffer_before, upper(v_days) + duration + buffer_after);
  v_earliest timestamptz;
  v_latest timestamptz;
  v_patient_busy tstzmultirange := clinic.patient_times(judge_slots.patient_id, v_span, except_claims);
begin
  if not is_staff then
    v_earliest := clinic.later(as_of, policy.min_notice);
    v_latest := clinic.later(as_of, policy.booking_horizon);
  end if;
  return query
    with calendars as materialized (
      select d.id, clinic.busy_times(d.id, v_span, judge_slots.as_of, judge_slots.except_claims) as busy
      from unnest(judge_slots.dentist_ids) as d (id)
    )

    select
      c.id,
      g.starts_at,
      g.starts_at + judge_slots.duration,
      clinic.verdict(
        tstzrange(g.starts_at, g.starts_at + judge_slots.duration),
        tstzrange(
          g.starts_at - judge_slots.buffer_before, g.starts_at + judge_slots.duration + judge_slots.buffer_after
        ),
        w.whole, true, judge_slots.as_of, v_earliest, v_latest, c.busy, v_patient_busy
      )
    from calendars as c
    inner join clinic.working_windows(judge_slots.dentist_ids, policy.time_zone, v_span) as w on c.id = w.dentist_id
    cross join lateral (
      select w.opens_at as origin
      union all
      select clinic.first_on_grid(w.opens_at, w.grid_from, policy.slot_interval)
      where w.opens_at <> w.grid_from and not clinic.is_on_grid(w.opens_at, w.grid_from, policy.slot_interval)
    ) as o
    -- Stepped in elapsed time, so daylight saving neither repeats nor skips a slot.
    cross join lateral generate_series(
      o.origin, least(w.closes_at - interval '1 microsecond', upper(w.whole) - judge_slots.duration), policy.slot_interval
    ) as g (starts_at)
    where v_days @> g.starts_at;
end
$$;
comment on function clinic.judge_slots is
'For each dentist every grid point of the clinic-local days: the code of the first rule that forbids it, or null when it may be booked.
except_claims are the caller''s own holds or the appointment to move: they never block it.';

-- One slot is described by the reservation that would hold it.
create function clinic.judge_slot(
  policy clinic.clinics,
  slot clinic.slot_reservations,
  as_of timestamptz,
  is_staff boolean,
  except_claims uuid [] default '{}'
)
returns text
language plpgsql
stable
set search_path = ''
set plan_cache_mode = 'force_generic_plan' -- planning would cost more than running
as $$
declare
  v_day date := slot.starts_at at time zone policy.time_zone;
  v_during tstzrange := tstzrange(slot.starts_at, slot.ends_at);
  v_claim tstzrange := clinic.claimed(slot);
  v_except uuid [] := except_claims || slot.id;
  v_earliest timestamptz;
  v_latest timestamptz;
  v_opening tstzrange;
  v_is_on_grid boolean;
begin
  if not is_staff then
    v_earliest := clinic.later(as_of, policy.min_notice);
    v_latest := clinic.later(as_of, policy.booking_horizon);
  end if;
  -- Mostly it lies in one window of its day, on that window's grid. If not, in the whole one that suits it best.
  select tstzrange(w.opens_at, w.closes_at), true into v_opening, v_is_on_grid
  from clinic.entered_windows(array[slot.dentist_id], policy.time_zone, v_day, v_day) as w
  where
    w.opens_at <= lower(v_claim) and w.closes_at >= upper(v_claim)
    and (is_staff or clinic.is_on_grid(slot.starts_at, w.opens_at, policy.slot_interval))
  limit 1;
  if not found then
    select
      w.whole,
      is_staff or clinic.is_on_grid(slot.starts_at, w.opens_at, policy.slot_interval)
      or clinic.is_on_grid(slot.starts_at, w.grid_from, policy.slot_interval)
      into v_opening, v_is_on_grid
    from clinic.working_windows(array[slot.dentist_id], policy.time_zone, v_claim) as w
    where w.opens_at <= slot.starts_at and slot.starts_at < w.closes_at and w.whole @> v_claim
    order by 2 desc
    limit 1;
  end if;
  return clinic.verdict(
    v_during, v_claim, v_opening, v_is_on_grid, as_of, v_earliest, v_latest,
    clinic.busy_times(slot.dentist_id, v_claim, as_of, v_except),
    clinic.patient_times(slot.patient_id, v_during, v_except)
  );
end
$$;
comment on function clinic.judge_slot is
'Why this one slot may not be booked, on the grid or off it; null when it may. Its own claim, if it has one, never blocks it.';

create function clinic.alternatives(
  policy clinic.clinics, slot clinic.slot_reservations, as_of timestamptz, is_staff boolean
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_day date := slot.starts_at at time zone policy.time_zone;
begin
  return (
    select coalesce(jsonb_agg(to_jsonb(near) - 'distance' order by near.distance, near.starts_at), '[]')
    from (
      select
        j.dentist_id, j.starts_at, j.ends_at,
        abs(extract(epoch from j.starts_at - slot.starts_at)) as distance
      from clinic.judge_slots(
        policy, array[slot.dentist_id], slot.ends_at - slot.starts_at, slot.buffer_before, slot.buffer_after,
        v_day, v_day + 6, as_of, is_staff, slot.patient_id, array[slot.id]
      ) as j
      where j.code is null
      order by distance, j.starts_at
      limit 3
    ) as near
  );
end
$$;
comment on function clinic.alternatives is
'Up to three free slots with the same dentist, nearest first, from that day on for a week: [{dentist_id, starts_at, ends_at}].';

create function clinic.require_slot(
  policy clinic.clinics, slot clinic.slot_reservations, as_of timestamptz, is_staff boolean
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_code text := clinic.judge_slot(policy, slot, as_of, is_staff);
begin
  if v_code = 'slot_taken' then
    perform clinic.refuse(
      v_code, details => clinic.alternatives(policy, slot, as_of, is_staff)::text, clinic_id => policy.id
    );
  elsif v_code is not null then
    perform clinic.refuse(v_code, clinic_id => policy.id);
  end if;
end
$$;
comment on function clinic.require_slot is 'Passes a slot that may be booked; otherwise refuses with the judge''s code. Call it under the lock.';


-- Listing and explaining ---------------------------------------------------------------------------------------------

create type clinic.bookable as (
  policy clinic.clinics,
  type clinic.appointment_types,
  dentist_id uuid
);
comment on type clinic.bookable is 'What can be booked, by the policy of its clinic, and with which dentist (null: not said).';

create function clinic.bookable(appointment_type_id uuid, dentist_id uuid default null)
returns clinic.bookable
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid := clinic.required(bookable.appointment_type_id, 'appointment_type_id');
  v_bookable clinic.bookable;
begin
  select c, t, d.id into v_bookable
  from clinic.appointment_types as t
  inner join clinic.clinics as c on t.clinic_id = c.id
  left join clinic.dentists as d on d.id = bookable.dentist_id and t.clinic_id = d.clinic_id and d.is_active
  where t.id = v_id and t.is_active;
  if not found then
    perform clinic.refuse('not_found', 'There is no such appointment type.');
  elsif v_bookable.dentist_id is distinct from bookable.dentist_id then
    perform clinic.refuse('not_found', 'There is no such dentist in this clinic.');
  end if;
  return v_bookable;
end
$$;
comment on function clinic.bookable is 'The active appointment type with its clinic, and the clinic''s active dentist if one is named; or not_found.';

create function clinic.slot(bookable clinic.bookable, starts_at timestamptz, patient_id uuid)
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
  v_slot.dentist_id := bookable.dentist_id;
  v_slot.appointment_type_id := v_type.id;
  v_slot.patient_id := slot.patient_id;
  v_slot.held_by := auth.uid();
  v_slot.starts_at := slot.starts_at;
  v_slot.ends_at := slot.starts_at + v_type.duration;
  v_slot.buffer_before := v_type.buffer_before;
  v_slot.buffer_after := v_type.buffer_after;
  return v_slot;
end
$$;
comment on function clinic.slot is 'The slot at this time, for this patient, as the reservation that would hold it.';

create function clinic.bookable_dentist(clinic_id uuid, dentist_id uuid)
returns clinic.dentists
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid := clinic.required(bookable_dentist.dentist_id, 'dentist_id');
  v_dentist clinic.dentists;
begin
  select * into v_dentist from clinic.dentists as d
  where d.id = v_id and d.clinic_id = bookable_dentist.clinic_id and d.is_active;
  if not found then
    perform clinic.refuse('not_found', 'There is no such dentist in this clinic.');
  end if;
  return v_dentist;
end
$$;
comment on function clinic.bookable_dentist is 'The active dentist of the clinic, or not_found.';

create function clinic.is_desk(role text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
begin
  return role in ('service', 'admin', 'receptionist', 'dentist');
end
$$;
comment on function clinic.is_desk is 'Whether the role acts for patients, free of notice, horizon and grid.';

create function clinic.my_patient(clinic_id uuid)
returns uuid
language sql
stable
set search_path = ''
as $$
  select p.id from clinic.patients as p
  where p.clinic_id = my_patient.clinic_id and p.user_id = (select auth.uid());
$$;
comment on function clinic.my_patient is 'The caller''s patient record in the clinic; null before the first booking.';

create type api.slot as (
  dentist_id uuid,
  starts_at timestamptz,
  ends_at timestamptz
);
comment on type api.slot is 'A time that may be booked with a dentist.';

create function clinic.own_holds(clinic_id uuid)
returns uuid []
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(r.id), '{}')
  from clinic.slot_reservations as r
  where
    r.held_by = (select auth.uid()) and r.clinic_id = own_holds.clinic_id and r.outcome is null
    and clinic.my_role(own_holds.clinic_id) is null;
$$;
comment on function clinic.own_holds is 'The holds of a caller who is a patient: they never block what the patient does instead.';

create function clinic.max_rows()
returns integer
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(nullif(current_setting('pgrst.db_max_rows', true), '')::integer, 1000);
end
$$;
comment on function clinic.max_rows is
'As many rows as the Data API gives in one answer before it cuts it, silently: what PostgREST was told in the database, else 1000, which is
Supabase''s default.';
grant execute on function clinic.max_rows to anon, authenticated, service_role;

create function api.longest_answer()
returns setof integer
language sql
stable
set search_path = ''
as $$
  select n from generate_series(clinic.max_rows(), 1, -1) as n;
$$;
comment on function api.longest_answer is
'As many rows as Chairtime puts into one answer, counted down. Who receives fewer than the first one says knows that the Data API cuts
answers (max_rows).';
grant execute on function api.longest_answer to anon, authenticated, service_role;

create function clinic.refuse_long_answer(slots api.slot [], policy clinic.clinics, last_day date)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  -- The day on which the first row stands that has no room any more.
  v_full date := (slots[clinic.max_rows() + 1].starts_at at time zone policy.time_zone)::date;
  v_first date := (slots[1].starts_at at time zone policy.time_zone)::date;
begin
  perform clinic.refuse(
    'invalid_argument',
    format('These are %s slots, and an answer has room for %s.', cardinality(slots), clinic.max_rows()),
    json_build_object(
      'rows', cardinality(slots), 'max_rows', clinic.max_rows(), 'to_date', case when v_full > v_first then v_full - 1 end
    )::text,
    case
      when v_full > v_first then format('Ask until %s, then from %s until %s.', v_full - 1, v_full, refuse_long_answer.last_day)
      else 'Ask for one dentist at a time.'
    end
  );
end
$$;
comment on function clinic.refuse_long_answer is
'invalid_argument; details say until which day (to_date) the answer is whole, or null if not even one day is.';

create function clinic.available_slots(appointment_type_id uuid, from_date text, to_date text, dentist_id uuid)
returns setof api.slot
language plpgsql
stable
security definer -- reads the ledger, and answers with free time only
set search_path = ''
as $$
declare
  v_bookable clinic.bookable := clinic.bookable(available_slots.appointment_type_id, available_slots.dentist_id);
  v_policy clinic.clinics := v_bookable.policy;
  v_type clinic.appointment_types := v_bookable.type;
  v_from date := clinic.required_day(available_slots.from_date, 'from_date');
  v_to date := case when to_date is null then v_from + 6 else clinic.required_day(available_slots.to_date, 'to_date') end;
  v_dentist_ids uuid [] := array[v_bookable.dentist_id];
  v_is_desk boolean := coalesce(clinic.is_desk(clinic.my_role(v_policy.id)), false);
  v_slots api.slot [];
begin
  if v_to < v_from or v_to - v_from >= 62 then
    perform clinic.refuse('invalid_argument', 'to_date must be between 0 and 61 days after from_date.');
  end if;
  if available_slots.dentist_id is null then
    v_dentist_ids := array(select d.id from clinic.dentists as d where d.clinic_id = v_policy.id and d.is_active);
  end if;
  v_slots := array(
    select (j.dentist_id, j.starts_at, j.ends_at)::api.slot
    from clinic.judge_slots(
      v_policy, v_dentist_ids, v_type.duration, v_type.buffer_before, v_type.buffer_after, v_from, v_to,
      clock_timestamp(), v_is_desk, case when not v_is_desk then clinic.my_patient(v_policy.id) end,
      clinic.own_holds(v_policy.id)
    ) as j
    where j.code is null
    group by j.dentist_id, j.starts_at, j.ends_at
    order by j.starts_at, j.dentist_id
  );
  if cardinality(v_slots) > clinic.max_rows() then
    perform clinic.refuse_long_answer(v_slots, v_policy, v_to);
  end if;
  return query select s.dentist_id, s.starts_at, s.ends_at from unnest(v_slots) as s;
end
$$;
grant execute on function clinic.available_slots to anon, authenticated, service_role;

create function api.available_slots(
  appointment_type_id uuid, from_date text, to_date text default null, dentist_id uuid default null
)
returns setof api.slot
language sql
stable
set search_path = ''
as $$
  select s.dentist_id, s.starts_at, s.ends_at
  from clinic.available_slots(appointment_type_id, from_date, to_date, available_slots.dentist_id) as s;
$$;
comment on function api.available_slots is
'Slots that may be booked now, by the clinic''s days from from_date to to_date (default: a week; at most 62 days), with one dentist or all.
Signed-in patients do not see times at which they have another appointment; staff see times free of notice and horizon.
Dates are YYYY-MM-DD. Rows {dentist_id, starts_at, ends_at}, ordered by start: all of them. What does not fit into one answer of the Data API
(1000 rows) is invalid_argument, whose details say until which day it would: {"rows", "max_rows", "to_date"} (null: ask for one dentist at a time).
Errors: not_found, invalid_argument.';
grant execute on function api.available_slots to anon, authenticated, service_role;

create function clinic.explain_slot(dentist_id uuid, appointment_type_id uuid, starts_at text)
returns jsonb
language plpgsql
stable
security definer -- reads the ledger; only who sees the calendar learns what is in the way
set search_path = ''
as $$
declare
  v_bookable clinic.bookable := clinic.bookable(
    explain_slot.appointment_type_id, clinic.required(explain_slot.dentist_id, 'dentist_id')
  );
  v_policy clinic.clinics := v_bookable.policy;
  v_starts_at timestamptz := clinic.required_instant(explain_slot.starts_at, 'starts_at');
  v_is_desk boolean := coalesce(clinic.is_desk(clinic.my_role(v_policy.id)), false);
  v_slot clinic.slot_reservations := clinic.slot(
    v_bookable, v_starts_at, case when not v_is_desk then clinic.my_patient(v_policy.id) end
  );
  v_code text := clinic.judge_slot(v_policy, v_slot, clock_timestamp(), v_is_desk, clinic.own_holds(v_policy.id));
  v_message text := 'This slot may be booked.';
begin
  if v_code is not null then
    select e.message into strict v_message from clinic.error_codes as e where e.code = v_code;
  end if;
  if v_code = 'slot_taken' and clinic.sees_calendar(v_policy.id, v_bookable.dentist_id) then
    select string_agg(format(
      '%s from %s to %s', initcap(replace(o.cause, '_', ' ')),
      to_char(lower(o.during) at time zone v_policy.time_zone, 'HH24:MI'),
      to_char(upper(o.during) at time zone v_policy.time_zone, 'HH24:MI')
    ), '; ' order by o.during) || '.'
    into v_message
    from clinic.occupancy as o
    where
      o.dentist_id = v_bookable.dentist_id and (o.expires_at is null or o.expires_at > clock_timestamp())
      and o.during && clinic.claimed(v_slot);
  end if;
  return jsonb_build_object('bookable', v_code is null, 'code', v_code, 'message', v_message);
end
$$;
grant execute on function clinic.explain_slot to anon, authenticated, service_role;

create function api.explain_slot(dentist_id uuid, appointment_type_id uuid, starts_at text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.explain_slot(dentist_id, appointment_type_id, starts_at);
end
$$;
comment on function api.explain_slot is
'Whether you may book this slot, and if not, why: {bookable, code, message}. The code is the first rule that fails;
who sees the dentist''s calendar is told what is in the way. Errors: not_found, invalid_argument.';
grant execute on function api.explain_slot to anon, authenticated, service_role;
