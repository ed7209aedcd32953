-- Listing: the free slots of some days, the next ones, and why a slot is none.

-- All of some days -----------------------------------------------------------------------------------------------------

create function clinic.free_slots(wish clinic.wish, from_day date, to_day date)
returns api.slot []
language plpgsql
volatile
set search_path = ''
as $$
begin
  if wish.code is not null then
    perform clinic.refuse(wish.code, clinic_id => ((wish.bookable).policy).id);
  end if;
  return array(
    select row(j.dentist_id, j.starts_at, j.ends_at)::api.slot
    from clinic.judge_slots(
      wish.bookable, wish.visit, free_slots.from_day, free_slots.to_day, clock_timestamp(), wish.is_desk, wish.except_claims
    ) as j
    where j.code is null
    group by j.dentist_id, j.starts_at, j.ends_at
    order by j.starts_at, j.dentist_id
  );
end
$$;
comment on function clinic.free_slots is 'The slots of these days that the wish can have, in order. Errors: not_offered, booking_limit.';

create function clinic.available_slots(appointment_type_id uuid, from_date text, to_date text, dentist_id uuid, appointment_id uuid)
returns setof api.slot
language plpgsql
stable
security definer -- reads the ledger, and answers with free time only
set search_path = ''
as $$
declare
  v_wish clinic.wish := clinic.wish(available_slots.appointment_type_id, available_slots.dentist_id, available_slots.appointment_id);
  v_from date := clinic.required_day(available_slots.from_date, 'from_date');
  v_to date := case when to_date is null then v_from + 6 else clinic.required_day(available_slots.to_date, 'to_date') end;
  v_slots api.slot [];
begin
  if v_to < v_from or v_to - v_from >= 62 then
    perform clinic.refuse('invalid_argument', 'to_date must be between 0 and 61 days after from_date.');
  end if;
  v_slots := clinic.free_slots(v_wish, v_from, v_to);
  if cardinality(v_slots) > clinic.max_rows() then
    perform clinic.refuse_long_answer(v_slots, (v_wish.bookable).policy, v_to);
  end if;
  return query select s.dentist_id, s.starts_at, s.ends_at from unnest(v_slots) as s;
end
$$;
grant execute on function clinic.available_slots to anon, authenticated, service_role;

create function api.available_slots(
  appointment_type_id uuid,
  from_date text,
  to_date text default null,
  dentist_id uuid default null,
  appointment_id uuid default null
)
returns setof api.slot
language sql
stable
set search_path = ''
as $$
  select s.dentist_id, s.starts_at, s.ends_at
  from clinic.available_slots(appointment_type_id, from_date, to_date, available_slots.dentist_id, available_slots.appointment_id) as s;
$$;
comment on function api.available_slots is
'Slots that may be booked now, by the clinic''s days from from_date to to_date (default: a week; at most 62 days), with one dentist or all who do it.
With an appointment_id, the times to which that appointment can move: its own length and parts, and what it takes itself is free.
Signed-in patients do not see times at which they have another appointment; staff see times free of notice and horizon.
Dates are YYYY-MM-DD. Rows {dentist_id, starts_at, ends_at}, ordered by start: all of them. What does not fit into one answer of the Data API
(1000 rows) is invalid_argument, whose details say until which day it would: {"rows", "max_rows", "to_date"} (null: ask for one dentist at a time).
Errors: not_found, invalid_argument, not_offered, booking_limit; of an appointment also not_authenticated, forbidden, invalid_transition, too_late_to_cancel.';
grant execute on function api.available_slots to anon, authenticated, service_role;


-- The next ones --------------------------------------------------------------------------------------------------------

create function clinic.hours_of(part_of_day text)
returns int4range
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_hours int4range := case lower(clinic.clean_line(hours_of.part_of_day, 'part_of_day', 40))
    when 'morning' then int4range(0, 12)
    when 'afternoon' then int4range(12, 17)
    when 'evening' then int4range(17, 24)
  end;
begin
  if nullif(btrim(hours_of.part_of_day), '') is not null and v_hours is null then
    perform clinic.refuse('invalid_argument', 'part_of_day must be morning, afternoon or evening.');
  end if;
  return coalesce(v_hours, int4range(0, 24));
