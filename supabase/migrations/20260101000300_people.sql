-- People: profiles, staff, dentists, patients, and who the caller is.

-- What people are found by -------------------------------------------------------------------------------------------

create function clinic.is_email(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select length(value) between 3 and 320 and value ~ '^[^@\s]+@[^@\s]+$' and clinic.is_line(value);
$$;
comment on function clinic.is_email is 'Whether the text has the form of an e-mail address.';

create function clinic.plain_digits(value text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  -- Mostly they are.
  if value ~ '^[\u0020-\u007E]*$' then
    return value;
  end if;
  -- Where each script's digits begin (Unicode 17), without those that NFKC turns into 0 to 9.
  return (
    select string_agg(coalesce(chr(48 + ascii(c.char) - z.zero), c.char), '' order by c.n)
    from regexp_split_to_table(normalize(plain_digits.value, nfkc), '') with ordinality as c (char, n)
    left join unnest('{
      1632,1776,1984,2406,2534,2662,2790,2918,3046,3174,3302,3430,3558,3664,3792,3872,4160,4240,6112,6160,6470,6608,
      6784,6800,6992,7088,7232,7248,42528,43216,43264,43472,43504,43600,44016,66720,68912,68928,69734,69872,69942,70096,
      70384,70736,70864,71248,71360,71376,71386,71472,71904,72016,72688,72784,73040,73120,73184,73552,90416,92768,92864,
      93008,93552,123200,123632,124144,124401,125264
    }'::integer []) as z (zero) on ascii(c.char) between z.zero and z.zero + 9
  );
end
$$;
comment on function clinic.plain_digits is 'The text with the digits of every script as 0 to 9.';

create function clinic.phone_key(phone text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- The last nine digits: the same with and without a country code or a leading zero. Without "x12", "ext. 12", "#12",
  -- and the parameters of a tel: address.
  select nullif(right(regexp_replace(
    regexp_replace(
      lower(clinic.plain_digits(phone)), ';.*$|(?<=[^a-z])(extension|extn|ext|x|#)[\s.:=-]*[0-9]{1,7}[\s)]*$', ''
    ),
    '[^0-9]', '', 'g'
  ), 9), '');
$$;
comment on function clinic.phone_key is 'A phone number for comparing, however it is written.';

create function clinic.is_phone(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select coalesce(length(clinic.phone_key(value)) >= 6, false);
$$;
comment on function clinic.is_phone is 'Whether somebody can be called under it: it has six digits at least.';

create function clinic.email_key(email text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- What stands behind a plus sign is for the owner's own sorting.
  select lower(regexp_replace(normalize(email, nfkc), '(?<=[^@])\+[^@]*@', '@'));
$$;
comment on function clinic.email_key is 'An e-mail address for comparing, however it is written.';

create function clinic.iso_date(day date)
returns text
language sql
immutable
set search_path = ''
as $$
  -- A cast and to_char would ask the session how dates look.
  select lpad(extract(year from day)::text, 4, '0') || '-' || lpad(extract(month from day)::text, 2, '0')
    || '-' || lpad(extract(day from day)::text, 2, '0');
$$;
comment on function clinic.iso_date is 'The date as YYYY-MM-DD.';

create function clinic.folded(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- Accents and case aside; an apostrophe joins, a hyphen parts.
  select regexp_replace(
    lower(extensions.unaccent('extensions.unaccent'::regdictionary, normalize(replace(value, '-', ' '), nfkc))),
    '[''\u2019\u02BC`]', '', 'g'
  );
$$;
comment on function clinic.folded is 'The text as it is compared when one looks for somebody.';

create function clinic.search_text(full_name text, phone text, email text, birth_date date)
returns text
language sql
immutable
set search_path = ''
as $$
  -- Each of its words has a space before it.
  select
    ' ' || clinic.folded(full_name)
    || coalesce(' ' || clinic.folded(email), '')
    || coalesce(' ' || regexp_replace(clinic.plain_digits(phone), '[^0-9]', '', 'g'), '')
    || coalesce(' ' || clinic.iso_date(birth_date), '');
$$;
comment on function clinic.search_text is 'All that a patient is found by: name and email, folded, the digits of the phone, the birth date in ISO.';


-- Profiles -----------------------------------------------------------------------------------------------------------

create function clinic.is_locale(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select value ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' and length(value) <= 35;
$$;
comment on function clinic.is_locale is 'Whether the text has the form of a language tag, such as en or de-CH.';
grant execute on function clinic.is_locale to anon, authenticated, service_role;

create table clinic.profiles (
  user_id uuid not null,
  full_name text,
  phone text,
  email text,
  locale text not null default 'en',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint profiles_pkey primary key (user_id),
  constraint profiles_user_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  constraint profiles_full_name_is_clean check (clinic.is_name(full_name)),
  constraint profiles_phone_is_short check (length(phone) between 1 and 40 and clinic.is_line(phone)),
  constraint profiles_email_is_an_address check (clinic.is_email(email)),
  constraint profiles_locale_is_a_tag check (clinic.is_locale(locale))
);
comment on table clinic.profiles is 'One per user: what they told us of themselves. Made at sign-up.';
comment on column clinic.profiles.email is 'Where a guest can be reached, who has no address with Auth.';

-- Anybody may ask the planner how many rows it expects (Prefer: count=planned), and it answers from statistics on all
-- rows, hidden ones too: so there are none on what people tell, here and in every table.
alter table clinic.profiles
alter column full_name set statistics 0,
alter column phone set statistics 0,
alter column email set statistics 0;

create function clinic.add_profile(user_id uuid, metadata jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_name text := clinic.tidy_name(metadata ->> 'full_name');
  v_phone text := clinic.trimmed(metadata ->> 'phone');
begin
  -- Metadata is whatever the client sent: what does not fit is left out, for sign-up must not fail on it.
  insert into clinic.profiles (user_id, full_name, phone)
  values (
    add_profile.user_id,
    case when clinic.is_name(v_name) then v_name end,
    case when length(v_phone) <= 40 and clinic.is_line(v_phone) then v_phone end
  )
  on conflict on constraint profiles_pkey do nothing;
end
$$;
comment on function clinic.add_profile is 'Gives a user a profile, unless they have one.';

create function clinic.create_profile()
returns trigger
language plpgsql
volatile
security definer -- sign-up runs as the Auth server's role, which has no rights here
set search_path = ''
as $$
begin
  perform clinic.add_profile(new.id, new.raw_user_meta_data);
  return null;
end
$$;
comment on function clinic.create_profile is 'Gives every new user a profile.';

create trigger create_profile after insert on auth.users
for each row execute function clinic.create_profile();

-- Chairtime may come to a project whose users were there before.
select clinic.add_profile(u.id, u.raw_user_meta_data) from auth.users as u;


-- Staff --------------------------------------------------------------------------------------------------------------

create table clinic.staff (
  clinic_id uuid not null,
  user_id uuid not null,
  role text not null,
  created_at timestamptz not null default now(),
  constraint staff_pkey primary key (clinic_id, user_id),
  constraint staff_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint staff_user_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  constraint staff_role_is_known check (role in ('admin', 'dentist', 'receptionist', 'chatbot'))
);
comment on table clinic.staff is 'Who works where as what. A user without a row is a patient. Roles are never read from user metadata.';
create index staff_user_idx on clinic.staff (user_id);

create table clinic.dentists (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  user_id uuid,
  full_name text not null,
  profession text not null default 'dentist',
  specialty text,
  bio text,
  is_active boolean not null default true,
  created_at timestamptz not null default now(),
  constraint dentists_pkey primary key (id, clinic_id),
  constraint dentists_user_key unique (clinic_id, user_id),
  constraint dentists_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint dentists_user_fkey foreign key (user_id) references auth.users (id) on delete set null,
  constraint dentists_full_name_is_clean check (clinic.is_name(full_name)),
  constraint dentists_profession_is_known check (profession in ('dentist', 'hygienist', 'assistant')),
  constraint dentists_specialty_is_short check (length(specialty) between 1 and 200),
  constraint dentists_bio_is_short check (length(bio) between 1 and 4000)
);
comment on table clinic.dentists is
'Whose time is booked: dentists, and hygienists and assistants, too. user_id links the login of one who has one. Who works at several clinics
has a row in each, under one id: booked at one is taken at the others.';
alter table clinic.dentists alter column user_id set statistics 0;
create index dentists_clinic_idx on clinic.dentists (clinic_id);
create index dentists_user_idx on clinic.dentists (user_id);

create table clinic.patients (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  user_id uuid,
  full_name text not null,
  phone text,
  email text,
  birth_date date,
  staff_notes text,
  merged_into uuid,
  erased_at timestamptz,
  source text not null default 'desk',
  created_at timestamptz not null default now(),
  search text not null generated always as (clinic.search_text(full_name, phone, email, birth_date)) stored,
  constraint patients_pkey primary key (id, clinic_id),
  constraint patients_user_key unique (clinic_id, user_id),
  constraint patients_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint patients_user_fkey foreign key (user_id) references auth.users (id) on delete set null,
  constraint patients_merged_into_fkey foreign key (merged_into, clinic_id) references clinic.patients (id, clinic_id),
  constraint patients_full_name_is_clean check (clinic.is_name(full_name)),
  constraint patients_source_is_known check (source in ('online', 'desk', 'chatbot', 'service')),
  constraint patients_phone_is_short check (length(phone) between 1 and 40 and clinic.is_line(phone)),
  constraint patients_email_is_short check (length(email) between 3 and 320 and clinic.is_line(email)),
  constraint patients_birth_date_is_a_persons check (birth_date >= '1875-01-01'),
  constraint patients_staff_notes_are_text check (length(staff_notes) <= 4000 and clinic.is_text(staff_notes)),
  constraint patients_gone_have_no_login check (user_id is null or merged_into is null and erased_at is null),
  constraint patients_erased_say_nothing check (
    erased_at is null or full_name = 'Erased' and num_nonnulls(phone, email, birth_date, staff_notes) = 0
  )
);
comment on table clinic.patients is 'A clinic''s patients. A walk-in has no user_id.';
comment on column clinic.patients.staff_notes is 'What the staff note for each other: no patient ever reads it.';
comment on column clinic.patients.merged_into is 'The record that this one turned out to be: everything it had is there.';
comment on column clinic.patients.erased_at is 'Since when nobody can be recognized by this record. It stays for what counts visits.';
comment on column clinic.patients.search is 'What search_patients looks into.';
alter table clinic.patients
alter column user_id set statistics 0,
alter column full_name set statistics 0,
alter column phone set statistics 0,
alter column email set statistics 0,
alter column birth_date set statistics 0,
alter column staff_notes set statistics 0,
alter column search set statistics 0;
create index patients_clinic_idx on clinic.patients (clinic_id);
create index patients_user_idx on clinic.patients (user_id);
create index patients_merged_into_idx on clinic.patients (merged_into, clinic_id) where merged_into is not null;
create index patients_phone_idx on clinic.patients (clinic_id, clinic.phone_key(phone));
create index patients_email_idx on clinic.patients (clinic_id, clinic.email_key(email));
create index patients_search_idx on clinic.patients using gin (search extensions.gin_trgm_ops);

create table clinic.guardians (
  clinic_id uuid not null,
  patient_id uuid not null,
  user_id uuid not null,
  relation text not null default 'parent',
  until timestamptz,
  created_at timestamptz not null default clock_timestamp(),
  constraint guardians_pkey primary key (patient_id, clinic_id, user_id),
  constraint guardians_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id) on delete cascade,
  constraint guardians_user_fkey foreign key (user_id) references auth.users (id) on delete cascade,
  constraint guardians_relation_is_short check (length(relation) between 1 and 40 and clinic.is_line(relation))
);
alter table clinic.guardians alter column relation set statistics 0;
comment on table clinic.guardians is
'Whose login acts for a patient: a parent for a child, a child for a parent. Beside the patient''s own, if they have one.';
comment on column clinic.guardians.until is 'When it ends by itself, such as at a child''s 18th birthday; null: when somebody ends it.';
create index guardians_clinic_idx on clinic.guardians (clinic_id);
create index guardians_user_idx on clinic.guardians (user_id);


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

create function clinic.require_user()
returns uuid
language plpgsql
volatile
security definer -- looks up the caller's own profile, which a token outlives
set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
begin
  -- For all that this call will wait for.
  perform set_config('lock_timeout', '2s', true);
  if v_user_id is null and not clinic.is_service() then
    perform clinic.refuse('not_authenticated');
  elsif v_user_id is not null and not exists (select from clinic.profiles as p where p.user_id = v_user_id) then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
  elsif current_setting('transaction_read_only')::boolean and clinic.is_read_only() then
    perform clinic.refuse('try_again', 'Nothing can be changed at the moment.');
  end if;
  return v_user_id;
end
$$;
comment on function clinic.require_user is
'The user id of a caller who is about to write; null for the service role. Errors: not_authenticated, try_again.';
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
    where g.user_id = (select auth.uid()) and (g.until is null or g.until > clock_timestamp())
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

alter table clinic.profiles enable row level security;
alter table clinic.staff enable row level security;
alter table clinic.dentists enable row level security;
alter table clinic.patients enable row level security;
alter table clinic.guardians enable row level security;

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
      and (p.user_id = auth.uid()) is not true
      and clinic.my_role(staff_notes.clinic_id) in ('service', 'admin', 'receptionist', 'dentist')
  );
end
$$;
comment on function clinic.staff_notes is 'What the staff noted of a patient, for staff; null for everybody else, and of oneself.';
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
    p.merged_into
  from clinic.patients as p;
comment on view api.patients is
'Patients: yourself and those you are the guardian of; for admins and receptionists those of their clinic; for a dentist those with an appointment.
staff_notes are for staff. A record with merged_into turned out to be that one, which has all its visits.';
grant select on api.patients to authenticated, service_role;

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
  return coalesce(
    (select p.full_name from clinic.patients as p where p.user_id = guardian_name.user_id and p.clinic_id = guardian_name.clinic_id),
    (select p.full_name from clinic.profiles as p where p.user_id = guardian_name.user_id)
  );
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
  where g.until is null or g.until > clock_timestamp();
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
        where g.user_id = v_user_id and (g.until is null or g.until > clock_timestamp())
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
'You: {user_id, email, is_guest, profile: {full_name, phone, email, locale}, dependants: [{clinic_id, patient_id, full_name, birth_date, relation, until}],
memberships: [{clinic_id, clinic_slug, clinic_name, time_zone, role, dentist_id, patient_id}]}. Errors: not_authenticated.';
grant execute on function api.me to anon, authenticated, service_role;
