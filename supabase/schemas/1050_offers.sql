-- Offers: what can be booked, by whom and for whom, where an appointment can move, and what somebody asks for.

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
  if (v_bookable.type).has_parts then
    return clinic.with_parts(v_bookable);
  end if;
  return v_bookable;
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

create function clinic.same_person(patient_id uuid, clinic_id uuid)
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_patient clinic.patients;
begin
  select * into v_patient from clinic.patients as p where p.id = same_person.patient_id and p.clinic_id = same_person.clinic_id;
  if v_patient.source <> 'online' or v_patient.phone is null and v_patient.email is null then
    return array[same_person.patient_id];
  end if;
  return array(
    select p.id from clinic.patients as p
    where p.clinic_id = same_person.clinic_id and clinic.phone_key(p.phone) = clinic.phone_key(v_patient.phone) and p.source = 'online'
    union
    select p.id from clinic.patients as p
    where p.clinic_id = same_person.clinic_id and clinic.email_key(p.email) = clinic.email_key(v_patient.email) and p.source = 'online'
    union
    select same_person.patient_id
  );
end
$$;
comment on function clinic.same_person is
'The patient, and all who signed up with the same phone number or address: signing up again makes nobody new.';

create function clinic.lock_contact(patient_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_contact text;
begin
  for v_contact in
    select distinct c.contact
    from clinic.patients as p
    cross join lateral unnest(array[clinic.phone_key(p.phone), clinic.email_key(p.email)]) as c (contact)
    where p.id = lock_contact.patient_id and p.clinic_id = lock_contact.clinic_id and p.source = 'online' and c.contact is not null
    order by c.contact
  loop
    perform clinic.take_lock(hashtextextended('chairtime:contact:' || lock_contact.clinic_id || v_contact, 0));
  end loop;
end
$$;
comment on function clinic.lock_contact is
'One call after another of all who signed up with the same phone number or address, or they would outrun what is counted. After the patient''s lock.
Errors: try_again.';

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
  v_people uuid [];
begin
  if clinic.is_desk(role) then
    return null;
  elsif v_audience = 'staff' or v_audience <> 'everyone' and (
    coalesce(clinic.is_known(offer_code.patient_id, v_policy.id), false) <> (v_audience = 'known_patients')
  ) then
    return 'not_offered';
  elsif offer_code.patient_id is not null then
    v_people := clinic.same_person(offer_code.patient_id, v_policy.id);
    select count(*) into v_ahead
    from (
      select a.id from clinic.appointments as a
      where
        a.patient_id = any (v_people) and a.clinic_id = v_policy.id and a.status = 'booked'
        and a.starts_at > clock_timestamp()
      union all
      select r.id from clinic.slot_reservations as r
      where
        with_holds and r.patient_id = any (v_people) and r.clinic_id = v_policy.id and r.outcome is null
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
    case when (t.min_notice, t.booking_horizon, t.slot_interval) is null then c else clinic.own_rules(c, t) end, t,
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
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select r.id from clinic.slot_reservations as r
    where r.held_by = (select auth.uid()) and r.clinic_id = own_holds.clinic_id and r.outcome is null
  );
end
$$;
comment on function clinic.own_holds is 'The caller''s holds. Those of a patient never block what the patient does instead; ask for no one else''s.';

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
  v_role text;
begin
  perform clinic.require_user(writes => false);
  v_role := clinic.appointment_role(appointment);
  perform clinic.require_movable(appointment, v_role);
  return row(
    clinic.movable(appointment, v_role, wish_to_move.dentist_id), clinic.as_slot(appointment), clinic.is_desk(v_role),
    case when v_role = 'patient' then clinic.own_holds(appointment.clinic_id) else array[]::uuid [] end, null
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
    bookable, clinic.slot(bookable, (bookable.leaders)[1], null, v_patient_id), v_is_desk,
    case when v_role is null then clinic.own_holds(v_clinic_id) else array[]::uuid [] end,
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
    perform clinic.require_user(writes => false);
    perform clinic.appointment_role(v_appointment);
    perform clinic.refuse('invalid_argument', 'appointment_type_id is not that of the appointment.');
  end if;
  return clinic.wish_to_move(v_appointment, wish.dentist_id);
end
$$;
comment on function clinic.wish is
'What the caller asks for, as they may ask it: with one dentist or anybody (null), and as a move if an appointment is named. Errors: not_found,
invalid_argument; of an appointment also not_authenticated, forbidden, not_offered, invalid_transition, too_late_to_cancel.';
