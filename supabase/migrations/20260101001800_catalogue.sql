-- Catalogue: whose time can be booked, and for what.


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
    clinic.required(clinic.clean_name(dentist.full_name, 'full_name'), 'full_name'),
    clinic.clean_line(dentist.specialty, 'specialty', 200), clinic.clean_text(dentist.bio, 'bio', 4000),
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
declare
  v_dentist clinic.dentists;
begin
  perform clinic.require_role(clinic.required(create_dentist.clinic_id, 'clinic_id'), 'admin');
  if not exists (select from clinic.clinics as c where c.id = create_dentist.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  v_dentist.id := gen_random_uuid();
  v_dentist.clinic_id := create_dentist.clinic_id;
  v_dentist.user_id := create_dentist.user_id;
  v_dentist.full_name := create_dentist.full_name;
  v_dentist.specialty := create_dentist.specialty;
  v_dentist.bio := create_dentist.bio;
  v_dentist.is_active := true;
  return clinic.save_dentist(v_dentist);
end
$$;
grant execute on function clinic.create_dentist to anon, authenticated, service_role;

create function api.create_dentist(
  clinic_id uuid, full_name text, specialty text default null, bio text default null, user_id uuid default null
)
returns api.dentists
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_dentist(clinic_id, full_name, specialty, bio, user_id);
end
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
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_dentist(dentist_id, full_name, specialty, bio, user_id, is_active);
end
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
    type.id, type.clinic_id, clinic.required(clinic.clean_name(type.name, 'name'), 'name'),
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
declare
  v_type clinic.appointment_types;
begin
  perform clinic.require_role(clinic.required(create_appointment_type.clinic_id, 'clinic_id'), 'admin');
  if not exists (select from clinic.clinics as c where c.id = create_appointment_type.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  v_type.id := gen_random_uuid();
  v_type.clinic_id := create_appointment_type.clinic_id;
  v_type.name := create_appointment_type.name;
  v_type.duration := create_appointment_type.duration;
  v_type.buffer_before := create_appointment_type.buffer_before;
  v_type.buffer_after := create_appointment_type.buffer_after;
  v_type.is_active := true;
  return clinic.save_appointment_type(v_type);
end
$$;
grant execute on function clinic.create_appointment_type to anon, authenticated, service_role;

create function api.create_appointment_type(
  clinic_id uuid, name text, duration interval, buffer_before interval default '0', buffer_after interval default '0'
)
returns api.appointment_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_appointment_type(clinic_id, name, duration, buffer_before, buffer_after);
end
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
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_appointment_type(appointment_type_id, name, duration, buffer_before, buffer_after, is_active);
end
$$;
comment on function api.update_appointment_type is
'For admins: changes a type for future bookings; what is omitted or null stays, and booked appointments keep their length.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.update_appointment_type to anon, authenticated, service_role;
