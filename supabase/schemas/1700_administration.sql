-- Administration: staff, clinics and their policy.

-- Staff --------------------------------------------------------------------------------------------------------------

create function clinic.lock_staff(clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.take_lock(hashtextextended('chairtime:staff:' || lock_staff.clinic_id, 0));
end
$$;
comment on function clinic.lock_staff is 'One change of a clinic''s staff after another; always after the calendars. Errors: try_again.';

create function clinic.require_other_admin(clinic_id uuid, user_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Two admins who revoke each other wait here, and the second one is refused.
  perform clinic.lock_staff(require_other_admin.clinic_id);
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

create function clinic.guard_last_admin()
returns trigger
language plpgsql
volatile
security definer -- whoever deletes a login, the clinic keeps its rules
set search_path = ''
as $$
begin
  -- Two who leave at once wait here for each other.
  perform clinic.lock_staff(old.clinic_id);
  if exists (select from clinic.clinics as c where c.id = old.clinic_id) and not exists (
    select from clinic.staff as s where s.clinic_id = old.clinic_id and s.role = 'admin'
  ) then
    raise exception 'chairtime: the clinic % would be without an admin', old.clinic_id
      using errcode = 'integrity_constraint_violation', hint = 'Grant the role admin to somebody else first.';
  end if;
  return null;
end
$$;
comment on function clinic.guard_last_admin is
'At commit, a clinic that had an admin has one, also when a login was deleted, which takes its roles along.';

create constraint trigger guard_last_admin after delete or update on clinic.staff
deferrable initially deferred
for each row when (old.role = 'admin') execute function clinic.guard_last_admin();

create function clinic.require_calendars_kept(clinic_id uuid, user_id uuid, on_conflict text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_dentist_ids uuid [] := array(
    select d.id from clinic.dentists as d
    where d.clinic_id = require_calendars_kept.clinic_id and d.user_id = require_calendars_kept.user_id
  );
begin
  perform clinic.lock_calendars(variadic v_dentist_ids);
  perform clinic.require_nobody_left(
    require_calendars_kept.on_conflict, require_calendars_kept.clinic_id, v_dentist_ids
  );
end
$$;
comment on function clinic.require_calendars_kept is
'Passes if this user is no dentist with appointments ahead, or if the caller keeps those without the dentist''s login.
Call it before the staff is locked.';

create function clinic.has_agreed(user_id uuid, clinic_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (
    select from clinic.staff as s where s.clinic_id = has_agreed.clinic_id and s.user_id = has_agreed.user_id
  )
  -- Who was taken off by mistake comes back as easily; not who left.
  or exists (
    select from clinic.audit_log as l
    where
      l.entity_id = has_agreed.user_id and l.clinic_id = has_agreed.clinic_id and l.entity = 'staff' and l.action = 'delete'
      and l.at > clock_timestamp() - interval '1 hour' and l.actor <> has_agreed.user_id
  );
end
$$;
comment on function clinic.has_agreed is
'Whether somebody is on the clinic''s staff by their own doing, or was until another admin took them off, within the hour.';

create function clinic.grant_staff_role(clinic_id uuid, user_id uuid, role text, on_conflict text)
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
  -- Of all roles, a chatbot's alone has no calendar.
  if grant_staff_role.role = 'chatbot' or grant_staff_role.on_conflict is distinct from 'reject' then
    perform clinic.require_calendars_kept(grant_staff_role.clinic_id, grant_staff_role.user_id, grant_staff_role.on_conflict);
  end if;
  if (grant_staff_role.role in ('admin', 'dentist', 'receptionist', 'chatbot')) is not true then
    perform clinic.refuse('invalid_argument', 'role must be admin, dentist, receptionist or chatbot.');
  elsif not exists (
    select from auth.users as u where u.id = grant_staff_role.user_id
  ) or not exists (
    select from clinic.clinics as c where c.id = grant_staff_role.clinic_id
  ) then
    perform clinic.refuse('not_found', 'There is no such user or clinic.');
  elsif not clinic.is_service() and not clinic.has_agreed(grant_staff_role.user_id, grant_staff_role.clinic_id) then
    perform clinic.refuse('forbidden', 'Nobody joins the staff without their doing.', hint => 'Call invite_staff with their e-mail address.');
  elsif grant_staff_role.role <> 'admin' then
    perform clinic.require_other_admin(grant_staff_role.clinic_id, grant_staff_role.user_id);
  end if;
  insert into clinic.staff (clinic_id, user_id, role)
  values (grant_staff_role.clinic_id, grant_staff_role.user_id, grant_staff_role.role)
  on conflict on constraint staff_pkey do update set role = excluded.role;
  select * into v_row from api.staff as s
  where s.clinic_id = grant_staff_role.clinic_id and s.user_id = grant_staff_role.user_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.grant_staff_role to anon, authenticated, service_role;

create function api.grant_staff_role(clinic_id uuid, user_id uuid, role text, on_conflict text default 'reject')
returns api.staff
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.grant_staff_role(clinic_id, user_id, role, on_conflict);
end
$$;
comment on function api.grant_staff_role is
'For admins: gives somebody who is on the staff, or was taken off it within the hour, the role admin, dentist, receptionist or chatbot instead of the one they have; new people are invited
(invite_staff), or granted a role with the secret key.
A dentist with appointments ahead becomes a chatbot only with on_conflict "keep".
Errors: not_authenticated, forbidden (also: the last admin), not_found, invalid_argument, appointments_in_the_way (details: which, as JSON).';
grant execute on function api.grant_staff_role to anon, authenticated, service_role;

create function clinic.revoke_staff_role(clinic_id uuid, user_id uuid, on_conflict text)
returns boolean
language plpgsql
volatile
security definer -- writes staff for an admin it has checked
set search_path = ''
as $$
begin
  perform clinic.require_role(clinic.required(revoke_staff_role.clinic_id, 'clinic_id'), 'admin');
  perform clinic.require_calendars_kept(
    revoke_staff_role.clinic_id, clinic.required(revoke_staff_role.user_id, 'user_id'), revoke_staff_role.on_conflict
  );
  perform clinic.require_other_admin(revoke_staff_role.clinic_id, revoke_staff_role.user_id);
  delete from clinic.staff as s
  where s.clinic_id = revoke_staff_role.clinic_id and s.user_id = revoke_staff_role.user_id;
  return found;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.revoke_staff_role to anon, authenticated, service_role;

create function api.revoke_staff_role(clinic_id uuid, user_id uuid, on_conflict text default 'reject')
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.revoke_staff_role(clinic_id, user_id, on_conflict);
end
$$;
comment on function api.revoke_staff_role is
'For admins: takes the user off the clinic''s staff; true if they were on it. The last admin cannot be revoked.
A dentist with appointments ahead leaves only with on_conflict "keep": the appointments stay as they are, and so does the dentist.
Errors: not_authenticated, forbidden (also: the last admin), not_found, invalid_argument, appointments_in_the_way (details: which, as JSON).';
grant execute on function api.revoke_staff_role to anon, authenticated, service_role;


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
  elsif clinic.is_slug(create_clinic.slug) is not true then
    perform clinic.refuse('invalid_argument', 'slug must be 2 or more lower-case letters, digits and single hyphens.');
  elsif (clinic.is_time_zone(create_clinic.time_zone)) is not true then
    perform clinic.refuse('invalid_argument', 'time_zone must be an IANA name such as Europe/Zurich.');
  end if;
  insert into clinic.clinics (slug, name, time_zone)
  values (
    create_clinic.slug,
    clinic.required(clinic.clean_name(create_clinic.name, 'name'), 'name'),
    create_clinic.time_zone
  )
  on conflict on constraint clinics_slug_key do nothing;
  if not found then
    perform clinic.refuse('invalid_argument', 'There is a clinic with this slug already.');
  end if;
  perform clinic.add_default_rules((select c.id from clinic.clinics as c where c.slug = create_clinic.slug));
  select * into v_row from api.clinics as c where c.slug = create_clinic.slug;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.create_clinic to anon, authenticated, service_role;

create function api.create_clinic(slug text, name text, time_zone text)
returns api.clinics
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_clinic(slug, name, time_zone);
end
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
  if (policy ->> 'require_mfa')::boolean and not clinic.is_service() and (auth.jwt() ->> 'aal' = 'aal2') is not true then
    perform clinic.refuse(
      'forbidden', 'You would lock yourself out.', hint => 'Sign in with a second factor, then ask the others for theirs.'
    );
  end if;
  -- Whoever waits has what this opens, at the end, and by then nobody else does.
  if exists (select from clinic.waitlist as w where w.clinic_id = update_clinic_policy.clinic_id and w.outcome is null) then
    perform clinic.lock_clinic(update_clinic_policy.clinic_id);
  end if;
  update clinic.clinics as c
  set
    slot_interval = coalesce((policy ->> 'slot_interval')::interval, c.slot_interval),
    hold_duration = coalesce((policy ->> 'hold_duration')::interval, c.hold_duration),
    min_notice = coalesce((policy ->> 'min_notice')::interval, c.min_notice),
    booking_horizon = coalesce((policy ->> 'booking_horizon')::interval, c.booking_horizon),
    cancellation_notice = coalesce((policy ->> 'cancellation_notice')::interval, c.cancellation_notice),
    max_active_holds = coalesce((policy ->> 'max_active_holds')::integer, c.max_active_holds),
    max_holds_per_hour = coalesce((policy ->> 'max_holds_per_hour')::integer, c.max_holds_per_hour),
    max_chatbot_bookings_per_hour = coalesce(
      (policy ->> 'max_chatbot_bookings_per_hour')::integer, c.max_chatbot_bookings_per_hour
    ),
    max_offers = coalesce((policy ->> 'max_offers')::integer, c.max_offers),
    max_waitlist_offers = coalesce((policy ->> 'max_waitlist_offers')::integer, c.max_waitlist_offers),
    offer_duration = coalesce((policy ->> 'offer_duration')::interval, c.offer_duration),
    offer_lead = coalesce((policy ->> 'offer_lead')::interval, c.offer_lead),
    max_upcoming = coalesce((policy ->> 'max_upcoming')::integer, c.max_upcoming),
    cancel_grace = coalesce((policy ->> 'cancel_grace')::interval, c.cancel_grace),
    require_mfa = coalesce((policy ->> 'require_mfa')::boolean, c.require_mfa),
    audit_retention = coalesce((policy ->> 'audit_retention')::interval, c.audit_retention),
    patient_retention = coalesce((policy ->> 'patient_retention')::interval, c.patient_retention),
    locale = coalesce(policy ->> 'locale', c.locale),
    quiet_from = coalesce((policy ->> 'quiet_from')::time, c.quiet_from),
    quiet_until = coalesce((policy ->> 'quiet_until')::time, c.quiet_until)
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
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
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
  max_active_holds integer default null,
  max_holds_per_hour integer default null,
  max_chatbot_bookings_per_hour integer default null,
  max_offers integer default null,
  max_upcoming integer default null,
  cancel_grace interval default null,
  require_mfa boolean default null,
  audit_retention interval default null,
  patient_retention interval default null,
  locale text default null,
  quiet_from time default null,
  quiet_until time default null,
  max_waitlist_offers integer default null,
  offer_duration interval default null,
  offer_lead interval default null
)
returns api.clinics
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_clinic_policy(clinic_id, jsonb_build_object(
    'slot_interval', slot_interval, 'hold_duration', hold_duration, 'min_notice', min_notice,
    'booking_horizon', booking_horizon, 'cancellation_notice', cancellation_notice,
    'max_active_holds', max_active_holds, 'max_holds_per_hour', max_holds_per_hour,
    'max_chatbot_bookings_per_hour', max_chatbot_bookings_per_hour, 'max_offers', max_offers,
    'max_upcoming', max_upcoming, 'cancel_grace', cancel_grace, 'require_mfa', require_mfa,
    'audit_retention', audit_retention, 'patient_retention', patient_retention, 'locale', locale,
    'quiet_from', quiet_from, 'quiet_until', quiet_until, 'max_waitlist_offers', max_waitlist_offers,
    'offer_duration', offer_duration, 'offer_lead', offer_lead
  ));
end
$$;
comment on function api.update_clinic_policy is
'For admins: changes the booking policy; what is omitted or null stays. Intervals like "15 minutes".
Bounds: slot_interval 5 min to 12 h, hold_duration 1 s to 1 h, notices up to 30 days, horizon 1 to 730 days, 1 to 100 holds,
1 to 10,000 holds and chatbot bookings an hour, 10 to 10,000 offers, 1 to 1,000 appointments ahead, cancel_grace up to 7 days, audit_retention 1 to 30 years, patient_retention 1 to 100 years.
From quiet_from to quiet_until (HH:MM by the clinic''s clock; the same twice: never) nobody is woken by messages; locale is the language it writes in.
Of the waiting list: a free time is held for offer_duration (1 min to 48 h) for who waits, up to max_waitlist_offers times (1 to 100), not under offer_lead (up to 30 days) before it.
require_mfa: only who signed in with a second factor (aal2) acts as staff; who sets it has one. Where somebody waits it takes all calendars: try_again.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.update_clinic_policy to anon, authenticated, service_role;


create function clinic.shifted_appointments(clinic_id uuid, time_zone text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(d.described || jsonb_build_object(
    'local_before', clinic.wall_clock(a.starts_at, c.time_zone), 'local_after', clinic.wall_clock(a.starts_at, shifted_appointments.time_zone)
  ) order by a.starts_at, a.id), '[]')
  from clinic.appointments as a
  inner join clinic.clinics as c on a.clinic_id = c.id
  cross join lateral (select clinic.describe_appointments(array[a.id]) -> 0 as described) as d
  where
    a.clinic_id = shifted_appointments.clinic_id and a.status in ('booked', 'checked_in') and a.ends_at > clock_timestamp()
    and a.starts_at at time zone c.time_zone <> a.starts_at at time zone shifted_appointments.time_zone;
$$;
comment on function clinic.shifted_appointments is
'The clinic''s appointments ahead that stay at their instant, and so would be at another time of its clock in this zone; as describe_appointments, with local_before
and local_after.';

create function clinic.update_clinic(
  clinic_id uuid, name text, time_zone text, phone text, email text, address text, dry_run boolean, clear text []
)
returns jsonb
language plpgsql
volatile
security definer -- edits the clinic of an admin it has checked
set search_path = ''
as $$
declare
  v_email text := clinic.clean_email(update_clinic.email, 'email');
  v_clear text [] := coalesce(update_clinic.clear, '{}');
  v_shifted jsonb := '[]'::jsonb;
  v_row jsonb;
begin
  perform clinic.require_role(clinic.required(update_clinic.clinic_id, 'clinic_id'), 'admin');
  if update_clinic.time_zone is not null and not clinic.is_time_zone(update_clinic.time_zone) then
    perform clinic.refuse('invalid_argument', 'time_zone must be an IANA name such as Europe/Zurich.');
  elsif not v_clear <@ array['phone', 'email', 'address'] then
    perform clinic.refuse('invalid_argument', 'clear names phone, email and address alone.');
  end if;
  perform clinic.lock_clinic(update_clinic.clinic_id);
  if update_clinic.time_zone is not null then
    v_shifted := clinic.shifted_appointments(update_clinic.clinic_id, update_clinic.time_zone);
  end if;
  -- A dry run does the very same and takes it back.
  begin
    update clinic.clinics as c
    set
      name = coalesce(clinic.clean_name(update_clinic.name, 'name'), c.name),
      time_zone = coalesce(update_clinic.time_zone, c.time_zone),
      phone = case when 'phone' <> all (v_clear) then coalesce(clinic.clean_line(update_clinic.phone, 'phone', 40), c.phone) end,
      email = case when 'email' <> all (v_clear) then coalesce(v_email, c.email) end,
      address = case
        when 'address' <> all (v_clear) then coalesce(clinic.clean_text(update_clinic.address, 'address', 1000), c.address)
      end
    where c.id = update_clinic.clinic_id;
    if not found then
      perform clinic.refuse('not_found', 'There is no such clinic.');
    end if;
    select to_jsonb(c) into v_row from api.clinics as c where c.id = update_clinic.clinic_id;
    if update_clinic.dry_run then
      raise sqlstate 'CTDRY';
    end if;
  exception
    when sqlstate 'CTDRY' then null;
    when lock_not_available or deadlock_detected then
      perform clinic.refuse('try_again');
  end;
  return jsonb_build_object(
    'clinic', v_row, 'appointments_shifted', v_shifted, 'dry_run', coalesce(update_clinic.dry_run, false)
  );
end
$$;
grant execute on function clinic.update_clinic to anon, authenticated, service_role;

create function api.update_clinic(
  clinic_id uuid,
  name text default null,
  time_zone text default null,
  phone text default null,
  email text default null,
  address text default null,
  dry_run boolean default false,
  clear text [] default '{}'
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_clinic(clinic_id, name, time_zone, phone, email, address, dry_run, clear);
end
$$;
comment on function api.update_clinic is
'For admins: changes the clinic''s name, time zone and contact; what is omitted or null stays, and what clear names (phone,
email, address) is removed. In another zone hours stay at their times of the clock, and appointments at their instants: appointments_shifted are those ahead whose time of the clock changes. With dry_run nothing changes.
Returns {clinic, appointments_shifted: [appointment with local_before, local_after], dry_run}.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.update_clinic to anon, authenticated, service_role;
