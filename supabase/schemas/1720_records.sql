-- Records: who the clinic's patients are, and how one is found.

-- What is said of a person -------------------------------------------------------------------------------------------

create function clinic.clean_birth_date(value text)
returns date
language plpgsql
volatile
set search_path = ''
as $$
begin
  if value is null then
    return null;
  elsif value !~ '^(18[7-9]|19[0-9]|2[0-2][0-9])[0-9]-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$'
    or not clinic.is_in_month(value) or not value::date between '1875-01-01' and (clock_timestamp() at time zone 'UTC')::date + 1
  then
    perform clinic.refuse('invalid_argument', 'birth_date must be a day that has been, such as 1984-02-29.');
  end if;
  return value::date;
end
$$;
comment on function clinic.clean_birth_date is 'The date that the text names, YYYY-MM-DD; invalid_argument for what is no person''s birth date.';

create function clinic.patient_to_read(patient_id uuid, variadic roles text [])
returns clinic.patients
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_patient clinic.patients;
begin
  perform clinic.require_user(writes => false);
  perform clinic.required(patient_to_read.patient_id, 'patient_id');
  select * into v_patient from clinic.patients as p where p.id = patient_to_read.patient_id;
  -- First: to a stranger there is none, and none in words that tell it from one.
  perform clinic.require_reader(v_patient.clinic_id, variadic roles);
  if v_patient.id is null then
    perform clinic.refuse('not_found', 'There is no such patient.');
  elsif v_patient.merged_into is not null or v_patient.erased_at is not null then
    perform clinic.refuse('not_found', 'There is no such patient any more.');
  end if;
  return v_patient;
end
$$;
comment on function clinic.patient_to_read is 'The patient, for staff with one of these roles. Errors: not_authenticated, forbidden, not_found (also: merged, erased).';

create function clinic.patient_of(patient_id uuid, variadic roles text [])
returns clinic.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.require_user();
  return clinic.patient_to_read(patient_of.patient_id, variadic roles);
end
$$;
comment on function clinic.patient_of is 'As patient_to_read, for a caller who is about to write.';

create function clinic.follow_patient()
returns trigger
language plpgsql
volatile
security definer -- whoever changes a record, the desk hears of it
set search_path = ''
as $$
begin
  perform clinic.record_events(new.clinic_id, null, variadic clinic.for_listeners(
    row(
      'patient_updated', false, true, null, 'patients', new.id, jsonb_build_object('patient_id', new.id)
    )::clinic.announcement,
    clinic.listeners(new.id, new.clinic_id)
  ));
  return null;
end
$$;
comment on function clinic.follow_patient is 'Says that a record has changed, never what it says.';

create trigger follow_changed_patient after update on clinic.patients
for each row when (old is distinct from new) execute function clinic.follow_patient();


-- The caller's own -----------------------------------------------------------------------------------------------------

create function clinic.update_me(full_name text, phone text, locale text, email text)
returns jsonb
language plpgsql
volatile
security definer -- writes the caller's own profile and records and no other
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.required(clinic.require_user(), 'A user');
  v_name text := clinic.clean_name(update_me.full_name, 'full_name');
  v_phone text := clinic.clean_line(update_me.phone, 'phone', 40);
  v_email text := clinic.clean_email(update_me.email, 'email');
  v_locale text := clinic.clean_locale(update_me.locale);
begin
  if clinic.is_guest() and v_phone is not null and not clinic.is_phone(v_phone) then
    perform clinic.refuse('invalid_argument', 'A phone number has at least six digits.');
  end if;
  update clinic.profiles as p
  set
    full_name = coalesce(v_name, p.full_name),
    phone = coalesce(v_phone, p.phone),
    email = coalesce(v_email, p.email),
    locale = coalesce(v_locale, p.locale),
    updated_at = clock_timestamp()
  where p.user_id = v_user_id;
  -- Row by row in one order: the desk may be at work on one of them.
  perform from clinic.patients as p where p.user_id = v_user_id order by p.id for update;
  update clinic.patients as p
  set full_name = coalesce(v_name, p.full_name), phone = coalesce(v_phone, p.phone), email = coalesce(v_email, p.email)
  where
    p.user_id = v_user_id
    and (p.full_name, p.phone, p.email) is distinct from
    (coalesce(v_name, p.full_name), coalesce(v_phone, p.phone), coalesce(v_email, p.email));
  return clinic.me();
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.update_me to anon, authenticated, service_role;

