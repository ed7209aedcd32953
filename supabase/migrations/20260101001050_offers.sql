-- Offers: what can be booked, by whom and for whom; listed, explained, and looked for.

-- What can be booked ---------------------------------------------------------------------------------------------------

create function clinic.leaders(type clinic.appointment_types)
returns clinic.leader []
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select row(d.id, coalesce(l.duration, type.duration))::clinic.leader
    from clinic.dentist_types as l
    inner join clinic.dentists as d on l.dentist_id = d.id and l.clinic_id = d.clinic_id
    where l.appointment_type_id = type.id and l.clinic_id = type.clinic_id and d.is_active
    order by d.id
  );
end
$$;
comment on function clinic.leaders is 'The active dentists who lead visits of this type.';

create function clinic.own_rules(policy clinic.clinics, type clinic.appointment_types)
returns clinic.clinics
language plpgsql
immutable
set search_path = ''
as $$
begin
  policy.min_notice := coalesce(type.min_notice, policy.min_notice);
  policy.booking_horizon := coalesce(type.booking_horizon, policy.booking_horizon);
  policy.slot_interval := coalesce(type.slot_interval, policy.slot_interval);
  return policy;
end
$$;
comment on function clinic.own_rules is 'The clinic''s policy with what the type says of notice, horizon and grid.';

create function clinic.with_parts(bookable clinic.bookable)
returns clinic.bookable
language plpgsql
stable
set search_path = ''
as $$
declare
  v_type clinic.appointment_types := bookable.type;
begin
  bookable.parts := clinic.needed_parts(v_type.id, v_type.clinic_id);
  select p.starts_after, p.lasts into bookable.leads_after, bookable.leads_for
  from clinic.type_parts as p
  where p.appointment_type_id = v_type.id and p.clinic_id = v_type.clinic_id and p.part = 0;
  bookable.leads_after := coalesce(bookable.leads_after, '0');
  return bookable;
end
$$;
comment on function clinic.with_parts is 'The same, with what a visit of the type needs.';

create function clinic.who_does_not(dentist_id uuid)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case when who_does_not.dentist_id is null then 'Nobody does this.' else 'This dentist does not do this.' end;
end
$$;
comment on function clinic.who_does_not is 'What is said where nobody, or not the dentist who is named, leads a type of visit.';

create function clinic.bookable(appointment_type_id uuid, dentist_id uuid default null, is_question boolean default false)
returns clinic.bookable
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid := clinic.required(bookable.appointment_type_id, 'appointment_type_id');
  v_bookable clinic.bookable;
begin
  select
    case when (t.min_notice, t.booking_horizon, t.slot_interval) is null then c else clinic.own_rules(c, t) end,
    t,
    case
      when bookable.dentist_id is null then clinic.leaders(t)
      when d.id is not null then array[row(d.id, coalesce(l.duration, t.duration))::clinic.leader]
      else '{}'
    end,
    interval '0', null::interval, array[]::clinic.visit_part []
  into v_bookable
  from clinic.appointment_types as t
  inner join clinic.clinics as c on t.clinic_id = c.id
  left join clinic.dentist_types as l
    on l.dentist_id = bookable.dentist_id and t.clinic_id = l.clinic_id and t.id = l.appointment_type_id
  left join clinic.dentists as d on l.dentist_id = d.id and l.clinic_id = d.clinic_id and d.is_active
  where t.id = v_id and t.is_active;
  if not found then
    perform clinic.refuse('not_found', 'There is no such appointment type.');
  elsif v_bookable.leaders = '{}' then
    if bookable.dentist_id is not null then
      perform clinic.bookable_dentist((v_bookable.type).clinic_id, bookable.dentist_id);
    end if;
    if not is_question then
      perform clinic.refuse(
        'not_offered', clinic.who_does_not(bookable.dentist_id),
        hint => 'Choose another dentist or another type of visit.', clinic_id => (v_bookable.policy).id
      );
    end if;
  end if;
  return case when (v_bookable.type).has_parts then clinic.with_parts(v_bookable) else v_bookable end;
end
$$;
comment on function clinic.bookable is
'The active appointment type with its clinic and what it needs, and who leads it: all who do, or the one who is named.
Errors: not_found; not_offered where nobody is left, unless it is_question.';

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

