-- Callers: who asks, as what, and which people they see. The policies ask these functions.

-- Who the caller is --------------------------------------------------------------------------------------------------

create function clinic.is_service()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  -- The role PostgREST switched to; unlike current_user it is still there inside a security definer function.
  return current_setting('role', true) = 'service_role';
end
$$;
comment on function clinic.is_service is 'Whether the caller came with the secret key.';
grant execute on function clinic.is_service to anon, authenticated, service_role;

create function clinic.is_read_only()
returns boolean
language sql
stable
set search_path = ''
as $$
  select pg_is_in_recovery()
    or current_setting('transaction_read_only')::boolean and current_setting('default_transaction_read_only')::boolean;
$$;
comment on function clinic.is_read_only is
'Whether nobody can write: a standby, or a server that was made read-only, as a full disk makes it. A request may be read-only by itself.';
grant execute on function clinic.is_read_only to anon, authenticated, service_role;

create function clinic.refuse_to_write()
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- PostgREST reads what is asked with GET: a load balancer may have sent it to a replica.
  if current_setting('request.method', true) in ('GET', 'HEAD') then
    perform clinic.refuse('invalid_argument', 'This changes something: it must be sent with POST.');
  elsif clinic.is_read_only() then
    perform clinic.refuse('try_again', 'Nothing can be changed at the moment.');
  end if;
end
$$;
comment on function clinic.refuse_to_write is
'Refuses to change something in a read-only transaction. Errors: invalid_argument (asked with GET), try_again (nobody can write here).';
grant execute on function clinic.refuse_to_write to anon, authenticated, service_role;

create function clinic.require_user(writes boolean default true)
returns uuid
language plpgsql
volatile
security definer -- looks up the caller's own profile, which a token outlives
set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
  -- For all that this call will wait for. Whoever stops in the middle of it does not stop the others for long.
  v_longest_wait constant text := set_config('lock_timeout', '2s', true);
  v_longest_pause constant text := set_config('idle_in_transaction_session_timeout', '30s', true);
begin
  if v_user_id is null then
    if not clinic.is_service() then
      perform clinic.refuse('not_authenticated');
    end if;
  elsif not exists (select from clinic.profiles as p where p.user_id = v_user_id) then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
  end if;
  if require_user.writes and current_setting('transaction_read_only')::boolean then
    perform clinic.refuse_to_write();
  end if;
  return v_user_id;
end
$$;
comment on function clinic.require_user is
'The user id of a caller who is about to write, or only reads; null for the service role. Errors: not_authenticated; of who writes also
invalid_argument (asked with GET), try_again.';
grant execute on function clinic.require_user to anon, authenticated, service_role;

create function clinic.is_guest()
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce((auth.jwt() ->> 'is_anonymous')::boolean, false);
end
$$;
comment on function clinic.is_guest is 'Whether the caller signed in anonymously: a login that nobody can come back to from elsewhere.';
grant execute on function clinic.is_guest to anon, authenticated, service_role;

create function clinic.lacks_contact(profile clinic.profiles)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.is_guest() and (profile.full_name is null or not clinic.is_phone(profile.phone) and profile.email is null);
end
$$;
comment on function clinic.lacks_contact is
'Whether the caller, whose profile this is, is a guest who has not said what a clinic must know to book: a name, and a phone number or an address.';

create function clinic.has_second_factor(clinic_id uuid)
returns boolean
language plpgsql
stable
security definer -- asked in policies, by who may not read the clinic's policy
set search_path = ''
as $$
begin
  return auth.jwt() ->> 'aal' = 'aal2' or not exists (
    select from clinic.clinics as c where c.id = has_second_factor.clinic_id and c.require_mfa
  );
end
$$;
comment on function clinic.has_second_factor is 'Whether the caller signed in with a second factor, or the clinic asks for none.';

create function clinic.my_role(clinic_id uuid)
returns text
language plpgsql
stable
security definer -- staff rows are not the caller's to read
set search_path = ''
as $$
declare
  v_role text;
