-- People: profiles, staff, dentists, patients and their guardians, and what they are found by.

-- What people are found by -------------------------------------------------------------------------------------------

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

create function clinic.without_extension(phone text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- "x12", "ext. 12", "#12", and the parameters of a tel: address.
  select regexp_replace(
    lower(clinic.plain_digits(phone)), ';.*$|(?<=[^a-z])(extension|extn|ext|x|#)[\s.:=-]*([0-9]{1,7}[\s)]*)?$', ''
  );
$$;
comment on function clinic.without_extension is 'A phone number without what is dialled once somebody has answered.';

create function clinic.phone_key(phone text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- The last nine digits: the same with and without a country code or a leading zero.
  select nullif(right(regexp_replace(clinic.without_extension(phone), '[^0-9]', '', 'g'), 9), '');
$$;
comment on function clinic.phone_key is
'A phone number for finding, however it is written. Numbers of two countries can have the same: same_number tells them apart.';

create function clinic.is_phone(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select coalesce(length(clinic.phone_key(value)) >= 6, false);
$$;
comment on function clinic.is_phone is 'Whether somebody can be called under it: it has six digits at least.';

create function clinic.dialled(phone text)
returns text
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(regexp_replace(clinic.without_extension(phone), '[^0-9+]', '', 'g'), '^00', '+');
$$;
comment on function clinic.dialled is 'The number as one dials it: digits, and before them the + of those that say their country.';

create function clinic.calling_code(phone text)
returns text
language sql
immutable
set search_path = ''
as $$
  -- By ITU-T E.164: of one digit, of two, or of three.
  select substring(clinic.dialled(phone) from
    '^\+([17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|(2[1-689]|3[578]|42|5[09]|6[7-9]|8[035789]|9[679])[0-9])'
  );
$$;
comment on function clinic.calling_code is 'The country of a number that says it: 1, 44, 353. Null: it does not.';

create function clinic.whole_number(phone text, near text)
returns text
language sql
immutable
set search_path = ''
as $$
  select case
    when n.dialled like '+%' or n.code is null then n.dialled
    -- Without what is dialled before it inside the country: 1 in North America, 8 in Russia and Kazakhstan, 06 in Hungary, nothing in Italy, else 0.
    else '+' || n.code || regexp_replace(n.dialled, case n.code
      when '1' then '^1(?=[0-9]{10}$)' when '7' then '^8(?=[0-9]{10}$)' when '36' then '^06' when '39' then 'none' else '^0'
    end, '')
  end
  from (select clinic.dialled(whole_number.phone) as dialled, clinic.calling_code(whole_number.near) as code) as n;
$$;
comment on function clinic.whole_number is
'The number with its country (E.164); of one that says none, that of another number near it. As it is dialled, where neither says one.';

create function clinic.same_number(number text, ours text, near text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  -- Some carriers leave out the +.
  select coalesce(
    w.whole like '+%' and w.whole in (clinic.whole_number(same_number.number, same_number.near), '+' || clinic.dialled(same_number.number)),
    false
  )
  from (select clinic.whole_number(same_number.ours, same_number.near) as whole) as w;
$$;
comment on function clinic.same_number is
'Whether a number, as a carrier tells it, is one that we know, country and all. Where nothing says a country, not even a number near them, nobody can tell: false.';

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

create table clinic.profiles (
  user_id uuid not null,
  full_name text,
  phone text,
  email text,
  locale text,
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
comment on column clinic.profiles.locale is 'In which language to write to them; null: in the clinic''s.';
comment on column clinic.profiles.email is 'Where a guest can be reached, who has no address with Auth.';
alter table clinic.profiles enable row level security;

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

-- Or replace: an upgrade leaves that of the release before in its place until this one takes it.
create or replace trigger create_profile after insert on auth.users
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
alter table clinic.staff enable row level security;

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
alter table clinic.dentists enable row level security;

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
  locale text,
  muted_channels text [] not null default '{}',
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
  constraint patients_locale_is_a_tag check (clinic.is_locale(locale)),
  constraint patients_muted_channels_are_known check (muted_channels <@ '{email,sms}'),
  constraint patients_gone_have_no_login check (user_id is null or merged_into is null and erased_at is null),
  constraint patients_erased_say_nothing check (
    erased_at is null or full_name = 'Erased' and num_nonnulls(phone, email, birth_date, staff_notes) = 0
  )
);
comment on table clinic.patients is 'A clinic''s patients. A walk-in has no user_id.';
comment on column clinic.patients.staff_notes is 'What the staff note for each other: no patient ever reads it.';
comment on column clinic.patients.merged_into is 'The record that this one turned out to be: everything it had is there.';
comment on column clinic.patients.erased_at is 'Since when nobody can be recognized by this record. It stays for what counts visits.';
comment on column clinic.patients.locale is 'In which language to write to them; null: in that of their login, or the clinic''s.';
comment on column clinic.patients.muted_channels is 'Through what they want no messages: email, sms.';
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
alter table clinic.patients enable row level security;

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
alter table clinic.guardians enable row level security;

create function clinic.acts_still(until timestamptz)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return until is null or until > clock_timestamp();
end
$$;
comment on function clinic.acts_still is 'Whether a guardianship that ends then has not ended.';
grant execute on function clinic.acts_still to anon, authenticated, service_role;
