-- Administration: clinics, their people, types and policy.

-- Staff --------------------------------------------------------------------------------------------------------------

create function clinic.require_other_admin(clinic_id uuid, user_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Two admins who revoke each other wait here, and the second one is refused.
  perform from clinic.clinics as c where c.id = require_other_admin.clinic_id for update;
  if exists (
    select from clinic.staff as s
    where s.clinic_id = require_other_admin.clinic_id and s.user_id = require_other_admin.user_id and s.role = 'admin'
  ) and not exists (
    select from clinic.staff as s
    where s.clinic_id = require_other_admin.clinic_id and s.user_id <> require_other_admin.user_id and s.role = 'admin'
  ) then
    perform clinic.refuse(
      'forbidden', 'A clinic keeps at least one admin.', hint => 'Grant the role admin to somebody else first.'
    );
  end if;
end
$$;
comment on function clinic.require_other_admin is 'Passes unless this user is the clinic''s last admin.';

create function clinic.grant_staff_role(clinic_id uuid, user_id uuid, role text)
returns api.staff
language plpgsql
volatile
security definer -- writes staff for an admin it has checked
set search_path = ''
as $$
declare
  v_row api.staff;
begin
  perform clinic.require_role(clinic.required(grant_staff_role.clinic_id, 'clinic_id'), 'admin');
  perform clinic.required(grant_staff_role.user_id, 'user_id');
  if (grant_staff_role.role in ('admin', 'dentist', 'receptionist', 'chatbot')) is not true then
    perform clinic.refuse('invalid_argument', 'role must be admin, dentist, receptionist or chatbot.');
  elsif not exists (
    select from auth.users as u where u.id = grant_staff_role.user_id
  ) or not exists (
    select from clinic.clinics as c where c.id = grant_staff_role.clinic_id
  ) then
    perform clinic.refuse('not_found', 'There is no such user or clinic.');
  elsif grant_staff_role.role <> 'admin' then
    perform clinic.require_other_admin(grant_staff_role.clinic_id, grant_staff_role.user_id);
  end if;
  insert into clinic.staff (clinic_id, user_id, role)
  values (grant_staff_role.clinic_id, grant_staff_role.user_id, grant_staff_role.role)
  on conflict on constraint staff_pkey do update set role = excluded.role;
  select * into v_row from api.staff as s
  where s.clinic_id = grant_staff_role.clinic_id and s.user_id = grant_staff_role.user_id;
  return v_row;
end
$$;
grant execute on function clinic.grant_staff_role to anon, authenticated, service_role;

create function api.grant_staff_role(clinic_id uuid, user_id uuid, role text)
returns api.staff
language sql
volatile
set search_path = ''
as $$
  select clinic.grant_staff_role(clinic_id, user_id, role);
$$;
comment on function api.grant_staff_role is
'For admins: gives a user the role admin, dentist, receptionist or chatbot in the clinic, instead of the one they have.
Errors: not_authenticated, forbidden (also: the last admin), not_found, invalid_argument.';
grant execute on function api.grant_staff_role to anon, authenticated, service_role;

create function clinic.revoke_staff_role(clinic_id uuid, user_id uuid)
returns boolean
language plpgsql
volatile
security definer -- writes staff for an admin it has checked
set search_path = ''
as $$
begin
  perform clinic.require_role(clinic.required(revoke_staff_role.clinic_id, 'clinic_id'), 'admin');
  perform clinic.require_other_admin(
    revoke_staff_role.clinic_id, clinic.required(revoke_staff_role.user_id, 'user_id')
  );
  delete from clinic.staff as s
  where s.clinic_id = revoke_staff_role.clinic_id and s.user_id = revoke_staff_role.user_id;
  return found;
end
$$;
grant execute on function clinic.revoke_staff_role to anon, authenticated, service_role;

create function api.revoke_staff_role(clinic_id uuid, user_id uuid)
returns boolean
language sql
volatile
set search_path = ''
as $$
  select clinic.revoke_staff_role(clinic_id, user_id);
$$;
comment on function api.revoke_staff_role is
'For admins: takes the user off the clinic''s staff; true if they were on it. The last admin cannot be revoked.
Errors: not_authenticated, forbidden (also: the last admin), not_found, invalid_argument.';
grant execute on function api.revoke_staff_role to anon, authenticated, service_role;


-- Patients -----------------------------------------------------------------------------------------------------------

create function clinic.create_patient(clinic_id uuid, full_name text, phone text, email text, user_id uuid)
returns api.patients
language plpgsql
volatile
security definer -- writes patients for staff it has checked
set search_path = ''
as $$
declare
  v_name text := clinic.required(clinic.clean_text(create_patient.full_name, 'full_name', 10240), 'full_name');
  v_email text := clinic.clean_text(create_patient.email, 'email', 320);
  v_id uuid;
  v_row api.patients;
begin
  perform clinic.require_role(
    clinic.required(create_patient.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
  if v_email !~ '^[^@\s]+@[^@\s]+$' then
    perform clinic.refuse('invalid_argument', 'email is not an address.');
  elsif not exists (select from clinic.clinics as c where c.id = create_patient.clinic_id) or (
    create_patient.user_id is not null
    and not exists (select from auth.users as u where u.id = create_patient.user_id)
  ) then
    perform clinic.refuse('not_found', 'There is no such user or clinic.');
  end if;
  insert into clinic.patients (clinic_id, user_id, full_name, phone, email)
  values (
    create_patient.clinic_id, create_patient.user_id, v_name,
    clinic.clean_text(create_patient.phone, 'phone', 40), v_email
  )
  on conflict on constraint patients_user_key do nothing
  returning id into v_id;
  if v_id is null then
    perform clinic.refuse('invalid_argument', 'This user is a patient of the clinic already.');
  end if;
  select * into v_row from api.patients as p where p.id = v_id;
  return v_row;
end
$$;
grant execute on function clinic.create_patient to anon, authenticated, service_role;

create function api.create_patient(
  clinic_id uuid, full_name text, phone text default null, email text default null, user_id uuid default null
)
returns api.patients
language sql
volatile
set search_path = ''
as $$
  select clinic.create_patient(clinic_id, full_name, phone, email, user_id);
$$;
comment on function api.create_patient is
'For staff: records a patient, for example a walk-in. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.create_patient to anon, authenticated, service_role;


-- Clinics and their policy -------------------------------------------------------------------------------------------

create function clinic.create_clinic(slug text, name text, time_zone text)
returns api.clinics
language plpgsql
volatile
security definer -- makes tenants, for the service role only
set search_path = ''
as $$
declare
  v_row api.clinics;
begin
  perform clinic.require_user();
  if not clinic.is_service() then
    perform clinic.refuse('forbidden', 'Clinics are created with the secret key.');
  elsif (create_clinic.slug ~ '^[a-z0-9](-?[a-z0-9]){1,62}$') is not true then
    perform clinic.refuse('invalid_argument', 'slug must be 2 or more lower-case letters, digits and single hyphens.');
  elsif (clinic.is_time_zone(create_clinic.time_zone)) is not true then
    perform clinic.refuse('invalid_argument', 'time_zone must be an IANA name such as Europe/Zurich.');
  end if;
  insert into clinic.clinics (slug, name, time_zone)
  values (
    create_clinic.slug,
    clinic.required(clinic.clean_text(create_clinic.name, 'name', 200), 'name'),
    create_clinic.time_zone
  )
  on conflict on constraint clinics_slug_key do nothing;
  if not found then
    perform clinic.refuse('invalid_argument', 'There is a clinic with this slug already.');
  end if;
  select * into v_row from api.clinics as c where c.slug = create_clinic.slug;
  return v_row;
end
$$;
grant execute on function clinic.create_clinic to anon, authenticated, service_role;

create function api.create_clinic(slug text, name text, time_zone text)
returns api.clinics
language sql
volatile
set search_path = ''
as $$
  select clinic.create_clinic(slug, name, time_zone);
$$;
comment on function api.create_clinic is
'With the secret key: makes a clinic with the default policy. Errors: not_authenticated, forbidden, invalid_argument.';
grant execute on function api.create_clinic to anon, authenticated, service_role;

create function clinic.update_clinic_policy(clinic_id uuid, policy jsonb)
returns api.clinics
language plpgsql
volatile
security definer -- edits the clinic of an admin it has checked
set search_path = ''
as $$
declare
  v_row api.clinics;
begin
  perform clinic.require_role(clinic.required(update_clinic_policy.clinic_id, 'clinic_id'), 'admin');
  update clinic.clinics as c
  set
    slot_interval = coalesce((policy ->> 'slot_interval')::interval, c.slot_interval),
    hold_duration = coalesce((policy ->> 'hold_duration')::interval, c.hold_duration),
    min_notice = coalesce((policy ->> 'min_notice')::interval, c.min_notice),
    booking_horizon = coalesce((policy ->> 'booking_horizon')::interval, c.booking_horizon),
    cancellation_notice = coalesce((policy ->> 'cancellation_notice')::interval, c.cancellation_notice),
    max_active_holds = coalesce((policy ->> 'max_active_holds')::integer, c.max_active_holds)
  where c.id = update_clinic_policy.clinic_id;
  if not found then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  select * into v_row from api.clinics as c where c.id = update_clinic_policy.clinic_id;
  return v_row;
exception
  when check_violation then
    perform clinic.refuse('invalid_argument', 'That policy is out of bounds: ' || sqlerrm);
    return null;
end
$$;
grant execute on function clinic.update_clinic_policy to anon, authenticated, service_role;

create function api.update_clinic_policy(
  clinic_id uuid,
  slot_interval interval default null,
  hold_duration interval default null,
  min_notice interval default null,
  booking_horizon interval default null,
  cancellation_notice interval default null,
  max_active_holds integer default null
)
returns api.clinics
language sql
volatile
set search_path = ''
as $$
  select clinic.update_clinic_policy(clinic_id, jsonb_build_object(
    'slot_interval', slot_interval, 'hold_duration', hold_duration, 'min_notice', min_notice,
    'booking_horizon', booking_horizon, 'cancellation_notice', cancellation_notice,
    'max_active_holds', max_active_holds
  ));
$$;
comment on function api.update_clinic_policy is
'For admins: changes the booking policy; what is omitted or null stays. Intervals like "15 minutes".
Bounds: slot_interval 5 min to 12 h, hold_duration 1 s to 1 h, notices up to 30 days, horizon 1 to 730 days, 1 to 100 holds.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.update_clinic_policy to anon, authenticated, service_role;


-- Dentists -----------------------------------------------------------------------------------------------------------

create function clinic.save_dentist(dentist clinic.dentists)
returns api.dentists
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_row api.dentists;
begin
  if dentist.user_id is not null and not exists (select from auth.users as u where u.id = dentist.user_id) then
    perform clinic.refuse('not_found', 'There is no such user.');
  elsif exists (
    select from clinic.dentists as d
    where d.clinic_id = dentist.clinic_id and d.user_id = dentist.user_id and d.id <> dentist.id
  ) then
    perform clinic.refuse('invalid_argument', 'This user is another dentist of the clinic already.');
  end if;
  insert into clinic.dentists (id, clinic_id, user_id, full_name, specialty, bio, is_active)
  values (
    dentist.id, dentist.clinic_id, dentist.user_id,
    clinic.required(clinic.clean_text(dentist.full_name, 'full_name', 10240), 'full_name'),
    clinic.clean_text(dentist.specialty, 'specialty', 200), clinic.clean_text(dentist.bio, 'bio', 4000),
    dentist.is_active
  )
  on conflict on constraint dentists_pkey do update set
    user_id = excluded.user_id, full_name = excluded.full_name, specialty = excluded.specialty,
    bio = excluded.bio, is_active = excluded.is_active;
  select * into v_row from api.dentists as d where d.id = dentist.id;
  return v_row;
end
$$;
comment on function clinic.save_dentist is 'Writes a new or an edited dentist. Errors: not_found, invalid_argument.';

create function clinic.create_dentist(clinic_id uuid, full_name text, specialty text, bio text, user_id uuid)
returns api.dentists
language plpgsql
volatile
security definer -- writes dentists for an admin it has checked
set search_path = ''
as $$
begin
  perform clinic.require_role(clinic.required(create_dentist.clinic_id, 'clinic_id'), 'admin');
  if not exists (select from clinic.clinics as c where c.id = create_dentist.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  return clinic.save_dentist((
    gen_random_uuid(), create_dentist.clinic_id, create_dentist.user_id, create_dentist.full_name,
    create_dentist.specialty, create_dentist.bio, true, clock_timestamp()
  )::clinic.dentists);
end
$$;
grant execute on function clinic.create_dentist to anon, authenticated, service_role;

create function api.create_dentist(
  clinic_id uuid, full_name text, specialty text default null, bio text default null, user_id uuid default null
)
returns api.dentists
language sql
volatile
set search_path = ''
as $$
  select clinic.create_dentist(clinic_id, full_name, specialty, bio, user_id);
$$;
comment on function api.create_dentist is
'For admins: adds a dentist; user_id is the login of one who has one. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.create_dentist to anon, authenticated, service_role;

create function clinic.update_dentist(
  dentist_id uuid, full_name text, specialty text, bio text, user_id uuid, is_active boolean
)
returns api.dentists
language plpgsql
volatile
security definer -- writes dentists for an admin it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(update_dentist.dentist_id);
  v_dentist clinic.dentists;
begin
  perform clinic.require_role(v_clinic_id, 'admin');
  perform clinic.lock_dentists(update_dentist.dentist_id);
  select * into v_dentist from clinic.dentists as d where d.id = update_dentist.dentist_id;
  v_dentist.full_name := coalesce(update_dentist.full_name, v_dentist.full_name);
  v_dentist.specialty := coalesce(update_dentist.specialty, v_dentist.specialty);
  v_dentist.bio := coalesce(update_dentist.bio, v_dentist.bio);
  v_dentist.user_id := coalesce(update_dentist.user_id, v_dentist.user_id);
  v_dentist.is_active := coalesce(update_dentist.is_active, v_dentist.is_active);
  return clinic.save_dentist(v_dentist);
end
$$;
grant execute on function clinic.update_dentist to anon, authenticated, service_role;

create function api.update_dentist(
  dentist_id uuid,
  full_name text default null,
  specialty text default null,
  bio text default null,
  user_id uuid default null,
  is_active boolean default null
)
returns api.dentists
language sql
volatile
set search_path = ''
as $$
  select clinic.update_dentist(dentist_id, full_name, specialty, bio, user_id, is_active);
$$;
comment on function api.update_dentist is
'For admins: changes a dentist; what is omitted or null stays. An inactive dentist takes no new bookings and keeps the old ones.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.update_dentist to anon, authenticated, service_role;


-- Appointment types --------------------------------------------------------------------------------------------------

create function clinic.save_appointment_type(type clinic.appointment_types)
returns api.appointment_types
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_row api.appointment_types;
begin
  insert into clinic.appointment_types (id, clinic_id, name, duration, buffer_before, buffer_after, is_active)
  values (
    type.id, type.clinic_id, clinic.required(clinic.clean_text(type.name, 'name', 200), 'name'),
    clinic.required(type.duration, 'duration'), coalesce(type.buffer_before, '0'), coalesce(type.buffer_after, '0'),
    type.is_active
  )
  on conflict on constraint appointment_types_pkey do update set
    name = excluded.name, duration = excluded.duration, buffer_before = excluded.buffer_before,
    buffer_after = excluded.buffer_after, is_active = excluded.is_active;
  select * into v_row from api.appointment_types as t where t.id = type.id;
  return v_row;
exception
  when unique_violation then
    perform clinic.refuse('invalid_argument', 'The clinic has a type with this name already.');
    return null;
  when check_violation then
    perform clinic.refuse('invalid_argument', 'duration must be 1 minute to 12 hours, buffers up to 4 hours.');
    return null;
end
$$;
comment on function clinic.save_appointment_type is 'Writes a new or an edited type. Errors: invalid_argument.';

create function clinic.create_appointment_type(
  clinic_id uuid, name text, duration interval, buffer_before interval, buffer_after interval
)
returns api.appointment_types
language plpgsql
volatile
security definer -- writes types for an admin it has checked
set search_path = ''
as $$
begin
  perform clinic.require_role(clinic.required(create_appointment_type.clinic_id, 'clinic_id'), 'admin');
  if not exists (select from clinic.clinics as c where c.id = create_appointment_type.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  return clinic.save_appointment_type((
    gen_random_uuid(), create_appointment_type.clinic_id, create_appointment_type.name,
    create_appointment_type.duration, create_appointment_type.buffer_before,
    create_appointment_type.buffer_after, true, clock_timestamp()
  )::clinic.appointment_types);
end
$$;
grant execute on function clinic.create_appointment_type to anon, authenticated, service_role;

create function api.create_appointment_type(
  clinic_id uuid, name text, duration interval, buffer_before interval default '0', buffer_after interval default '0'
)
returns api.appointment_types
language sql
volatile
set search_path = ''
as $$
  select clinic.create_appointment_type(clinic_id, name, duration, buffer_before, buffer_after);
$$;
comment on function api.create_appointment_type is
'For admins: adds what can be booked; duration and buffers like "30 minutes". Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.create_appointment_type to anon, authenticated, service_role;

create function clinic.update_appointment_type(
  appointment_type_id uuid, name text, duration interval, buffer_before interval, buffer_after interval, is_active boolean
)
returns api.appointment_types
language plpgsql
volatile
security definer -- writes types for an admin it has checked
set search_path = ''
as $$
declare
  v_type clinic.appointment_types;
begin
  perform clinic.require_user();
  perform clinic.required(update_appointment_type.appointment_type_id, 'appointment_type_id');
  select * into v_type from clinic.appointment_types as t where t.id = update_appointment_type.appointment_type_id;
  if not found then
    perform clinic.refuse('not_found', 'There is no such appointment type.');
  end if;
  perform clinic.require_role(v_type.clinic_id, 'admin');
  v_type.name := coalesce(update_appointment_type.name, v_type.name);
  v_type.duration := coalesce(update_appointment_type.duration, v_type.duration);
  v_type.buffer_before := coalesce(update_appointment_type.buffer_before, v_type.buffer_before);
  v_type.buffer_after := coalesce(update_appointment_type.buffer_after, v_type.buffer_after);
  v_type.is_active := coalesce(update_appointment_type.is_active, v_type.is_active);
  return clinic.save_appointment_type(v_type);
end
$$;
grant execute on function clinic.update_appointment_type to anon, authenticated, service_role;

create function api.update_appointment_type(
  appointment_type_id uuid,
  name text default null,
  duration interval default null,
  buffer_before interval default null,
  buffer_after interval default null,
  is_active boolean default null
)
returns api.appointment_types
language sql
volatile
set search_path = ''
as $$
  select clinic.update_appointment_type(appointment_type_id, name, duration, buffer_before, buffer_after, is_active);
$$;
comment on function api.update_appointment_type is
'For admins: changes a type for future bookings; what is omitted or null stays, and booked appointments keep their length.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.update_appointment_type to anon, authenticated, service_role;
