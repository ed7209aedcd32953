-- Series: one visit again and again, each at the same time of the clinic's clock and judged as if it were booked alone.

create function clinic.clean_rhythm(every text)
returns interval
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_every interval := clinic.required(clinic.span_of(clean_rhythm.every, 'every'), 'every');
begin
  if (v_every between '1 day' and '366 days' and clinic.is_rhythm(v_every)) is not true then
    perform clinic.refuse('invalid_argument', 'every must be whole days, weeks or months, a year at most.', hint => 'Send it as "1 week" or "6 months".');
  end if;
  return v_every;
end
$$;
comment on function clinic.clean_rhythm is 'How far apart the visits of a series are. Errors: invalid_argument.';

create function clinic.series_starts(starts_at timestamptz, every interval, occurrences integer, time_zone text)
returns timestamptz []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_first timestamp := starts_at at time zone series_starts.time_zone;
  v_starts timestamptz [];
begin
  if (series_starts.occurrences between 2 and 60) is not true then
    perform clinic.refuse('invalid_argument', 'occurrences must be 2 to 60.');
  end if;
  -- All from the first, so that months do not wear off: the 31st, the 28th, and the 31st again.
  v_starts := array(
    select case n when 0 then series_starts.starts_at else clinic.wall_instant(v_first + n * series_starts.every, series_starts.time_zone) end
    from generate_series(0, series_starts.occurrences - 1) as n
    order by n
  );
  if v_starts[series_starts.occurrences] > '2200-01-01Z' then
    perform clinic.refuse('invalid_argument', 'A series ends before the year 2200.');
  end if;
  return v_starts;
end
$$;
comment on function clinic.series_starts is 'The starts of a series: the clinic''s clock shows the same time at each. Errors: invalid_argument.';

create function clinic.lock_series(appointment_type_id uuid, dentist_id uuid)
returns clinic.bookable
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable := clinic.bookable(lock_series.appointment_type_id, lock_series.dentist_id);
  v_policy clinic.clinics := v_bookable.policy;
  v_wanted uuid [] := clinic.wanted_resources(
    array(select l.dentist_id from unnest(v_bookable.leaders) as l), v_policy.id, v_bookable.parts
  );
  -- What makes room for one of the visits frees all that it holds, and that is handed over.
  v_room uuid [] := array(
    select t.id
    from clinic.slot_reservations as r
    cross join unnest(clinic.taken_resources(r.dentist_id, r.parts)) as t (id)
    where
      r.outcome is null and (r.expires_at <= clock_timestamp() or r.held_by = auth.uid())
      and clinic.taken_resources(r.dentist_id, r.parts) && v_wanted
  );
begin
  if v_room <> '{}' then
    v_wanted := clinic.with_waiting(v_wanted || v_room);
  end if;
  perform clinic.lock_calendars(variadic v_wanted);
  return clinic.bookable(lock_series.appointment_type_id, lock_series.dentist_id);
end
$$;
comment on function clinic.lock_series is
'What can be booked, with the calendars of all that its visits might claim locked, whenever they are. Errors: not_found, not_offered, try_again.';

create type clinic.series as (
  id uuid,
  bookable clinic.bookable,
  dentist_id uuid,
  patient_id uuid,
  role text,
  on_conflict text,
  reach integer,
  as_of timestamptz
);
comment on type clinic.series is 'What all visits of a series have in common; reach: how many days around its own the nearest free time may be.';

create function clinic.nearest_slot(series clinic.series, slot clinic.slot_reservations)
returns clinic.slot_reservations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics := (series.bookable).policy;
  v_day date := slot.starts_at at time zone v_policy.time_zone;
  v_wished constant timestamptz := slot.starts_at;
begin
  slot.starts_at := null;
  select near.dentist_id, near.starts_at, near.ends_at into slot.dentist_id, slot.starts_at, slot.ends_at
  from clinic.judge_slots(
    series.bookable, slot, v_day - series.reach, v_day + series.reach, series.as_of, clinic.is_desk(series.role)
  ) as near
  where near.code is null
  order by abs(extract(epoch from near.starts_at - v_wished)), near.starts_at, near.dentist_id
  limit 1;
  return slot;
end
$$;
comment on function clinic.nearest_slot is 'The same visit at the free time nearest to its own; its start is null where there is none within reach.';