begin
  if clinic.is_service() then
    return 'service';
  end if;
  select s.role into v_role from clinic.staff as s where s.clinic_id = my_role.clinic_id and s.user_id = auth.uid();
  -- Mostly the caller is a patient.
  return case when v_role is not null and (v_role = 'chatbot' or clinic.has_second_factor(my_role.clinic_id)) then v_role end;
end
$$;
comment on function clinic.my_role is 'The caller''s role in the clinic: service, admin, dentist, receptionist, chatbot; null for everyone else.';
grant execute on function clinic.my_role to anon, authenticated, service_role;

-- The three below answer policies with arrays: evaluated once a query, and an index can look up an array.

create function clinic.my_clinics(roles text[])
returns uuid[]
language sql
stable
security definer -- staff rows are not the caller's to read
set search_path = ''
as $$
  select coalesce(array_agg(s.clinic_id), '{}')
  from clinic.staff as s
  where
    s.user_id = (select auth.uid()) and s.role = any (my_clinics.roles)
    and (s.role = 'chatbot' or clinic.has_second_factor(s.clinic_id));
$$;
comment on function clinic.my_clinics is 'The clinics in which the caller has one of these roles.';
grant execute on function clinic.my_clinics to anon, authenticated, service_role;

create function clinic.my_calendars()
returns table (dentist_id uuid, clinic_id uuid)
language sql
stable
security definer -- staff rows are not the caller's to read
set search_path = ''
as $$
  select d.id, d.clinic_id
  from clinic.dentists as d
  inner join clinic.staff as s on d.clinic_id = s.clinic_id and d.user_id = s.user_id
  where
    d.user_id = (select auth.uid()) and s.role in ('dentist', 'admin', 'receptionist')
    and clinic.has_second_factor(s.clinic_id);
$$;
comment on function clinic.my_calendars is
'The dentists the caller is, each at the clinics on whose staff they are, and which say so: who works at others, too, may have no login there.';
grant execute on function clinic.my_calendars to anon, authenticated, service_role;

create function clinic.my_dentists(clinic_id uuid default null)
returns uuid[]
language sql
stable
set search_path = ''
as $$
  select coalesce(array_agg(c.dentist_id), '{}') from clinic.my_calendars() as c
  where my_dentists.clinic_id is null or c.clinic_id = my_dentists.clinic_id;
$$;
comment on function clinic.my_dentists is 'The dentists the caller is, at this clinic or, for null, at any.';
grant execute on function clinic.my_dentists to anon, authenticated, service_role;

create function clinic.my_patients()
returns uuid[]
language sql
stable
security definer -- called by the policies of the very table it reads
set search_path = ''
as $$
  select coalesce(array_agg(p.id), '{}')
  from (
    select p.id from clinic.patients as p where p.user_id = (select auth.uid())
    union all
    select g.patient_id from clinic.guardians as g
    where g.user_id = (select auth.uid()) and clinic.acts_still(g.until)
  ) as p;
$$;
comment on function clinic.my_patients is
'The patient records that the caller acts for: their own, one per clinic at most, and those of whom they are the guardian.';
grant execute on function clinic.my_patients to anon, authenticated, service_role;

create function clinic.my_past_dentists()
returns uuid[]
language plpgsql
stable
security definer -- called by the policies of the very table it reads
set search_path = ''
as $$
begin
  return array(
    select d.id from clinic.dentists as d
    where not d.is_active and (
      d.id in (select a.dentist_id from clinic.appointments as a where a.patient_id = any (clinic.my_patients()))
      -- A chatbot has booked for thousands: it is asked for each of the few.
      or d.clinic_id = any (clinic.my_clinics('{chatbot}')) and exists (
        select from clinic.appointments as a where a.dentist_id = d.id and a.booked_by = (select auth.uid())
      )
    )
  );
end
$$;
comment on function clinic.my_past_dentists is 'The inactive dentists whom the caller''s own appointments name: a patient''s, or those a chatbot booked.';
grant execute on function clinic.my_past_dentists to anon, authenticated, service_role;