create function clinic.is_known(patient_id uuid, clinic_id uuid)
returns boolean
language sql
stable
set search_path = ''
as $$
  select
    exists (
      select from clinic.patients as p
      where p.id = is_known.patient_id and p.clinic_id = is_known.clinic_id and p.source in ('desk', 'service')
    )
    or exists (
      select from clinic.appointments as a
      where
        a.patient_id = is_known.patient_id and a.clinic_id = is_known.clinic_id and a.status in ('checked_in', 'fulfilled')
    );
$$;
comment on function clinic.is_known is 'Whether the clinic knows this patient: its desk entered them, or they have been there.';

create function clinic.offer_code(bookable clinic.bookable, role text, patient_id uuid, with_holds boolean default false)
returns text
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_audience constant text := (bookable.type).audience;
  v_ahead integer;
begin
  if clinic.is_desk(role) then
    return null;
  elsif v_audience = 'staff' or v_audience <> 'everyone' and (
    coalesce(clinic.is_known(offer_code.patient_id, v_policy.id), false) <> (v_audience = 'known_patients')
  ) then
    return 'not_offered';
  elsif offer_code.patient_id is not null then
    select count(*) into v_ahead
    from (
      select a.id from clinic.appointments as a
      where
        a.patient_id = offer_code.patient_id and a.clinic_id = v_policy.id and a.status = 'booked'
        and a.starts_at > clock_timestamp()
      union all
      select r.id from clinic.slot_reservations as r
      where
        with_holds and r.patient_id = offer_code.patient_id and r.clinic_id = v_policy.id and r.outcome is null
        and r.expires_at > clock_timestamp()
    ) as ahead;
    return case when v_ahead >= v_policy.max_upcoming then 'booking_limit' end;
  end if;
  return null;
end
$$;
comment on function clinic.offer_code is
'Why this cannot be booked at any time by who is no staff: not_offered (it is not for them), booking_limit (they have enough ahead); null when it can.';

create function clinic.require_offered(bookable clinic.bookable, role text, patient_id uuid, with_holds boolean default false)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_code text := clinic.offer_code(bookable, role, patient_id, with_holds);
begin
  if v_code = 'booking_limit' then
    perform clinic.refuse(
      v_code, 'The patient has as many appointments ahead as the clinic permits.', hint => 'Call the clinic.', clinic_id => v_policy.id
    );
  elsif v_code is not null then
    perform clinic.refuse(v_code, clinic_id => v_policy.id);
  end if;
end
$$;
comment on function clinic.require_offered is 'Passes staff, and who may book this at some time; otherwise not_offered or booking_limit.';


-- Where an appointment can move ----------------------------------------------------------------------------------------

create function clinic.movable(appointment clinic.appointments, role text, dentist_id uuid default null)
returns clinic.bookable
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable;
  v_is_desk constant boolean := clinic.is_desk(role);
begin
  select
    clinic.own_rules(c, t), t,
    array(
      select row(d.id, appointment.ends_at - appointment.starts_at)::clinic.leader
      from clinic.dentists as d
      left join clinic.dentist_types as l
        on d.id = l.dentist_id and d.clinic_id = l.clinic_id and l.appointment_type_id = appointment.appointment_type_id
      where
        d.clinic_id = appointment.clinic_id and (movable.dentist_id is null or d.id = movable.dentist_id)
        -- The desk may still move visits within the calendar of somebody who has left, or does this no more.
        and (d.is_active and l.dentist_id is not null or v_is_desk and d.id = appointment.dentist_id)
        and (movable.role <> 'dentist' or d.id = any (clinic.my_dentists(appointment.clinic_id)))
      order by d.id
    ),
    appointment.leads_after, appointment.leads_for, appointment.parts
  into v_bookable
  from clinic.appointment_types as t
  inner join clinic.clinics as c on t.clinic_id = c.id
  where t.id = appointment.appointment_type_id and t.clinic_id = appointment.clinic_id;
  if movable.dentist_id is not null and v_bookable.leaders = '{}' then
    if movable.dentist_id <> appointment.dentist_id or not v_is_desk then
      perform clinic.bookable_dentist(appointment.clinic_id, movable.dentist_id);
    end if;
    if movable.role = 'dentist' and movable.dentist_id <> all (clinic.my_dentists(appointment.clinic_id)) then
      perform clinic.refuse('forbidden', 'A dentist books in their own calendar.');
    end if;
    perform clinic.refuse('not_offered', clinic.who_does_not(movable.dentist_id), hint => 'Choose another dentist.');
  end if;
  return v_bookable;