create function clinic.refused_start(starts_at timestamptz, code text, moved_to timestamptz)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'starts_at', refused_start.starts_at, 'code', e.code, 'message', e.message, 'moved_to', refused_start.moved_to
  )
  from clinic.error_codes as e where e.code = refused_start.code;
$$;
comment on function clinic.refused_start is 'A start of a series that could not be had, why, and where the visit went instead, if anywhere.';

create function clinic.place_in_series(series clinic.series, place integer, starts_at timestamptz, is_dry boolean)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_slot clinic.slot_reservations;
  v_code text;
  v_detail text;
  v_refused jsonb;
begin
  if not clinic.is_desk(series.role) then
    perform clinic.require_one_more(series.bookable, series.role, series.patient_id);
  end if;
  v_slot := clinic.requested_slot(
    series.bookable, series.dentist_id, place_in_series.starts_at, series.patient_id, series.role, series.as_of
  );
  v_code := clinic.judge_slot(series.bookable, v_slot, series.as_of, clinic.is_desk(series.role));
  -- What is only offered makes room for staff, as wherever they book.
  if v_code = 'slot_taken' and clinic.is_desk(series.role) and clinic.take_offers(series.bookable, v_slot, series.as_of, false) then
    v_code := null;
  end if;
  if v_code is not null and series.on_conflict = 'reject' and not is_dry then
    begin
      perform clinic.require_slot(series.bookable, v_slot, series.as_of, clinic.is_desk(series.role));
    exception
      when sqlstate 'PGRST' then
        get stacked diagnostics v_detail = pg_exception_detail;
        perform clinic.refuse_visit(place, sqlerrm, v_detail); -- and the others go with it
    end;
  elsif v_code is not null then
    if series.on_conflict = 'nearest' then
      v_slot := clinic.nearest_slot(series, v_slot);
    else
      v_slot.starts_at := null;
    end if;
    v_refused := clinic.refused_start(place_in_series.starts_at, v_code, v_slot.starts_at);
  end if;
  if v_slot.starts_at is null then
    return jsonb_build_object('refused', v_refused);
  end if;
  v_slot.parts := clinic.fit_parts(v_slot);
  return jsonb_build_object('refused', v_refused, 'appointment', to_jsonb(
    clinic.insert_appointment(v_slot, series.patient_id, null, series.role, series_id => series.id)
  ));
end
$$;
comment on function clinic.place_in_series is
'Judges one visit of a series and books it, at its own time or, if so wanted, the nearest. Returns {appointment, refused}. Call it under the locks.
Errors (reject): those of the slot; not_offered, booking_limit, try_again.';