end
$$;
comment on function clinic.hours_of is 'The hours of a part of the day, by the clinic''s clock: morning to 12, afternoon to 17, evening after. Null is all day.';

create function clinic.next_slots(
  appointment_type_id uuid, dentist_id uuid, from_time text, part_of_day text, max_results integer, appointment_id uuid
)
returns setof api.slot
language plpgsql
stable
security definer -- reads the ledger, and answers with free time only
set search_path = ''
as $$
declare
  v_wish clinic.wish := clinic.wish(next_slots.appointment_type_id, next_slots.dentist_id, next_slots.appointment_id);
  v_policy clinic.clinics := (v_wish.bookable).policy;
  v_hours int4range := clinic.hours_of(next_slots.part_of_day);
  v_from timestamptz := clock_timestamp();
  v_day date;
  v_last date := (clinic.later(clock_timestamp(), v_policy.booking_horizon) at time zone v_policy.time_zone)::date;
  v_slots api.slot [] := array[]::api.slot [];
begin
  if (next_slots.max_results between 1 and 100) is not true then
    perform clinic.refuse('invalid_argument', 'max_results must be between 1 and 100.');
  elsif next_slots.from_time is not null then
    v_from := greatest(v_from, clinic.required_instant(next_slots.from_time, 'from_time'));
  end if;
  v_day := v_from at time zone v_policy.time_zone;
  -- Mostly the first week has enough.
  while v_day <= v_last and cardinality(v_slots) < next_slots.max_results loop
    v_slots := v_slots || array(
      -- One leader a start, where any would do.
      select distinct on (s.starts_at) s from unnest(clinic.free_slots(v_wish, v_day, least(v_day + 6, v_last))) as s
      where s.starts_at >= v_from and v_hours @> extract(hour from s.starts_at at time zone v_policy.time_zone)::integer
      order by s.starts_at, s.dentist_id
    );
    v_day := v_day + 7;
  end loop;
  return query
    select s.dentist_id, s.starts_at, s.ends_at from unnest(v_slots) as s
    order by s.starts_at
    limit next_slots.max_results;
end
$$;
grant execute on function clinic.next_slots to anon, authenticated, service_role;

create function api.next_slots(
  appointment_type_id uuid,
  dentist_id uuid default null,
  from_time text default null,
  part_of_day text default null,
  max_results integer default 3,
  appointment_id uuid default null
)
returns setof api.slot
language sql
stable
set search_path = ''
as $$
  select s.dentist_id, s.starts_at, s.ends_at
  from clinic.next_slots(
    appointment_type_id, next_slots.dentist_id, from_time, part_of_day, max_results, next_slots.appointment_id
  ) as s;
$$;
comment on function api.next_slots is
'The next slots that may be booked within the booking horizon, from from_time (default: now) on, with one dentist or anybody (one row a start);
part_of_day is morning, afternoon or evening by the clinic''s clock; max_results 1 to 100. With an appointment_id, those to which it can move.
Rows {dentist_id, starts_at, ends_at}. Errors: as available_slots.';
grant execute on function api.next_slots to anon, authenticated, service_role;


-- Explaining -----------------------------------------------------------------------------------------------------------

create function clinic.what_is_taken(policy clinic.clinics, slot clinic.slot_reservations)
returns text
language sql
stable
set search_path = ''
as $$
  select string_agg(format(
    '%s from %s to %s.', case when o.clinic_id = policy.id then initcap(replace(o.cause, '_', ' ')) else 'Taken' end,
    to_char(lower(o.during) at time zone policy.time_zone, 'HH24:MI'), to_char(upper(o.during) at time zone policy.time_zone, 'HH24:MI')
  ), ' ' order by o.during)
  from clinic.occupancy as o
  where
    o.resource_id = slot.dentist_id and (o.expires_at is null or o.expires_at > clock_timestamp())
    and o.during && clinic.claimed(slot) and o.id <> slot.id;
$$;
comment on function clinic.what_is_taken is 'What takes the leader''s time at a slot, in words. Of another clinic''s only that it is taken.';