end
$$;
comment on function clinic.movable is
'As bookable, for an appointment that moves: its own length and parts, whatever its type says by now, and who can lead it then: all who can, or the one
who is named. Errors: not_found, forbidden, not_offered.';

create function clinic.require_movable(appointment clinic.appointments, role text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if appointment.status <> 'booked' then
    perform clinic.refuse('invalid_transition', format('An appointment that is %s cannot be moved.', appointment.status));
  end if;
  perform clinic.require_notice(appointment, role);
end
$$;
comment on function clinic.require_movable is 'Passes an appointment that this caller may move somewhere. Errors: invalid_transition, too_late_to_cancel.';


-- What somebody asks for -----------------------------------------------------------------------------------------------

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

create type clinic.wish as (
  bookable clinic.bookable,
  visit clinic.slot_reservations,
  is_desk boolean,
  except_claims uuid [],
  code text
);
comment on type clinic.wish is
'What a caller asks for: to book something new, or to move an appointment (visit). except_claims are their own holds; code says why they cannot
have it at any time (null: they can).';

create function clinic.wish_to_move(appointment clinic.appointments, dentist_id uuid)
returns clinic.wish
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_role text := clinic.appointment_role(appointment);
begin
  perform clinic.require_movable(appointment, v_role);
  return row(
    clinic.movable(appointment, v_role, wish_to_move.dentist_id), clinic.as_slot(appointment), clinic.is_desk(v_role),
    clinic.own_holds(appointment.clinic_id), null
  )::clinic.wish;
end
$$;
comment on function clinic.wish_to_move is
'The wish to move an appointment. Errors: not_authenticated, not_found, forbidden, not_offered, invalid_transition, too_late_to_cancel.';

create function clinic.wish_to_book(bookable clinic.bookable, dentist_id uuid)
returns clinic.wish
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_clinic_id uuid := (bookable.policy).id;
  v_role text := clinic.my_role(v_clinic_id);
  v_is_desk boolean := coalesce(clinic.is_desk(v_role), false);
  v_patient_id uuid;
  v_code text;
begin
  if not v_is_desk then
    v_patient_id := clinic.my_patient(v_clinic_id);
    v_code := clinic.offer_code(bookable, coalesce(v_role, 'patient'), v_patient_id);
  end if;
  return row(
    bookable, clinic.slot(bookable, (bookable.leaders)[1], null, v_patient_id), v_is_desk, clinic.own_holds(v_clinic_id),
    case when wish_to_book.dentist_id is not null and bookable.leaders = '{}' then 'not_offered' else v_code end
  )::clinic.wish;
end
$$;
comment on function clinic.wish_to_book is 'The wish for something new, with this dentist or anybody who leads it (null).';

create function clinic.wish(appointment_type_id uuid, dentist_id uuid, appointment_id uuid)
returns clinic.wish
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_appointment clinic.appointments;
begin
  if wish.appointment_id is null then
    return clinic.wish_to_book(clinic.bookable(wish.appointment_type_id, wish.dentist_id, is_question => true), wish.dentist_id);
  end if;
  select * into v_appointment from clinic.appointments as a where a.id = wish.appointment_id;
  if wish.appointment_type_id <> v_appointment.appointment_type_id then
    perform clinic.appointment_role(v_appointment);
    perform clinic.refuse('invalid_argument', 'appointment_type_id is not that of the appointment.');
  end if;
  return clinic.wish_to_move(v_appointment, wish.dentist_id);
end
$$;
comment on function clinic.wish is
'What the caller asks for, as they may ask it: with one dentist or anybody (null), and as a move if an appointment is named. Errors: not_found,
invalid_argument; of an appointment also not_authenticated, forbidden, not_offered, invalid_transition, too_late_to_cancel.';


-- Listing --------------------------------------------------------------------------------------------------------------

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