create function clinic.say_once(visits jsonb, kind text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.skip(array_agg(m.id), 'superseded')
  from jsonb_array_elements(say_once.visits) with ordinality as v (visit, place)
  inner join clinic.messages as m
    on
      m.clinic_id = (v.visit ->> 'clinic_id')::uuid and m.patient_id = (v.visit ->> 'patient_id')::uuid
      and m.appointment_id = (v.visit ->> 'id')::uuid
  where m.kind = say_once.kind and m.state = 'planned' and v.place > 1;
end
$$;
comment on function clinic.say_once is 'Of what happened to several visits at once, who is written to reads once; each is still reminded of.';

create function clinic.place_series(series clinic.series, starts timestamptz [], is_dry boolean)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_placed jsonb;
  v_visits jsonb := '[]'::jsonb;
  v_refused jsonb := '[]'::jsonb;
begin
  for n in 1..cardinality(starts) loop
    v_placed := clinic.place_in_series(series, n - 1, starts[n], is_dry);
    if v_placed ? 'appointment' then
      v_visits := v_visits || (v_placed -> 'appointment');
    end if;
    if jsonb_typeof(v_placed -> 'refused') = 'object' then
      v_refused := v_refused || (v_placed -> 'refused');
    end if;
  end loop;
  perform clinic.say_once(v_visits, 'booked');
  return jsonb_build_object(
    'series_id', case when v_visits <> '[]' then series.id end, 'clinic_id', ((series.bookable).policy).id, 'patient_id', series.patient_id,
    'dry_run', is_dry, 'appointments', v_visits, 'refused', v_refused
  );
end
$$;
comment on function clinic.place_series is 'Books the visits of a series one after another. Call it under the locks.';

create function clinic.try_series(
  appointment_type_id uuid, dentist_id uuid, patient_id uuid, starts timestamptz [], every interval, on_conflict text, is_dry boolean
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_series clinic.series;
  v_clinic_id uuid;
  v_answer jsonb;
  v_nobody jsonb := jsonb_build_object();
begin
  v_series.bookable := clinic.lock_series(try_series.appointment_type_id, try_series.dentist_id);
  v_clinic_id := ((v_series.bookable).policy).id;
  v_series.as_of := clock_timestamp();
  v_series.id := gen_random_uuid();
  v_series.dentist_id := try_series.dentist_id;
  v_series.role := clinic.booking_role(v_clinic_id, try_series.dentist_id);
  v_series.on_conflict := try_series.on_conflict;
  -- Not so far that a visit comes into the way of the next one.
  v_series.reach := least(6, (extract(epoch from every) / 86400 - 1)::integer / 2);
  v_series.patient_id := clinic.required(
    clinic.booking_patient(v_clinic_id, v_series.role, try_series.patient_id), 'patient_id'
  );
  v_answer := clinic.place_series(v_series, starts, is_dry);
  if is_dry then
    raise sqlstate 'CTDRY';
  end if;
  return v_answer;
exception
  when sqlstate 'CTDRY' then -- as if nothing had happened, but for what it would have been
    if not exists (select from clinic.patients as p where p.id = v_series.patient_id) then
      v_nobody := jsonb_build_object('patient_id', null); -- who is new would have become a patient
    end if;
    return v_answer || v_nobody || jsonb_build_object('series_id', null, 'appointments', (
      select coalesce(jsonb_agg(a.visit || jsonb_build_object('id', null, 'series_id', null) || v_nobody order by a.place), '[]')
      from jsonb_array_elements(v_answer -> 'appointments') with ordinality as a (visit, place)
    ));
end
$$;
comment on function clinic.try_series is 'Books a series; if it is_dry, takes that back, and says what it would have been.';

create function clinic.book_series(
  dentist_id uuid, appointment_type_id uuid, starts_at text, every text, occurrences integer, patient_id uuid, on_conflict text,
  dry_run boolean, idempotency_key text
)
returns jsonb
language plpgsql
volatile
security definer -- books for a caller it has checked
set search_path = ''
as $$
declare
  v_starts_at timestamptz := clinic.required_instant(book_series.starts_at, 'starts_at');
  v_every interval := clinic.clean_rhythm(book_series.every);
  v_request jsonb := jsonb_build_array(
    book_series.dentist_id, book_series.appointment_type_id, extract(epoch from v_starts_at), book_series.every, book_series.occurrences,
    book_series.patient_id, book_series.on_conflict, book_series.dry_run
  );
  v_bookable clinic.bookable;
  v_answer jsonb;
begin
  perform clinic.require_user();
  if (book_series.on_conflict = any ('{reject,skip,nearest}')) is not true then
    perform clinic.refuse('invalid_argument', 'on_conflict must be reject, skip or nearest.');
  end if;
  v_answer := clinic.replay('book_series', book_series.idempotency_key, v_request);
  if v_answer is null then
    v_bookable := clinic.bookable(book_series.appointment_type_id, book_series.dentist_id);
    v_answer := clinic.try_series(
      book_series.appointment_type_id, book_series.dentist_id, book_series.patient_id,
      clinic.series_starts(v_starts_at, v_every, book_series.occurrences, (v_bookable.policy).time_zone),
      v_every, book_series.on_conflict, coalesce(book_series.dry_run, false)
    );
    -- A dry run leaves nothing behind, no key either.
    if book_series.dry_run is not true then
      perform clinic.remember('book_series', book_series.idempotency_key, v_request, v_answer);
    end if;
  end if;
  return v_answer;
end
$$;
grant execute on function clinic.book_series to anon, authenticated, service_role;

create function api.book_series(
  appointment_type_id uuid,
  starts_at text,
  every text,
  occurrences integer,
  dentist_id uuid default null,
  patient_id uuid default null,
  on_conflict text default 'reject',
  dry_run boolean default false,
  idempotency_key text default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.book_series(
    dentist_id, appointment_type_id, starts_at, every, occurrences, patient_id, on_conflict, dry_run, idempotency_key
  );
end
$$;
comment on function api.book_series is
'Books a visit 2 to 60 times, every so many whole days, weeks or months from starts_at on, each at the same time of the clinic''s clock and judged as
book_appointment judges it, with this dentist or whoever is free (null). Where a time cannot be had, on_conflict says what then: reject (all or none), skip
it, or take the nearest free time, of the days around it. dry_run books nothing and says what it would do. Returns {series_id, clinic_id, patient_id, dry_run,
appointments (rows; of a dry run without id), refused: [{starts_at, code, message, moved_to}]}. Patients book for themselves, within the
clinic''s limits. Who is written to is told of the first visit, and reminded of each.
Errors: those of book_appointment (reject: visits[n] says of which visit).';
grant execute on function api.book_series to anon, authenticated, service_role;


-- Cancel ---------------------------------------------------------------------------------------------------------------

create function clinic.cancel_in_series(visit clinic.appointments)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_told jsonb;
begin
  visit := clinic.lock_appointment(visit);
  return jsonb_build_object('appointment', to_jsonb(
    clinic.end_appointment(visit, clinic.appointment_role(visit), 'cancelled', null)
  ));
exception
  when sqlstate 'PGRST' then
    v_told := sqlerrm::jsonb;
    if v_told ->> 'code' <> all ('{too_late_to_cancel,invalid_transition}') then
      raise;
    end if;
    return jsonb_build_object('refused', jsonb_build_object(
      'appointment_id', visit.id, 'starts_at', visit.starts_at, 'code', v_told ->> 'code', 'message', v_told ->> 'message'
    ));
end
$$;
comment on function clinic.cancel_in_series is 'Cancels one visit of a series, or says why not: {appointment} or {refused}. Errors: stale_version, try_again.';

create function clinic.cancel_series(series_id uuid, from_time text)
returns jsonb
language plpgsql
volatile
security definer -- changes appointments for a caller it has checked
set search_path = ''
as $$
declare
  v_from timestamptz := case when cancel_series.from_time is not null then clinic.required_instant(cancel_series.from_time, 'from_time') end;
  v_visits clinic.appointments [];
  v_visit clinic.appointments;
  v_ended jsonb;
  v_cancelled jsonb := '[]'::jsonb;
  v_refused jsonb := '[]'::jsonb;
begin
  perform clinic.require_user();
  v_visits := array(
    select a from clinic.appointments as a
    where
      a.series_id = clinic.required(cancel_series.series_id, 'series_id')
      and (clinic.sees_calendar(a.clinic_id, a.dentist_id) or a.patient_id = any (clinic.my_patients()))
    order by a.starts_at
  );
  if v_visits = '{}' then
    perform clinic.refuse('not_found', 'There is no such series.');
  end if;
  perform clinic.lock_calendars(variadic clinic.with_waiting(array(
    select t.id from unnest(v_visits) as v cross join unnest(clinic.taken_resources(v.dentist_id, v.parts)) as t (id)
    where v.status = 'booked'
  )));
  foreach v_visit in array v_visits loop
    continue when v_visit.status <> 'booked' or v_visit.starts_at < greatest(v_from, clock_timestamp());
    v_ended := clinic.cancel_in_series(v_visit);
    v_cancelled := v_cancelled || coalesce(v_ended -> 'appointment', '[]');
    v_refused := v_refused || coalesce(v_ended -> 'refused', '[]');
  end loop;
  perform clinic.say_once(v_cancelled, 'cancelled');
  return jsonb_build_object('series_id', cancel_series.series_id, 'appointments', v_cancelled, 'refused', v_refused);
end
$$;
grant execute on function clinic.cancel_series to anon, authenticated, service_role;

create function api.cancel_series(series_id uuid, from_time text default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.cancel_series(series_id, from_time);
end
$$;
comment on function api.cancel_series is
'Cancels what is ahead of a series, from this instant on (null: all of it); again changes nothing. For its patient, within the clinic''s notice, and staff; a dentist
cancels what is in their own calendar. Returns {series_id, appointments: the rows that were cancelled, refused: [{appointment_id, starts_at, code, message}]}.
Errors: not_authenticated, not_found, invalid_argument, stale_version, try_again.';
grant execute on function api.cancel_series to anon, authenticated, service_role;