create function clinic.what_is_missing(policy clinic.clinics, slot clinic.slot_reservations, except_claims uuid [])
returns text
language sql
stable
set search_path = ''
as $$
  select string_agg(format(
    'No %s is free from %s to %s.', p.needs,
    to_char(lower(c.during) at time zone policy.time_zone, 'HH24:MI'), to_char(upper(c.during) at time zone policy.time_zone, 'HH24:MI')
  ), ' ' order by p.part)
  from unnest(slot.parts) as p
  cross join lateral (
    select clinic.part_claim(p, slot.starts_at, slot.ends_at, slot.buffer_before, slot.buffer_after) as during
  ) as c
  where clinic.first_fit(
    array[row(p.part, null, c.during)::clinic.claim],
    clinic.part_options(policy, array[p], c.during, clock_timestamp(), what_is_missing.except_claims || slot.id),
    row(0, slot.dentist_id, clinic.claimed(slot))::clinic.claim
  ) is null;
$$;
comment on function clinic.what_is_missing is 'Which parts find nobody and nothing at a slot, in words; null when each alone would.';

create function clinic.explain_taken(wish clinic.wish, slot clinic.slot_reservations)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics := (wish.bookable).policy;
begin
  return concat_ws(
    ' ',
    case when exists (
      select from clinic.closures as c where c.clinic_id = v_policy.id and c.during && clinic.claimed(slot)
    ) then 'The clinic is closed.' end,
    clinic.what_is_taken(v_policy, slot), clinic.what_is_missing(v_policy, slot, wish.except_claims)
  );
end
$$;
comment on function clinic.explain_taken is 'What is in the way of a slot, in words, for who sees the calendar.';

create function clinic.explain_slot(dentist_id uuid, appointment_type_id uuid, starts_at text, appointment_id uuid)
returns jsonb
language plpgsql
stable
security definer -- reads the ledger; only who sees the calendar learns what is in the way
set search_path = ''
as $$
declare
  v_starts_at timestamptz := clinic.required_instant(explain_slot.starts_at, 'starts_at');
  v_wish clinic.wish := clinic.wish(explain_slot.appointment_type_id, explain_slot.dentist_id, explain_slot.appointment_id);
  v_policy clinic.clinics := (v_wish.bookable).policy;
  v_slot clinic.slot_reservations := v_wish.visit;
  v_may_have_begun constant boolean := v_wish.is_desk and explain_slot.appointment_id is null;
  v_code text;
  v_message text := 'This slot may be booked.';
begin
  v_slot.starts_at := v_starts_at;
  v_slot.dentist_id := explain_slot.dentist_id;
  if (v_wish.bookable).leaders = '{}' or v_wish.code is not null then
    v_code := coalesce(v_wish.code, 'not_offered');
  else
    v_slot := clinic.choose_leader(
      v_wish.bookable, v_slot, clock_timestamp(), v_wish.is_desk, v_wish.except_claims, v_may_have_begun
    );
    v_code := clinic.judge_slot(
      v_wish.bookable, v_slot, clock_timestamp(), v_wish.is_desk, v_wish.except_claims, v_may_have_begun
    );
  end if;
  if v_code is not null then
    select e.message into strict v_message from clinic.error_codes as e where e.code = v_code;
  end if;
  if v_code = 'slot_taken' and clinic.sees_calendar(v_policy.id, v_slot.dentist_id) then
    v_message := coalesce(nullif(clinic.explain_taken(v_wish, v_slot), ''), v_message);
  elsif (v_wish.bookable).leaders = '{}' then
    v_message := clinic.who_does_not(explain_slot.dentist_id);
  end if;
  return jsonb_build_object('bookable', v_code is null, 'code', v_code, 'message', v_message, 'dentist_id', v_slot.dentist_id);
end
$$;
grant execute on function clinic.explain_slot to anon, authenticated, service_role;

create function api.explain_slot(
  appointment_type_id uuid, starts_at text, dentist_id uuid default null, appointment_id uuid default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.explain_slot(dentist_id, appointment_type_id, starts_at, appointment_id);
end
$$;
comment on function api.explain_slot is
'Whether you may book this slot, or move the appointment there, and if not, why: {bookable, code, message, dentist_id}. The code is the first rule
that fails; dentist_id is who was asked for, or who would be chosen if nobody was. Who sees the calendar is told what is in the way, and which part of the visit
finds nothing. Errors: not_found, invalid_argument; not_offered and booking_limit are answers; and those of an appointment, as in available_slots.';
grant execute on function api.explain_slot to anon, authenticated, service_role;
