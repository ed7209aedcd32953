-- Holding: reserve and release, and the steps that every way of booking shares. Each takes the locks of all that the
-- visit might claim, asks the one predicate, and lets the tables' triggers claim the time.

-- Who books, and for whom --------------------------------------------------------------------------------------------

create function clinic.booking_role(clinic_id uuid, dentist_id uuid)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_role text := clinic.my_role(booking_role.clinic_id);
begin
  if v_role = 'chatbot' then
    perform clinic.refuse('forbidden', 'A chatbot books with chatbot_hold and chatbot_confirm.');
  elsif v_role = 'dentist' and (booking_role.dentist_id = any (clinic.my_dentists(booking_role.clinic_id))) is not true then
    perform clinic.refuse('forbidden', 'A dentist books in their own calendar.');
  end if;
  return coalesce(v_role, 'patient');
end
$$;
comment on function clinic.booking_role is
'As what the caller, a user, books with this dentist (null: any): service, admin, receptionist, dentist or patient.';

create function clinic.lock_record(patient_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_patient(lock_record.patient_id);
  if not exists (
    select from clinic.patients as p
    where p.id = lock_record.patient_id and p.clinic_id = lock_record.clinic_id and p.merged_into is null and p.erased_at is null
  ) then
    perform clinic.refuse('not_found', 'There is no such patient in this clinic.');
  end if;
end
$$;
comment on function clinic.lock_record is
'Waits for the patient, and passes who is there still: not one who was merged or erased meanwhile. Errors: not_found, try_again.';

create function clinic.booking_patient(clinic_id uuid, role text, patient_id uuid, is_hold boolean default false)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_patient_id uuid := booking_patient.patient_id;
begin
  if role = 'patient' and (v_patient_id = any (clinic.my_patients())) is not true then
    v_patient_id := clinic.own_patient(booking_patient.clinic_id, is_hold);
    -- Another than one's own, and not one that one acts for.
    if booking_patient.patient_id <> v_patient_id or booking_patient.patient_id is not null and v_patient_id is null then
      perform clinic.refuse('not_found', 'There is no such patient in this clinic.');
    end if;
  end if;
  if v_patient_id is not null then
    perform clinic.lock_record(v_patient_id, booking_patient.clinic_id);
    if role = 'patient' then
      perform clinic.lock_contact(v_patient_id, booking_patient.clinic_id);
    end if;
  end if;
  return v_patient_id;
end
$$;
comment on function clinic.booking_patient is
'For whom the caller books, locked: patients for themselves or whom they are the guardian of, staff for any patient of the clinic (null: not said).
Call it under the calendars'' locks. Errors: not_found, invalid_argument (a guest who has not said who they are).';

create function clinic.own_patient(clinic_id uuid, is_hold boolean)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_patient_id uuid := clinic.my_patient(own_patient.clinic_id);
  v_profile clinic.profiles;
begin
  if v_patient_id is null and not (is_hold and clinic.is_guest()) then
    select * into v_profile from clinic.profiles as p where p.user_id = auth.uid();
    if clinic.lacks_contact(v_profile) then
      perform clinic.refuse(
        'invalid_argument', 'Say who you are: a name, and a phone number or an e-mail address.',
        hint => 'Call update_me with full_name, and phone or email; then send the request again.'
      );
    end if;
    -- The same login may book for the first time twice at once.
    perform clinic.take_lock(hashtextextended('chairtime:newcomer:' || own_patient.clinic_id || auth.uid(), 0));
    begin
      -- The Auth server takes addresses that are no name, and hardly one line.
      insert into clinic.patients (clinic_id, user_id, source, full_name, phone, email)
      select
        own_patient.clinic_id, u.id, 'online',
        coalesce(v_profile.full_name, case when clinic.is_name(l.name) then l.name end, 'Patient'),
        v_profile.phone,
        coalesce(case when length(u.email) between 3 and 320 and clinic.is_line(u.email) then u.email end, v_profile.email)
      from auth.users as u
      cross join lateral clinic.tidy_name(split_part(u.email, '@', 1)) as l (name)
      where u.id = auth.uid()
      on conflict on constraint patients_user_key do nothing;
    exception
      when foreign_key_violation then
        perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
    end;
    v_patient_id := clinic.my_patient(own_patient.clinic_id);
  end if;
  return v_patient_id;
end
$$;
comment on function clinic.own_patient is
'The caller''s patient record in the clinic, made from their profile at the first booking. A guest holds without one, and says who they are to book.
Errors: invalid_argument, not_authenticated (the login is deleted meanwhile).';

create function clinic.source_of(role text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return case role when 'patient' then 'online' when 'chatbot' then 'chatbot' when 'service' then 'service' else 'desk' end;
end
$$;
comment on function clinic.source_of is 'Where an appointment came from, by the role of who booked it.';


-- Steps that several paths share -------------------------------------------------------------------------------------

create function clinic.lock_for_visit(wanted uuid [], starts_at timestamptz)
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_now constant timestamptz := clock_timestamp();
  v_user_id constant uuid := auth.uid();
  v_frees boolean;
  v_room uuid [];
begin
  -- Holds that ran out, and the caller's own, make room for the visit: then what else they hold is freed, too. Mostly
  -- there are none.
  v_frees := v_user_id is not null and exists (
    select from clinic.slot_reservations as r where r.held_by = v_user_id and r.outcome is null
  );
  if v_frees or exists (select from clinic.slot_reservations as r where r.outcome is null and r.expires_at <= v_now) then
    v_room := array(
      select t.id
      from unnest(wanted) as w (id)
      inner join clinic.occupancy as o
        on w.id = o.resource_id and o.during && tstzrange(
          lock_for_visit.starts_at - interval '4 hours', lock_for_visit.starts_at + interval '16 hours'
        )
      inner join clinic.slot_reservations as r on o.id = r.id and o.clinic_id = r.clinic_id
      cross join unnest(clinic.taken_resources(r.dentist_id, r.parts)) as t (id)
      where r.outcome is null and (r.expires_at <= v_now or r.held_by = v_user_id)
    );
    if v_frees or v_room <> '{}' then
      wanted := clinic.with_waiting(wanted || v_room);
    end if;
  end if;
  return clinic.lock_calendars(variadic wanted);
end
$$;
comment on function clinic.lock_for_visit is
'Waits for the calendars of all that a visit might claim, and of what makes room for it. Returns the time after the wait. Errors: try_again.';

create function clinic.locked_bookable(appointment_type_id uuid, dentist_id uuid, starts_at timestamptz, user_id uuid default auth.uid())
returns clinic.bookable
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable;
  v_policy clinic.clinics;
  v_now constant timestamptz := clock_timestamp();
  v_is_alone boolean;
begin
  -- Mostly the visit needs nothing but the dentist who is named, and no hold has to make room for it: one look tells.
  v_is_alone := locked_bookable.dentist_id is not null
    and not exists (select from clinic.appointment_types as t where t.id = locked_bookable.appointment_type_id and t.has_parts)
    and not exists (select from clinic.slot_reservations as r where r.outcome is null and r.expires_at <= v_now)
    and (locked_bookable.user_id is null or not exists (
      select from clinic.slot_reservations as r where r.held_by = locked_bookable.user_id and r.outcome is null
    ));
  if v_is_alone then
    perform clinic.lock_calendars(locked_bookable.dentist_id);
  else
    v_bookable := clinic.bookable(locked_bookable.appointment_type_id, locked_bookable.dentist_id);
    v_policy := v_bookable.policy;
    perform clinic.lock_for_visit(
      clinic.wanted_resources(array(select l.dentist_id from unnest(v_bookable.leaders) as l), v_policy.id, v_bookable.parts),
      locked_bookable.starts_at
    );
  end if;
  return clinic.bookable(locked_bookable.appointment_type_id, locked_bookable.dentist_id);
end
$$;
comment on function clinic.locked_bookable is
'What can be booked, with the calendars of all that it might claim at this time locked. Errors: not_found, not_offered, try_again.';

create function clinic.lock_for_confirmation(hold clinic.slot_reservations)
returns timestamptz
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wanted uuid [] := clinic.wanted_resources(array[hold.dentist_id], hold.clinic_id, hold.parts);
begin
  -- An offer that is accepted may move a visit, from wherever that is.
  if hold.waitlist_id is not null then
    v_wanted := clinic.with_waiting(v_wanted || coalesce((
      select clinic.taken_resources(a.dentist_id, a.parts)
      from clinic.waitlist as w
      inner join clinic.appointments as a on w.moves_appointment_id = a.id and w.clinic_id = a.clinic_id
      where w.id = hold.waitlist_id and w.clinic_id = hold.clinic_id
    ), '{}'));
  end if;
  if hold.outcome is null and hold.expires_at > clock_timestamp() then
    return clinic.lock_calendars(variadic v_wanted);
  end if;
  return clinic.lock_for_visit(v_wanted, hold.starts_at);
end
$$;
comment on function clinic.lock_for_confirmation is
'Waits for the calendars of all that a hold takes, or might once it has run out. Returns the time after the wait. Errors: try_again.';

create function clinic.release_own_holds(bookable clinic.bookable, slot clinic.slot_reservations)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_full tstzmultirange := case when (bookable.type).max_per_day is not null then clinic.full_days(
    bookable, slot.dentist_id, tstzrange(slot.starts_at, slot.ends_at), clock_timestamp(), array[slot.id]
  ) end;
  v_in_the_way uuid [] := array(
    select r.id from clinic.slot_reservations as r
    where
      r.held_by = auth.uid() and r.outcome is null and r.patient_id is not distinct from slot.patient_id and r.id <> slot.id
      and (
        case
          when r.parts = '{}' and slot.parts = '{}' then
            r.dentist_id = slot.dentist_id and clinic.claimed(r) && clinic.claimed(slot)
          -- Any of what it takes may be what the other needs.
          else tstzrange(r.starts_at - r.buffer_before, r.ends_at + r.buffer_after)
            && tstzrange(slot.starts_at - slot.buffer_before, slot.ends_at + slot.buffer_after)
        end
        -- Or it is one too many of that day.
        or v_full @> slot.starts_at and (r.dentist_id, r.appointment_type_id) = (slot.dentist_id, slot.appointment_type_id)
        and (r.starts_at at time zone v_policy.time_zone)::date = (slot.starts_at at time zone v_policy.time_zone)::date
      )
  );
begin
  if v_in_the_way <> '{}' then
    perform clinic.end_holds(v_in_the_way, 'released');
  end if;
end
$$;
comment on function clinic.release_own_holds is 'A patient''s own hold never blocks what they book, hold or move to instead. Errors: try_again.';

create function clinic.requested_slot(
  bookable clinic.bookable, dentist_id uuid, starts_at timestamptz, patient_id uuid, role text, as_of timestamptz,
  may_have_begun boolean default false
)
returns clinic.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_leaders clinic.leader [] := bookable.leaders;
  v_slot clinic.slot_reservations := clinic.slot(bookable, v_leaders[1], requested_slot.starts_at, requested_slot.patient_id);
begin
  if requested_slot.dentist_id is null then
    v_slot := clinic.choose_leader(
      bookable, v_slot, as_of, clinic.is_desk(role),
      case when role = 'patient' then clinic.own_holds(v_slot.clinic_id) else '{}' end,
      requested_slot.may_have_begun and clinic.is_desk(role)
    );
  end if;
  if role = 'patient' then
    perform clinic.release_own_holds(bookable, v_slot);
  end if;
  return v_slot;
end
$$;
comment on function clinic.requested_slot is
'The slot that a caller wants, with the dentist who is named, or whoever is free; the desk''s may_have_begun. A patient''s own holds make room. Call it under the locks.';

create function clinic.insert_reservation(
  bookable clinic.bookable, slot clinic.slot_reservations, role text, as_of timestamptz
)
returns api.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_is_desk constant boolean := clinic.is_desk(role);
  v_row api.slot_reservations;
begin
  if not v_is_desk then
    perform clinic.require_new_hold(v_policy, role, as_of);
  end if;
  perform clinic.require_hold_allowed(v_policy, slot.patient_id, role, as_of);
  if not v_is_desk then
    perform clinic.require_offered(bookable, role, slot.patient_id, with_holds => true);
  end if;
  perform clinic.require_slot(bookable, slot, as_of, v_is_desk);
  insert into clinic.slot_reservations (
    id, clinic_id, dentist_id, appointment_type_id, patient_id, held_by, starts_at, ends_at, buffer_before,
    buffer_after, leads_after, leads_for, parts, assigned, expires_at
  )
  values (
    slot.id, slot.clinic_id, slot.dentist_id, slot.appointment_type_id, slot.patient_id, slot.held_by,
    slot.starts_at, slot.ends_at, slot.buffer_before, slot.buffer_after, slot.leads_after, slot.leads_for,
    clinic.fit_parts(slot), slot.assigned, as_of + v_policy.hold_duration
  );
  select r.* into v_row from api.slot_reservations as r where r.id = slot.id;
  return v_row;
end
$$;
comment on function clinic.insert_reservation is 'Judges and holds. Call it under the locks.';

create function clinic.require_hold_allowed(policy clinic.clinics, patient_id uuid, role text, as_of timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_people uuid [] := clinic.same_person(require_hold_allowed.patient_id, policy.id);
  v_held integer;
begin
  select count(*) into v_held
  from clinic.slot_reservations as r
  where
    r.clinic_id = policy.id and r.outcome is null and r.expires_at > as_of and r.waitlist_id is null
    -- Those who hold for others are limited per patient only; and what one chatbot is told keeps nobody from another.
    and (
      r.patient_id = any (v_people) and (role <> 'chatbot' or r.held_by = auth.uid())
      or role = 'patient' and r.held_by = auth.uid()
    );
  if v_held >= policy.max_active_holds then
    perform clinic.refuse('reservation_limit', clinic_id => policy.id);
  end if;
end
$$;
comment on function clinic.require_hold_allowed is 'Passes a holder and a patient with holds to spare; otherwise reservation_limit.';

create function clinic.require_new_hold(policy clinic.clinics, role text, as_of timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_held integer;
begin
  perform clinic.lock_login();
  select count(*) into v_held
  from clinic.slot_reservations as r
  where
    r.held_by = auth.uid() and r.clinic_id = policy.id and r.created_at > as_of - interval '1 hour' and r.waitlist_id is null
    -- A patient who books is not hoarding; a chatbot may book for people who do not exist.
    and (role = 'chatbot' or r.outcome is distinct from 'confirmed');
  if role = 'chatbot' and v_held >= policy.max_chatbot_bookings_per_hour then
    perform clinic.refuse('booking_limit', clinic_id => policy.id);
  elsif role <> 'chatbot' and v_held >= policy.max_holds_per_hour then
    perform clinic.refuse(
      'reservation_limit', 'You have held as many slots within an hour as the clinic permits.',
      hint => 'Book one at once, or try again later.', clinic_id => policy.id
    );
  end if;
end
$$;
comment on function clinic.require_new_hold is
'Passes a patient or a chatbot whose login has not held too much within the hour; otherwise reservation_limit for a patient, booking_limit for a chatbot.';

create function clinic.lock_login()
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.take_lock(hashtextextended('chairtime:login:' || clinic.caller_id(), 0));
end
$$;
comment on function clinic.lock_login is
'One call of this login after another, or a burst would outrun what is counted. The last of the locks: take no other after it.';


-- Reserve ------------------------------------------------------------------------------------------------------------

create function clinic.reserve_slot(
  dentist_id uuid, appointment_type_id uuid, starts_at text, patient_id uuid, idempotency_key text
)
returns api.slot_reservations
language plpgsql
volatile
security definer -- writes the ledger's causes for a caller it has checked
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_user();
  v_starts_at timestamptz := clinic.required_instant(reserve_slot.starts_at, 'starts_at');
  v_bookable clinic.bookable;
  v_now timestamptz;
  v_request jsonb;
  v_response jsonb;
  v_role text;
  v_patient_id uuid;
  v_row api.slot_reservations;
begin
  -- Most requests come without a key: nothing is built for them.
  if reserve_slot.idempotency_key is not null then
    v_request := jsonb_build_array(
      reserve_slot.dentist_id, reserve_slot.appointment_type_id, extract(epoch from v_starts_at), reserve_slot.patient_id
    );
    v_response := clinic.replay('reserve_slot', reserve_slot.idempotency_key, v_request);
    if v_response is not null then
      return jsonb_populate_record(null::api.slot_reservations, v_response);
    end if;
  end if;
  v_bookable := clinic.locked_bookable(reserve_slot.appointment_type_id, reserve_slot.dentist_id, v_starts_at, v_user_id);
  v_now := clock_timestamp();
  v_role := clinic.booking_role((v_bookable.policy).id, reserve_slot.dentist_id);
  v_patient_id := clinic.booking_patient((v_bookable.policy).id, v_role, reserve_slot.patient_id, is_hold => true);
  -- Reserving again what one already holds gives the same reservation, and no more time.
  if v_user_id is not null then
    select r.* into v_row from api.slot_reservations as r
    where r.id = (
      select h.id from clinic.slot_reservations as h
      where
        h.held_by = v_user_id and h.outcome is null and h.expires_at > v_now
        and (h.dentist_id = reserve_slot.dentist_id or reserve_slot.dentist_id is null and h.assigned = 'any')
        and h.appointment_type_id = reserve_slot.appointment_type_id and h.starts_at = v_starts_at
        and h.patient_id is not distinct from v_patient_id
    );
  end if;
  if v_row.id is null then
    v_row := clinic.insert_reservation(
      v_bookable, clinic.requested_slot(v_bookable, reserve_slot.dentist_id, v_starts_at, v_patient_id, v_role, v_now), v_role, v_now
    );
  end if;
  if v_request is not null then
    perform clinic.remember('reserve_slot', reserve_slot.idempotency_key, v_request, to_jsonb(v_row));
  end if;
  return v_row;
end
$$;
grant execute on function clinic.reserve_slot to anon, authenticated, service_role;

create function api.reserve_slot(
  appointment_type_id uuid,
  starts_at text,
  dentist_id uuid default null,
  patient_id uuid default null,
  idempotency_key text default null
)
returns api.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.reserve_slot(dentist_id, appointment_type_id, starts_at, patient_id, idempotency_key);
end
$$;
comment on function api.reserve_slot is
'Holds a slot for the clinic''s hold_duration (5 minutes), with this dentist or whoever is free and has the least to do that day (null), and
returns the reservation. Patients hold for themselves; staff name a patient now or at confirmation. Errors: not_authenticated, forbidden, not_found, invalid_argument, slot_taken (details: up to three
alternatives as JSON), patient_busy, outside_working_hours, off_grid, notice_too_short, beyond_horizon, in_the_past, day_full,
not_offered, booking_limit, reservation_limit (too many at once, or within an hour), idempotency_mismatch, try_again.';
grant execute on function api.reserve_slot to anon, authenticated, service_role;


-- Release ------------------------------------------------------------------------------------------------------------

create function clinic.acting_role(
  what text, clinic_id uuid, dentist_id uuid, made_by uuid, patient_id uuid, held_by uuid default null
)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_role text;
begin
  if acting_role.clinic_id is not null then
    v_role := clinic.my_role(acting_role.clinic_id);
    if
      v_role in ('service', 'admin', 'receptionist')
      or v_role = 'dentist' and acting_role.dentist_id = any (clinic.my_dentists(acting_role.clinic_id))
    then
      return v_role;
    elsif v_role = 'chatbot' and acting_role.made_by = auth.uid() then
      perform clinic.refuse('forbidden', 'A chatbot acts through the functions whose names begin with chatbot_.');
    elsif acting_role.held_by = auth.uid() or acting_role.patient_id = any (clinic.my_patients()) then
      return 'patient';
    end if;
  end if;
  perform clinic.refuse('not_found', format('There is no such %s.', acting_role.what));
  return null;
end
$$;
comment on function clinic.acting_role is
'As what the caller, a user, may act on a reservation or an appointment of this clinic (null: there is none), dentist and patient; not_found for everyone else.';

create function clinic.reservation_role(reservation clinic.slot_reservations)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.acting_role(
    'reservation', reservation.clinic_id, reservation.dentist_id, reservation.held_by, reservation.patient_id, reservation.held_by
  );
end
$$;
comment on function clinic.reservation_role is 'As what the caller, a user, may act on the reservation; not_found for everyone else.';

create function clinic.end_hold(hold clinic.slot_reservations)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_calendars(variadic clinic.with_waiting(clinic.taken_resources(hold.dentist_id, hold.parts)));
  update clinic.slot_reservations as r
  set
    outcome = case when r.expires_at > clock_timestamp() then 'released' else 'expired' end,
    ended_at = clock_timestamp()
  where r.id = hold.id and r.outcome is null;
  return found;
end
$$;
comment on function clinic.end_hold is 'Gives the time back; false if the hold has ended already.';

create function clinic.release_reservation(reservation_id uuid)
returns boolean
language plpgsql
volatile
security definer -- ends a reservation for a caller it has checked
set search_path = ''
as $$
declare
  v_reservation clinic.slot_reservations;
begin
  perform clinic.require_user();
  perform clinic.required(release_reservation.reservation_id, 'reservation_id');
  select * into v_reservation from clinic.slot_reservations as r where r.id = release_reservation.reservation_id;
  perform clinic.reservation_role(v_reservation);
  return clinic.end_hold(v_reservation);
end
$$;
grant execute on function clinic.release_reservation to anon, authenticated, service_role;

create function api.release_reservation(reservation_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.release_reservation(reservation_id);
end
$$;
comment on function api.release_reservation is
'Gives a held slot back. true if it was held until now, false if it had ended already.
Errors: not_authenticated, not_found, invalid_argument.';
grant execute on function api.release_reservation to anon, authenticated, service_role;
