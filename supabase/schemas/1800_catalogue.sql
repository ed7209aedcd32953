-- Catalogue: whose time can be booked, and for what.

-- What ends while it is booked ---------------------------------------------------------------------------------------

create function clinic.require_nobody_left(
  on_conflict text, clinic_id uuid, resource_ids uuid [], appointment_type_id uuid default null
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_left jsonb;
begin
  if (require_nobody_left.on_conflict in ('reject', 'keep')) is not true then
    perform clinic.refuse('invalid_argument', 'on_conflict must be reject or keep.');
  elsif require_nobody_left.on_conflict = 'reject' then
    v_left := clinic.describe_appointments(array(
      select a.id from clinic.appointments as a
      where
        a.clinic_id = require_nobody_left.clinic_id
        and clinic.taken_resources(a.dentist_id, a.parts) && require_nobody_left.resource_ids
        and a.appointment_type_id = coalesce(require_nobody_left.appointment_type_id, a.appointment_type_id)
        and a.status in ('booked', 'checked_in') and a.ends_at > clock_timestamp()
        -- Twelve hours is the longest appointment: so far back must an index look.
        and a.starts_at > clock_timestamp() - interval '12 hours'
    ));
    if v_left <> '[]' then
      -- Without names: the server's log has all of a refusal.
      perform clinic.refuse(
        'appointments_in_the_way', 'There are appointments that this would leave behind.', clinic.without_names(v_left)::text,
        'Move or cancel them first, or repeat the call with on_conflict "keep".'
      );
    end if;
  end if;
end
$$;
comment on function clinic.require_nobody_left is
'Passes if no appointments ahead at the clinic take these resources, or are of this type if one is given, or if the caller keeps them. Call it under
their locks.';

create function clinic.release_holds(clinic_id uuid, resource_ids uuid [], appointment_type_id uuid default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.end_holds(array(
    select r.id from clinic.slot_reservations as r
    where
      r.clinic_id = release_holds.clinic_id and r.outcome is null
      and clinic.taken_resources(r.dentist_id, r.parts) && release_holds.resource_ids
      and r.appointment_type_id = coalesce(release_holds.appointment_type_id, r.appointment_type_id)
  ), 'released');
end
$$;
comment on function clinic.release_holds is
'Gives back what is held at the clinic of these resources, of this type if one is given. Call it under their locks. Errors: try_again.';

create function clinic.lock_with_visits(resource_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.lock_calendars(variadic clinic.with_waiting(array[lock_with_visits.resource_id]) || array(
    select distinct other.resource_id
    from clinic.occupancy as o
    inner join clinic.occupancy as other on o.id = other.id
    where o.resource_id = lock_with_visits.resource_id and o.cause = 'hold'
  ));
end
$$;
comment on function clinic.lock_with_visits is 'Waits for a resource''s calendar, and for those of all that is held together with it.';


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
  if dentist.user_id is not null and not exists (
    select from clinic.staff as s where s.user_id = dentist.user_id and s.clinic_id = dentist.clinic_id
  ) and not (clinic.is_service() and exists (select from auth.users as u where u.id = dentist.user_id)) then
    perform clinic.refuse('not_found', 'There is no such user on the staff.', hint => 'Invite them with invite_staff and dentist_id.');
  elsif exists (
    select from clinic.dentists as d
    where d.clinic_id = dentist.clinic_id and d.user_id = dentist.user_id and d.id <> dentist.id
  ) then
    perform clinic.refuse('invalid_argument', 'This user is another dentist of the clinic already.');
  elsif (dentist.profession in ('dentist', 'hygienist', 'assistant')) is not true then
    perform clinic.refuse('invalid_argument', 'profession must be dentist, hygienist or assistant.');
  end if;
  insert into clinic.dentists (id, clinic_id, user_id, full_name, profession, specialty, bio, is_active)
  values (
    dentist.id, dentist.clinic_id, dentist.user_id,
    clinic.required(clinic.clean_name(dentist.full_name, 'full_name'), 'full_name'), dentist.profession,
    clinic.clean_line(dentist.specialty, 'specialty', 200), clinic.clean_text(dentist.bio, 'bio', 4000),
    dentist.is_active
  )
  on conflict on constraint dentists_pkey do update set
    user_id = excluded.user_id, full_name = excluded.full_name, profession = excluded.profession, specialty = excluded.specialty,
    bio = excluded.bio, is_active = excluded.is_active;
  select * into v_row from api.dentists as d where d.id = dentist.id and d.clinic_id = dentist.clinic_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
comment on function clinic.save_dentist is 'Writes a new or an edited dentist. Errors: not_found, invalid_argument, try_again.';

create function clinic.new_dentist_id(dentist_id uuid, clinic_id uuid)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
begin
  if new_dentist_id.dentist_id is null then
    return gen_random_uuid();
  elsif not exists (
    select from clinic.dentists as d
    where d.id = new_dentist_id.dentist_id and clinic.my_role(d.clinic_id) in ('service', 'admin')
  ) then
    perform clinic.refuse('not_found', 'There is no such dentist in another clinic of yours.');
  elsif exists (
    select from clinic.dentists as d
    where d.id = new_dentist_id.dentist_id and d.clinic_id = new_dentist_id.clinic_id
  ) then
    perform clinic.refuse('invalid_argument', 'The dentist is at this clinic already.');
  end if;
  return new_dentist_id.dentist_id;
end
$$;
comment on function clinic.new_dentist_id is
'The id for a new dentist; or that of one who works at another clinic that the caller administers. Errors: not_found, invalid_argument.';

create function clinic.create_dentist(
  clinic_id uuid, full_name text, specialty text, bio text, user_id uuid, profession text, appointment_type_ids uuid [], dentist_id uuid
)
returns api.dentists
language plpgsql
volatile
security definer -- writes dentists for an admin it has checked
set search_path = ''
as $$
declare
  v_dentist clinic.dentists;
  v_row api.dentists;
begin
  perform clinic.require_role(clinic.required(create_dentist.clinic_id, 'clinic_id'), 'admin');
  if not exists (select from clinic.clinics as c where c.id = create_dentist.clinic_id) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  perform clinic.lock_clinic(create_dentist.clinic_id);
  v_dentist.id := clinic.new_dentist_id(create_dentist.dentist_id, create_dentist.clinic_id);
  v_dentist.clinic_id := create_dentist.clinic_id;
  v_dentist.user_id := create_dentist.user_id;
  v_dentist.full_name := create_dentist.full_name;
  v_dentist.profession := create_dentist.profession;
  v_dentist.specialty := create_dentist.specialty;
  v_dentist.bio := create_dentist.bio;
  v_dentist.is_active := true;
  v_row := clinic.save_dentist(v_dentist);
  perform clinic.replace_dentist_types(v_row.clinic_id, v_row.id, coalesce(
    create_dentist.appointment_type_ids,
    -- A dentist does what there is; a hygienist does what they are told to.
    array(
      select t.id from clinic.appointment_types as t
      where t.clinic_id = v_row.clinic_id and v_row.profession = 'dentist'
    )
  ), '{}');
  return v_row;
end
$$;
grant execute on function clinic.create_dentist to anon, authenticated, service_role;

create function api.create_dentist(
  clinic_id uuid,
  full_name text,
  specialty text default null,
  bio text default null,
  user_id uuid default null,
  profession text default 'dentist',
  appointment_type_ids uuid [] default null,
  dentist_id uuid default null
)
returns api.dentists
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_dentist(clinic_id, full_name, specialty, bio, user_id, profession, appointment_type_ids, dentist_id);
end
$$;
comment on function api.create_dentist is
'For admins: adds a dentist, hygienist or assistant (profession); user_id is the login of one who has one. appointment_type_ids are what they lead; omitted: a dentist
everything, the others nothing. dentist_id is somebody who works at another clinic of the caller''s: booked there is taken here. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.create_dentist to anon, authenticated, service_role;

create function clinic.same_user()
returns uuid
language sql
immutable
set search_path = ''
as $$
  select '00000000-0000-0000-0000-000000000000'::uuid;
$$;
comment on function clinic.same_user is 'Stands for the user that is there already, where null means nobody.';
grant execute on function clinic.same_user to anon, authenticated, service_role;

create function clinic.update_dentist(
  dentist_id uuid,
  full_name text,
  specialty text,
  bio text,
  user_id uuid,
  is_active boolean,
  on_conflict text,
  profession text,
  clinic_id uuid
)
returns api.dentists
language plpgsql
volatile
security definer -- writes dentists for an admin it has checked
set search_path = ''
as $$
declare
  v_clinic_id uuid := clinic.dentist_clinic(update_dentist.dentist_id, update_dentist.clinic_id);
  v_dentist clinic.dentists;
  v_unlinks boolean;
  v_leaves boolean;
begin
  perform clinic.require_role(v_clinic_id, 'admin');
  perform clinic.lock_with_visits(update_dentist.dentist_id);
  select * into v_dentist from clinic.dentists as d
  where d.id = update_dentist.dentist_id and d.clinic_id = v_clinic_id;
  v_dentist.full_name := coalesce(update_dentist.full_name, v_dentist.full_name);
  v_dentist.profession := coalesce(update_dentist.profession, v_dentist.profession);
  v_dentist.specialty := coalesce(update_dentist.specialty, v_dentist.specialty);
  v_dentist.bio := coalesce(update_dentist.bio, v_dentist.bio);
  v_unlinks := v_dentist.user_id is not null and update_dentist.user_id is null;
  v_leaves := v_dentist.is_active and update_dentist.is_active is false;
  if v_unlinks or v_leaves or update_dentist.on_conflict is distinct from 'reject' then
    perform clinic.require_nobody_left(update_dentist.on_conflict, v_clinic_id, array[v_dentist.id]);
  end if;
  if v_leaves then
    perform clinic.release_holds(v_clinic_id, array[v_dentist.id]);
  end if;
  v_dentist.user_id := coalesce(nullif(update_dentist.user_id, clinic.same_user()), case
    when not v_unlinks then v_dentist.user_id
  end);
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
  user_id uuid default clinic.same_user(),
  is_active boolean default null,
  on_conflict text default 'reject',
  profession text default null,
  clinic_id uuid default null
)
returns api.dentists
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_dentist(dentist_id, full_name, specialty, bio, user_id, is_active, on_conflict, profession, clinic_id);
end
$$;
comment on function api.update_dentist is
'For admins: changes a dentist; what is omitted or null stays, but user_id null takes the login away. An inactive dentist takes no new
bookings, and what is held with them is released. To deactivate or to take the login away is refused while there are appointments ahead
(on_conflict "reject"), or leaves them as they are ("keep"). Who works at several clinics is changed at clinic_id. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON), try_again.';
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
  insert into clinic.appointment_types (
    id, clinic_id, name, duration, buffer_before, buffer_after, is_active, audience, min_notice, booking_horizon,
    slot_interval, max_per_day
  )
  values (
    type.id, type.clinic_id, clinic.required(clinic.clean_name(type.name, 'name'), 'name'),
    clinic.required(type.duration, 'duration'), coalesce(type.buffer_before, '0'), coalesce(type.buffer_after, '0'),
    type.is_active, type.audience, type.min_notice, type.booking_horizon, type.slot_interval, type.max_per_day
  )
  on conflict on constraint appointment_types_pkey do update set
    name = excluded.name, duration = excluded.duration, buffer_before = excluded.buffer_before,
    buffer_after = excluded.buffer_after, is_active = excluded.is_active, audience = excluded.audience,
    min_notice = excluded.min_notice, booking_horizon = excluded.booking_horizon,
    slot_interval = excluded.slot_interval, max_per_day = excluded.max_per_day;
  select * into v_row from api.appointment_types as t where t.id = type.id;
  return v_row;
exception
  when unique_violation then
    perform clinic.refuse('invalid_argument', 'The clinic has a type with this name already.');
    return null;
  when check_violation then
    perform clinic.refuse(
      'invalid_argument',
      'duration must be 1 minute to 12 hours, buffers up to 4 hours, audience everyone, new_patients, known_patients or staff, '
      'notice up to 30 days, horizon 1 to 730 days, slot_interval 5 minutes to 12 hours, and max_per_day 1 to 1000.'
    );
    return null;
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
comment on function clinic.save_appointment_type is 'Writes a new or an edited type. Errors: invalid_argument.';

create function clinic.with_rules(type clinic.appointment_types, rules jsonb)
returns clinic.appointment_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not coalesce(nullif(rules -> 'clear', 'null') <@ '["min_notice", "booking_horizon", "slot_interval", "max_per_day"]', true) then
    perform clinic.refuse('invalid_argument', 'clear names min_notice, booking_horizon, slot_interval and max_per_day alone.');
  end if;
  type.audience := coalesce(rules ->> 'audience', type.audience, 'everyone');
  type.min_notice := case
    when not coalesce(rules -> 'clear' ? 'min_notice', false) then coalesce((rules ->> 'min_notice')::interval, type.min_notice)
  end;
  type.booking_horizon := case
    when not coalesce(rules -> 'clear' ? 'booking_horizon', false)
      then coalesce((rules ->> 'booking_horizon')::interval, type.booking_horizon)
  end;
  type.slot_interval := case
    when not coalesce(rules -> 'clear' ? 'slot_interval', false) then coalesce((rules ->> 'slot_interval')::interval, type.slot_interval)
  end;
  type.max_per_day := case
    when not coalesce(rules -> 'clear' ? 'max_per_day', false) then coalesce((rules ->> 'max_per_day')::integer, type.max_per_day)
  end;
  return type;
end
$$;
comment on function clinic.with_rules is 'The type with these rules of its own, where they are said, and without those in clear. Errors: invalid_argument.';

create function clinic.create_appointment_type(
  clinic_id uuid, name text, duration interval, buffer_before interval, buffer_after interval, rules jsonb, dentist_ids uuid []
)
returns api.appointment_types
language plpgsql
volatile
security definer -- writes types for an admin it has checked
set search_path = ''
as $$
declare
  v_type clinic.appointment_types;
  v_row api.appointment_types;
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
  v_row := clinic.save_appointment_type(clinic.with_rules(v_type, create_appointment_type.rules));
  perform clinic.replace_type_dentists(v_row.clinic_id, v_row.id, coalesce(
    create_appointment_type.dentist_ids,
    array(
      select d.id from clinic.dentists as d where d.clinic_id = v_row.clinic_id and d.profession = 'dentist'
    )
  ));
  return v_row;
end
$$;
grant execute on function clinic.create_appointment_type to anon, authenticated, service_role;

create function api.create_appointment_type(
  clinic_id uuid,
  name text,
  duration interval,
  buffer_before interval default '0',
  buffer_after interval default '0',
  audience text default 'everyone',
  min_notice interval default null,
  booking_horizon interval default null,
  slot_interval interval default null,
  max_per_day integer default null,
  dentist_ids uuid [] default null
)
returns api.appointment_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_appointment_type(clinic_id, name, duration, buffer_before, buffer_after, jsonb_build_object(
    'audience', audience, 'min_notice', min_notice, 'booking_horizon', booking_horizon, 'slot_interval', slot_interval,
    'max_per_day', max_per_day
  ), dentist_ids);
end
$$;
comment on function api.create_appointment_type is
'For admins: adds what can be booked; duration and buffers like "30 minutes". audience is who books it without the desk: everyone, new_patients,
known_patients or staff (nobody). min_notice, booking_horizon and slot_interval go before the clinic''s; max_per_day is for each who leads it.
dentist_ids are who leads it; omitted: all dentists, and no hygienists. Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.create_appointment_type to anon, authenticated, service_role;

create function clinic.update_appointment_type(
  appointment_type_id uuid, name text, duration interval, buffer_before interval, buffer_after interval, is_active boolean,
  on_conflict text, rules jsonb, dentist_ids uuid []
)
returns api.appointment_types
language plpgsql
volatile
security definer -- writes types for an admin it has checked
set search_path = ''
as $$
declare
  v_type clinic.appointment_types;
  v_all uuid [];
  v_row api.appointment_types;
begin
  perform clinic.require_user();
  perform clinic.required(update_appointment_type.appointment_type_id, 'appointment_type_id');
  select * into v_type from clinic.appointment_types as t where t.id = update_appointment_type.appointment_type_id;
  if not found then
    perform clinic.refuse('not_found');
  end if;
  perform clinic.require_role(v_type.clinic_id, 'admin');
  v_all := clinic.lock_clinic(v_type.clinic_id);
  if v_type.is_active and update_appointment_type.is_active is false then
    perform clinic.require_nobody_left(update_appointment_type.on_conflict, v_type.clinic_id, v_all, v_type.id);
    perform clinic.release_holds(v_type.clinic_id, v_all, v_type.id);
  elsif update_appointment_type.on_conflict is distinct from 'reject' then
    perform clinic.require_nobody_left(update_appointment_type.on_conflict, v_type.clinic_id, '{}');
  end if;
  v_type.name := coalesce(update_appointment_type.name, v_type.name);
  v_type.duration := coalesce(update_appointment_type.duration, v_type.duration);
  v_type.buffer_before := coalesce(update_appointment_type.buffer_before, v_type.buffer_before);
  v_type.buffer_after := coalesce(update_appointment_type.buffer_after, v_type.buffer_after);
  v_type.is_active := coalesce(update_appointment_type.is_active, v_type.is_active);
  v_row := clinic.save_appointment_type(clinic.with_rules(v_type, update_appointment_type.rules));
  perform clinic.require_parts_inside(v_type.id, v_type.clinic_id);
  if update_appointment_type.dentist_ids is not null then
    perform clinic.replace_type_dentists(v_type.clinic_id, v_type.id, update_appointment_type.dentist_ids);
  end if;
  return v_row;
end
$$;
grant execute on function clinic.update_appointment_type to anon, authenticated, service_role;

create function api.update_appointment_type(
  appointment_type_id uuid,
  name text default null,
  duration interval default null,
  buffer_before interval default null,
  buffer_after interval default null,
  is_active boolean default null,
  on_conflict text default 'reject',
  audience text default null,
  min_notice interval default null,
  booking_horizon interval default null,
  slot_interval interval default null,
  max_per_day integer default null,
  dentist_ids uuid [] default null,
  clear text [] default '{}'
)
returns api.appointment_types
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_appointment_type(
    appointment_type_id, name, duration, buffer_before, buffer_after, is_active, on_conflict, jsonb_build_object(
      'audience', audience, 'min_notice', min_notice, 'booking_horizon', booking_horizon, 'slot_interval', slot_interval,
      'max_per_day', max_per_day, 'clear', to_jsonb(clear)
    ), dentist_ids
  );
end
$$;
comment on function api.update_appointment_type is
'For admins: changes a type for future bookings; what is omitted or null stays, and booked appointments keep their length and parts. clear names those
of min_notice, booking_horizon, slot_interval and max_per_day that are to be the clinic''s, or none, again. dentist_ids replaces who leads it.
To deactivate it is refused while it is booked (on_conflict "reject"), or leaves the appointments as they are ("keep"); holds are released.
Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON), try_again.';
grant execute on function api.update_appointment_type to anon, authenticated, service_role;