create function clinic.require_reader(clinic_id uuid, variadic roles text[])
returns text
language plpgsql
volatile
security definer -- looks up whether the caller is staff without a second factor
set search_path = ''
as $$
declare
  v_role text := clinic.my_role(require_reader.clinic_id);
begin
  if auth.uid() is null and not clinic.is_service() then
    perform clinic.refuse('not_authenticated');
  elsif v_role is null then
    if exists (select from clinic.staff as s where s.clinic_id = require_reader.clinic_id and s.user_id = auth.uid()) then
      perform clinic.refuse('forbidden', 'This clinic asks its staff for a second factor.', hint => 'Sign in with it and try again.');
    end if;
    perform clinic.refuse('not_found');
  elsif v_role <> all (require_reader.roles || 'service'::text) then
    perform clinic.refuse('forbidden');
  end if;
  return v_role;
end
$$;
comment on function clinic.require_reader is 'As require_role, for a caller who only reads.';

create function clinic.require_role(clinic_id uuid, variadic roles text[])
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.require_user();
  return clinic.require_reader(require_role.clinic_id, variadic require_role.roles);
end
$$;
comment on function clinic.require_role is
'The caller''s role if it is one of these (the service role always is); forbidden for other staff of the clinic, not_found for strangers.';
grant execute on function clinic.require_role to anon, authenticated, service_role;

create function clinic.require_calendar(clinic_id uuid, dentist_id uuid)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_role text := clinic.require_role(require_calendar.clinic_id, 'admin', 'dentist');
begin
  if v_role = 'dentist' and (require_calendar.dentist_id = any (clinic.my_dentists(require_calendar.clinic_id))) is not true then
    perform clinic.refuse('forbidden');
  end if;
  return v_role;
end
$$;
comment on function clinic.require_calendar is 'Passes that dentist and the clinic''s admins: they own the calendar''s shape.';
grant execute on function clinic.require_calendar to anon, authenticated, service_role;

create function clinic.sees_calendar(clinic_id uuid, dentist_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(clinic.my_role(sees_calendar.clinic_id) in ('service', 'admin', 'receptionist'), false)
    or sees_calendar.dentist_id = any (clinic.my_dentists(sees_calendar.clinic_id));
end
$$;
comment on function clinic.sees_calendar is 'Whether the caller may see what is in this calendar: that dentist, the clinic''s admins and receptionists.';
grant execute on function clinic.sees_calendar to anon, authenticated, service_role;

create function clinic.my_colleagues()
returns uuid[]
language sql
stable
security definer -- called by policies, where staff rows are not the caller's to read
set search_path = ''
as $$
  select coalesce(array_agg(s.user_id), '{}')
  from clinic.staff as s
  where s.clinic_id = any (clinic.my_clinics('{admin}'));
$$;
comment on function clinic.my_colleagues is 'Who is on the staff of the clinics that the caller administers.';
grant execute on function clinic.my_colleagues to anon, authenticated, service_role;


-- Rows: who sees whom ------------------------------------------------------------------------------------------------
-- Each arm of a policy compares an indexed column with something that is evaluated once a query. The planner does not
-- know then whose rows they will be, and guesses: so many that with a limit it would rather walk through all tenants'
-- rows until it has found enough. The last line of such a policy is always true, and guessed to be true of one row in
-- 20,000: whoever asks, the arms' indexes are what is cheap.

create policy staff_see_themselves_and_admins_all on clinic.staff
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or user_id = clinic_id and (select 3) = 3)
  );
grant select on clinic.staff to authenticated, service_role;

create policy profiles_are_their_owners_and_admins_of_staff on clinic.profiles
  for select to authenticated
  using (
    user_id = (select auth.uid())
    or user_id = any ((select clinic.my_colleagues())::uuid [])
  );
grant select on clinic.profiles to authenticated, service_role;

create policy guardians_see_whom_they_act_for_and_desks_all on clinic.guardians
  for select to authenticated
  using (
    (
      user_id = (select auth.uid())
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or user_id = clinic_id and (select 3) = 3)
  );