create function api.update_me(
  full_name text default null, phone text default null, locale text default null, email text default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_me(full_name, phone, locale, email);
end
$$;
comment on function api.update_me is
'Changes what you say of yourself, in your profile and in your patient records at all clinics; what is omitted or null stays. email is where a clinic
reaches you: a guest has no other, and nobody signs in with it. Returns what me() returns. Errors: not_authenticated, invalid_argument, try_again.';
grant execute on function api.update_me to anon, authenticated, service_role;


-- The desk's -----------------------------------------------------------------------------------------------------------

create function clinic.create_patient(
  clinic_id uuid, full_name text, phone text, email text, birth_date text, staff_notes text, user_id uuid
)
returns api.patients
language plpgsql
volatile
security definer -- writes patients for staff it has checked
set search_path = ''
as $$
declare
  v_name text := clinic.required(clinic.clean_name(create_patient.full_name, 'full_name'), 'full_name');
  v_id uuid;
  v_row api.patients;
begin
  perform clinic.require_role(
    clinic.required(create_patient.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
  if create_patient.user_id is not null and not clinic.is_service() then
    perform clinic.refuse('forbidden', 'Nobody is given a login''s name without its owner.', hint => 'Call invite_patient.');
  elsif not exists (select from clinic.clinics as c where c.id = create_patient.clinic_id) or (
    create_patient.user_id is not null
    and not exists (select from auth.users as u where u.id = create_patient.user_id)
  ) then
    perform clinic.refuse('not_found', 'There is no such user or clinic.');
  end if;
  insert into clinic.patients (clinic_id, user_id, full_name, phone, email, birth_date, staff_notes)
  values (
    create_patient.clinic_id, create_patient.user_id, v_name,
    clinic.clean_line(create_patient.phone, 'phone', 40), clinic.clean_email(create_patient.email, 'email'),
    clinic.clean_birth_date(create_patient.birth_date), clinic.clean_text(create_patient.staff_notes, 'staff_notes', 4000)
  )
  on conflict on constraint patients_user_key do nothing
  returning id into v_id;
  if v_id is null then
    perform clinic.refuse('invalid_argument', 'This user is a patient of the clinic already.');
  end if;
  select * into v_row from api.patients as p where p.id = v_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.create_patient to anon, authenticated, service_role;

create function api.create_patient(
  clinic_id uuid,
  full_name text,
  phone text default null,
  email text default null,
  birth_date text default null,
  staff_notes text default null,
  user_id uuid default null
)
returns api.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.create_patient(clinic_id, full_name, phone, email, birth_date, staff_notes, user_id);
end
$$;
comment on function api.create_patient is
'For staff: records a patient, for example a walk-in; similar_patients says first who may be there already. birth_date is a day, YYYY-MM-DD.
user_id is for the secret key: people link their login themselves (invite_patient). Returns the row.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.create_patient to anon, authenticated, service_role;

create function clinic.update_patient(
  patient_id uuid, full_name text, phone text, email text, birth_date text, staff_notes text, locale text
)
returns api.patients
language plpgsql
volatile
security definer -- writes a patient for staff it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients := clinic.patient_of(update_patient.patient_id, 'admin', 'receptionist');
  v_same constant text := clinic.same_text();
  v_row api.patients;
begin
  update clinic.patients as p
  set
    full_name = coalesce(clinic.clean_name(update_patient.full_name, 'full_name'), p.full_name),
    phone = case when update_patient.phone = v_same then p.phone else clinic.clean_line(update_patient.phone, 'phone', 40) end,
    email = case when update_patient.email = v_same then p.email else clinic.clean_email(update_patient.email, 'email') end,
    birth_date = case
      when update_patient.birth_date = v_same then p.birth_date else clinic.clean_birth_date(nullif(update_patient.birth_date, ''))
    end,
    staff_notes = case
      when update_patient.staff_notes = v_same then p.staff_notes
      else clinic.clean_text(update_patient.staff_notes, 'staff_notes', 4000)
    end,
    locale = case when update_patient.locale = v_same then p.locale else clinic.clean_locale(nullif(update_patient.locale, '')) end
  where p.id = v_patient.id and p.merged_into is null and p.erased_at is null;
  if not found then
    perform clinic.refuse('not_found', 'There is no such patient any more.');
  end if;
  select * into v_row from api.patients as p where p.id = v_patient.id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.update_patient to anon, authenticated, service_role;

create function api.update_patient(
  patient_id uuid,
  full_name text default null,
  phone text default clinic.same_text(),
  email text default clinic.same_text(),
  birth_date text default clinic.same_text(),
  staff_notes text default clinic.same_text(),
  locale text default clinic.same_text()
)
returns api.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.update_patient(patient_id, full_name, phone, email, birth_date, staff_notes, locale);
end
$$;
comment on function api.update_patient is
'For admins and receptionists: changes what the clinic knows of a patient; what is omitted stays, what is null or empty is removed, but the name.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.update_patient to anon, authenticated, service_role;


-- Finding somebody -----------------------------------------------------------------------------------------------------

create type api.found_patient as (
  id uuid,
  clinic_id uuid,
  user_id uuid,
  full_name text,
  phone text,
  email text,
  birth_date date,
  staff_notes text,
  next_visit timestamptz,
  last_visit timestamptz
);
comment on type api.found_patient is
'A patient, with the start of the next visit ahead and of the last one that was not cancelled or missed; null: there is none.';

create function clinic.found_patients(patient_ids uuid [], clinic_id uuid)
returns setof api.found_patient
language sql
stable
set search_path = ''
as $$
  select
    p.id, p.clinic_id, p.user_id, p.full_name, p.phone, p.email, p.birth_date, clinic.staff_notes(p.id, p.clinic_id),
    (
      select min(a.starts_at) from clinic.appointments as a
      where a.patient_id = p.id and a.clinic_id = p.clinic_id and a.status = 'booked' and a.starts_at > clock_timestamp()
    ),
    (
      select max(a.starts_at) from clinic.appointments as a
      where
        a.patient_id = p.id and a.clinic_id = p.clinic_id and a.status not in ('cancelled', 'no_show')
        and a.starts_at <= clock_timestamp()
    )
  from unnest(found_patients.patient_ids) with ordinality as i (id, place)
  inner join clinic.patients as p on i.id = p.id and p.clinic_id = found_patients.clinic_id
  order by i.place;
$$;
comment on function clinic.found_patients is 'These patients of the clinic, in this order, with their next and last visits.';

create function clinic.like_text(value text)
returns text
language sql
immutable
set search_path = ''
as $$
  select regexp_replace(value, '([\\%_])', '\\\1', 'g');
$$;
comment on function clinic.like_text is 'The text as a pattern of like that means itself.';

create function clinic.search_patterns(query text)
returns text []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_word text;
  v_words text [];
  v_digits text := '';
begin
  -- Commas part words, and what stands around one, as a list or a letter writes it, is no part of it.
  foreach v_word in array regexp_split_to_array(coalesce(clinic.plain_digits(clinic.clean_line(query, 'query', 200)), ''), '[\s,;\u060C\u3001]+') loop
    v_word := regexp_replace(v_word, '^["<(\[\u00AB\u201C\u201E]+|[">)\].:\u00BB\u201C\u201D]+$', '', 'g');
    if v_word ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' then
      v_words := v_words || v_word;
    elsif v_word ~ '^[-+()./0-9\u2010-\u2015]+$' then
      v_digits := v_digits || regexp_replace(v_word, '[^0-9]', '', 'g');
    else
      v_words := v_words || regexp_split_to_array(clinic.folded(v_word), ' +');
    end if;
  end loop;
  -- A phone number, however it is written: with a country code, or with the zero that stands for it.
  v_words := v_words || right(ltrim(v_digits, '0'), 9);
  return array(
    -- Of one or two letters only a beginning: nothing else is quick, nor meant.
    select case when length(w.word) < 3 then '% ' else '%' end || clinic.like_text(w.word) || '%'
    from unnest(v_words) as w (word)
    where w.word <> ''
    order by length(w.word) desc
    limit 6
  );
end
$$;
comment on function clinic.search_patterns is 'What is looked for in patients.search, one pattern a word, the longest first.';

create function clinic.search_patients(clinic_id uuid, query text, max_results integer)
returns setof api.found_patient
language plpgsql
stable
security definer -- reads all of a clinic's patients for staff it has checked
set search_path = ''
as $$
declare
  v_role text := clinic.require_reader(
    clinic.required(search_patients.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
  v_patterns text [] := clinic.search_patterns(clinic.required(search_patients.query, 'query'));
  v_ids uuid [];
begin
  if (search_patients.max_results between 1 and 100) is not true then
    perform clinic.refuse('invalid_argument', 'max_results must be between 1 and 100.');
  elsif v_patterns = '{}' then
    return;
  end if;
  -- Planned for these words: which of them an index finds best, only they tell. They are no part of the statement, which
  -- a log may keep. Of thousands that fit not all are put in order: whoever looks for one of them says more.
  execute format(
    'select array(
      select f.id
      from (
        (select p.id, p.full_name, 1 as place from clinic.patients as p where p.search like $3 and %1$s limit 200)
        union all
        (select p.id, p.full_name, 2 from clinic.patients as p where %2$s and %1$s limit 200)
      ) as f
      group by f.id, f.full_name
      order by min(f.place), f.full_name, f.id
      limit $2
    )',
    'p.clinic_id = $1 and p.merged_into is null and p.erased_at is null' || case when v_role = 'dentist' then
      ' and exists (
        select from clinic.appointments as a
        where a.patient_id = p.id and a.clinic_id = p.clinic_id and a.dentist_id = any (clinic.my_dentists($1))
      )'
    else '' end,
    (select string_agg(format('p.search like $%s', 3 + n), ' and ') from generate_subscripts(v_patterns, 1) as n)
  ) into v_ids using
    search_patients.clinic_id, search_patients.max_results,
    ' ' || clinic.like_text(clinic.folded(clinic.clean_line(search_patients.query, 'query', 200))) || '%',
    v_patterns[1], v_patterns[2], v_patterns[3], v_patterns[4], v_patterns[5], v_patterns[6];
  return query select f.* from clinic.found_patients(v_ids, search_patients.clinic_id) as f;
end
$$;
grant execute on function clinic.search_patients to anon, authenticated, service_role;

create function api.search_patients(clinic_id uuid, query text, max_results integer default 20)
returns setof api.found_patient
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select f.* from clinic.search_patients(clinic_id, query, max_results) as f;
end
$$;
comment on function api.search_patients is
'For staff: the patients that fit all the words of the query, in any order: parts of the name or the e-mail address, accents and case aside, digits of
the phone however it is written, the birth date as YYYY-MM-DD; of one or two letters, beginnings. Names that begin so come first; at most max_results
(100). A dentist finds their own patients. Rows {id, clinic_id, user_id, full_name, phone, email, birth_date, staff_notes, next_visit, last_visit}.
Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.search_patients to anon, authenticated, service_role;

create function clinic.similar_patients(clinic_id uuid, full_name text, phone text, email text, birth_date text)
returns setof api.found_patient
language plpgsql
stable
security definer -- reads all of a clinic's patients for staff it has checked
set search_path = ''
as $$
declare
  v_name text := clinic.folded(clinic.required(clinic.clean_name(similar_patients.full_name, 'full_name'), 'full_name'));
  v_phone text := clinic.phone_key(clinic.clean_line(similar_patients.phone, 'phone', 40));
  v_email text := clinic.email_key(clinic.clean_email(similar_patients.email, 'email'));
  v_birth_date date := clinic.clean_birth_date(similar_patients.birth_date);
  v_role text := clinic.require_reader(
    clinic.required(similar_patients.clinic_id, 'clinic_id'), 'admin', 'receptionist', 'dentist'
  );
begin
  return query
    select f.id, f.clinic_id, f.user_id, f.full_name, s.phone, s.email, s.birth_date, s.staff_notes, s.next_visit, s.last_visit
    from clinic.found_patients(array(
      select p.id
      from clinic.patients as p
      cross join lateral (
        select
          coalesce(extensions.similarity(clinic.folded(p.full_name), v_name) > 0.6, false) as is_like,
          coalesce(p.birth_date = v_birth_date, false) as same_birth_date,
          coalesce(clinic.phone_key(p.phone) = v_phone or clinic.email_key(p.email) = v_email, false) as same_contact
      ) as s
      where
        p.clinic_id = similar_patients.clinic_id and p.merged_into is null and p.erased_at is null
        and (
          clinic.phone_key(p.phone) = v_phone or clinic.email_key(p.email) = v_email
          or p.search like ' ' || clinic.like_text(v_name) || '%'
          or v_birth_date is not null and p.search like '% ' || clinic.iso_date(v_birth_date)
        )
        -- A family shares a telephone, and a day is many people's birthday: one of both is not enough.
        and (s.is_like and (p.birth_date is null or v_birth_date is null or s.same_birth_date) or s.same_contact and s.same_birth_date)
      order by s.same_birth_date desc, s.same_contact desc, p.created_at
      limit 5
    ), similar_patients.clinic_id) as f
    -- To a dentist who is nobody's of theirs is a name.
    left join lateral (
      select f.phone, f.email, f.birth_date, f.staff_notes, f.next_visit, f.last_visit
      where v_role <> 'dentist' or exists (
        select from clinic.appointments as a
        where
          a.patient_id = f.id and a.clinic_id = f.clinic_id
          and a.dentist_id = any (clinic.my_dentists(similar_patients.clinic_id))
      )
    ) as s on true;
end
$$;
grant execute on function clinic.similar_patients to anon, authenticated, service_role;

create function api.similar_patients(
  clinic_id uuid, full_name text, phone text default null, email text default null, birth_date text default null
)
returns setof api.found_patient
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select f.* from clinic.similar_patients(clinic_id, full_name, phone, email, birth_date) as f;
end
$$;
comment on function api.similar_patients is
'For staff, before they call create_patient: up to five who may be the same person, for the name is much the same and no birth date speaks against it, or
phone or e-mail address and birth date are the same; the likeliest first. Rows as search_patients; to a dentist, others'' patients are names. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.similar_patients to anon, authenticated, service_role;