grant select on clinic.guardians to authenticated, service_role;

create policy dentists_are_public on clinic.dentists
  for select to anon, authenticated
  using (
    is_active
    or clinic_id = any ((select clinic.my_clinics('{admin,dentist,receptionist}'))::uuid [])
    or id = any ((select clinic.my_past_dentists())::uuid [])
  );
-- Without user_id: whose login a dentist has is nobody's business.
grant select (id, clinic_id, full_name, profession, specialty, bio, is_active, created_at) on clinic.dentists to anon, authenticated;
grant select on clinic.dentists to service_role;

create view api.dentists
with (security_invoker = true) as
  select
    d.id,
    d.clinic_id,
    d.full_name,
    d.specialty,
    d.bio,
    d.is_active,
    d.profession
  from clinic.dentists as d;
comment on view api.dentists is 'Who leads visits or takes part in them: dentists, hygienists, assistants (profession). Public; inactive ones only for staff of their clinic, and for those whose appointments name them.';
grant select on api.dentists to anon, authenticated, service_role;

create view api.staff
with (security_invoker = true) as
  select
    s.clinic_id,
    s.user_id,
    s.role,
    -- Not a join: writing to a view of two tables is a server error, to a view of one it is forbidden.
    (
      select p.full_name from clinic.profiles as p
      where p.user_id = s.user_id
    ) as full_name,
    s.created_at
  from clinic.staff as s;
comment on view api.staff is 'Who works where as what: your own rows, and for admins those of their clinic.';
grant select on api.staff to authenticated, service_role;

create function clinic.staff_notes(patient_id uuid, clinic_id uuid)
returns text
language plpgsql
stable
security definer -- the column is not the caller's to read: a patient sees the row, too
set search_path = ''
as $$
begin
  return (
    select p.staff_notes from clinic.patients as p
    where
      p.id = staff_notes.patient_id and p.clinic_id = staff_notes.clinic_id
      and p.id <> all (clinic.my_patients())
      and clinic.my_role(staff_notes.clinic_id) in ('service', 'admin', 'receptionist', 'dentist')
  );
end
$$;
comment on function clinic.staff_notes is 'What the staff noted of a patient, for staff; null for everybody else, and of oneself and whom one acts for.';
grant execute on function clinic.staff_notes to authenticated, service_role;

create view api.patients
with (security_invoker = true) as
  select
    p.id,
    p.clinic_id,
    p.user_id,
    p.full_name,
    p.phone,
    p.email,
    p.created_at,
    p.birth_date,
    clinic.staff_notes(p.id, p.clinic_id) as staff_notes,
    p.merged_into,
    p.erased_at,
    p.locale,
    p.muted_channels
  from clinic.patients as p;
comment on view api.patients is
'Patients: yourself and those you are the guardian of; for admins and receptionists those of their clinic; for a dentist those with an appointment.
staff_notes are for staff. A record with merged_into turned out to be that one, which has all its visits; one with
erased_at is nobody''s any more. locale: in which language to write to them (null: their login''s, or the clinic''s); muted_channels: through what they want no messages.';
grant select on api.patients to authenticated, service_role;

create function clinic.name_of(user_id uuid, clinic_id uuid)
returns text
language sql
stable
set search_path = ''
as $$
  select coalesce(
    (select d.full_name from clinic.dentists as d where d.user_id = name_of.user_id and d.clinic_id = name_of.clinic_id),
    (select p.full_name from clinic.patients as p where p.user_id = name_of.user_id and p.clinic_id = name_of.clinic_id),
    (select p.full_name from clinic.profiles as p where p.user_id = name_of.user_id)
  );
$$;
comment on function clinic.name_of is 'How a clinic knows the owner of a login; null for who is gone, or has said no name.';

create function clinic.guardian_name(user_id uuid, clinic_id uuid)
returns text
language plpgsql
stable
security definer -- a guardian need not be a patient, and profiles are not the desk's to read
set search_path = ''
as $$
begin
  if
    guardian_name.user_id is distinct from auth.uid()
    and (clinic.my_role(guardian_name.clinic_id) in ('service', 'admin', 'receptionist')) is not true
    or not exists (
      select from clinic.guardians as g
      where g.user_id = guardian_name.user_id and g.clinic_id = guardian_name.clinic_id
    )
  then
    return null;
  end if;
  return clinic.name_of(guardian_name.user_id, guardian_name.clinic_id);
end
$$;
comment on function clinic.guardian_name is 'How a clinic knows a guardian, for its desk and for the guardian; null for everybody else.';
grant execute on function clinic.guardian_name to authenticated, service_role;

create view api.guardians
with (security_invoker = true) as
  select
    g.clinic_id,
    g.patient_id,
    g.user_id,
    g.relation,
    g.until,
    clinic.guardian_name(g.user_id, g.clinic_id) as guardian_name,
    g.created_at
  from clinic.guardians as g
  where clinic.acts_still(g.until);
comment on view api.guardians is 'Whose login acts for which patient: those you act for, and for admins and receptionists all of their clinic.';
grant select on api.guardians to authenticated, service_role;


-- The caller's own profile -------------------------------------------------------------------------------------------

create function clinic.me()
returns jsonb
language plpgsql
stable
security definer -- collects memberships from tables the caller reads only in part
set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
begin
  if v_user_id is null then
    perform clinic.refuse('not_authenticated');
  elsif not exists (select from clinic.profiles as p where p.user_id = v_user_id) then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
  end if;
  return jsonb_build_object(
    'user_id', v_user_id,
    'email', (select u.email from auth.users as u where u.id = v_user_id),
    'is_guest', clinic.is_guest(),
    'lacks_contact', (select clinic.lacks_contact(p) from clinic.profiles as p where p.user_id = v_user_id),
    'profile', (
      select jsonb_build_object('full_name', p.full_name, 'phone', p.phone, 'email', p.email, 'locale', p.locale)
      from clinic.profiles as p where p.user_id = v_user_id
    ),
    'dependants', coalesce(
      (
        select jsonb_agg(jsonb_build_object(
          'clinic_id', p.clinic_id, 'patient_id', p.id, 'full_name', p.full_name, 'birth_date', p.birth_date,
          'relation', g.relation, 'until', g.until
        ) order by p.birth_date, p.full_name)
        from clinic.guardians as g
        inner join clinic.patients as p on g.patient_id = p.id and g.clinic_id = p.clinic_id
        where g.user_id = v_user_id and clinic.acts_still(g.until)
      ),
      '[]'
    ),
    'memberships', coalesce(
      (
        select jsonb_agg(jsonb_build_object(
          'clinic_id', c.id, 'clinic_slug', c.slug, 'clinic_name', c.name, 'time_zone', c.time_zone,
          'role', coalesce(s.role, 'patient'), 'dentist_id', d.id, 'patient_id', p.id
        ) order by c.name)
        from clinic.clinics as c
        left join clinic.staff as s on c.id = s.clinic_id and s.user_id = v_user_id
        left join clinic.dentists as d on c.id = d.clinic_id and d.user_id = v_user_id and s.user_id is not null
        left join clinic.patients as p on c.id = p.clinic_id and p.user_id = v_user_id
        where s.user_id is not null or p.id is not null
      ),
      '[]'
    )
  );
end
$$;
grant execute on function clinic.me to anon, authenticated, service_role;

create function api.me()
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.me();
end
$$;
comment on function api.me is
'You: {user_id, email, is_guest, lacks_contact (a guest says with update_me who they are before they book), profile: {full_name, phone, email, locale}, dependants: [{clinic_id, patient_id, full_name, birth_date, relation, until}],
memberships: [{clinic_id, clinic_slug, clinic_name, time_zone, role, dentist_id, patient_id}]}. Errors: not_authenticated.';
grant execute on function api.me to anon, authenticated, service_role;
