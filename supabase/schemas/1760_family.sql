-- Family: who acts for whom, and several visits at once.

create function clinic.add_dependant(clinic_id uuid, full_name text, birth_date text, relation text)
returns api.patients
language plpgsql
volatile
security definer -- makes a record that the caller acts for, and no other
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.required(clinic.require_user(), 'A user');
  v_name text := clinic.required(clinic.clean_name(add_dependant.full_name, 'full_name'), 'full_name');
  v_birth_date date := clinic.required(clinic.clean_birth_date(add_dependant.birth_date), 'birth_date');
  v_relation text := coalesce(clinic.clean_line(add_dependant.relation, 'relation', 40), 'parent');
  v_id uuid;
  v_row api.patients;
begin
  if clinic.is_guest() then
    perform clinic.refuse('forbidden', 'A guest books for one person.', hint => 'Sign up with an address first.');
  elsif not exists (select from clinic.clinics as c where c.id = clinic.required(add_dependant.clinic_id, 'clinic_id')) then
    perform clinic.refuse('not_found', 'There is no such clinic.');
  end if;
  perform clinic.lock_login();
  if (
    select count(*) >= 20 from clinic.audit_log as l
    where
      l.clinic_id = add_dependant.clinic_id and l.at > clock_timestamp() - interval '1 day'
      and l.entity = 'patients' and l.action = 'insert' and l.actor = v_user_id
  ) then
    perform clinic.refuse('booking_limit', 'You have added as many people as one login can in a day.', hint => 'Call the clinic.', clinic_id => add_dependant.clinic_id);
  elsif (
    select count(*) >= 10 from clinic.guardians as g
    where g.user_id = v_user_id and g.clinic_id = add_dependant.clinic_id and clinic.acts_still(g.until)
  ) then
    perform clinic.refuse('booking_limit', 'You act for as many people as one login can.', hint => 'Call the clinic.', clinic_id => add_dependant.clinic_id);
  end if;
  -- The same child twice is once. What has ended does not begin again: who has come of age is nobody's child any more.
  select p.id into v_id from clinic.guardians as g
  inner join clinic.patients as p on g.patient_id = p.id and g.clinic_id = p.clinic_id
  where
    g.user_id = v_user_id and g.clinic_id = add_dependant.clinic_id and clinic.acts_still(g.until)
    and clinic.folded(p.full_name) = clinic.folded(v_name) and p.birth_date = v_birth_date;
  if v_id is null then
    insert into clinic.patients (clinic_id, source, full_name, birth_date)
    values (add_dependant.clinic_id, 'online', v_name, v_birth_date)
    returning id into v_id;
  end if;
  insert into clinic.guardians (clinic_id, patient_id, user_id, relation, until)
  values (add_dependant.clinic_id, v_id, v_user_id, v_relation, clinic.guardian_until(v_birth_date, add_dependant.clinic_id))
  on conflict on constraint guardians_pkey do update set relation = excluded.relation, until = excluded.until;
  select * into v_row from api.patients as p where p.id = v_id;
  return v_row;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
  when foreign_key_violation then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
    return null;
end
$$;
grant execute on function clinic.add_dependant to anon, authenticated, service_role;

create function api.add_dependant(clinic_id uuid, full_name text, birth_date text, relation text default 'parent')
returns api.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.add_dependant(clinic_id, full_name, birth_date, relation);
end
$$;
comment on function api.add_dependant is
'For who is signed in: a patient for whom you book, move and cancel, such as your child; relation is what you are to them. It ends at the 18th birthday,
for who is of age already when you or the clinic end it. At most 10, and 20 a day. Returns the patient''s row.
Errors: not_authenticated, forbidden (guests), not_found, invalid_argument, booking_limit, try_again.';
grant execute on function api.add_dependant to anon, authenticated, service_role;

create function clinic.remove_dependant(patient_id uuid, user_id uuid)
returns boolean
language plpgsql
volatile
security definer -- ends what the caller does for somebody, or, for the desk, what somebody does
set search_path = ''
as $$
declare
  v_me uuid := clinic.require_user();
  v_user_id uuid := coalesce(remove_dependant.user_id, v_me);
  v_clinic_id uuid;
begin
  select g.clinic_id into v_clinic_id from clinic.guardians as g
  where g.patient_id = clinic.required(remove_dependant.patient_id, 'patient_id') and g.user_id = v_user_id;
  -- One's own, or of one's own record; otherwise the desk's to end.
  if v_user_id is distinct from v_me and clinic.my_patient(v_clinic_id) is distinct from remove_dependant.patient_id then
    if v_clinic_id is null then
      select p.clinic_id into v_clinic_id from clinic.patients as p where p.id = remove_dependant.patient_id;
    end if;
    perform clinic.require_role(v_clinic_id, 'admin', 'receptionist');
  end if;
  delete from clinic.guardians as g
  where g.patient_id = remove_dependant.patient_id and g.user_id = v_user_id;
  return found;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.remove_dependant to anon, authenticated, service_role;

create function api.remove_dependant(patient_id uuid, user_id uuid default null)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.remove_dependant(patient_id, user_id);
end
$$;
comment on function api.remove_dependant is
'Ends, at once, that you act for this patient; true if you did. The record and its visits stay. user_id is another''s login: for admins and
receptionists, and for the patient. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.remove_dependant to anon, authenticated, service_role;

create function clinic.follow_guardian()
returns trigger
language plpgsql
volatile
security definer -- whoever begins or ends it, the guardian and the desk hear of it
set search_path = ''
as $$
declare
  v_guardian clinic.guardians := case tg_op when 'DELETE' then old else new end;
begin
  -- A login that is being deleted hears nothing any more.
  if exists (select from auth.users as u where u.id = v_guardian.user_id) then
    perform clinic.record_events(v_guardian.clinic_id, null, row(
      'patient_updated', false, true, v_guardian.user_id, 'patients', v_guardian.patient_id,
      jsonb_build_object('patient_id', v_guardian.patient_id)
    )::clinic.announcement);
  end if;
  return null;
end
$$;
comment on function clinic.follow_guardian is 'Says to a guardian that they begin or cease to act for a patient.';

create trigger follow_guardian after insert or delete on clinic.guardians
for each row execute function clinic.follow_guardian();


-- Several visits, all or none ------------------------------------------------------------------------------------------

create function clinic.family_visit(visit jsonb, place integer)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_unknown text;
begin
  if jsonb_typeof(visit) is distinct from 'object' then
    perform clinic.refuse('invalid_argument', format('visits[%s] must be an object.', place));
  end if;
  select k.key into v_unknown from jsonb_object_keys(visit) as k (key)
  where k.key not in ('appointment_type_id', 'starts_at', 'dentist_id', 'patient_id', 'notes') limit 1;
  if v_unknown is not null then
    perform clinic.refuse(
      'invalid_argument', format('visits[%s] has %s.', place, v_unknown),
      hint => 'A visit has appointment_type_id, starts_at, and if wanted dentist_id, patient_id and notes.'
    );
  end if;
  if jsonb_typeof(visit -> 'notes') not in ('string', 'null') then
    perform clinic.refuse('invalid_argument', format('visits[%s].notes must be a text.', place));
  end if;
  perform clinic.required(visit ->> 'appointment_type_id', format('visits[%s].appointment_type_id', place));
  perform clinic.required_instant(visit ->> 'starts_at', format('visits[%s].starts_at', place));
  for v_unknown in select k.key from unnest(array['appointment_type_id', 'dentist_id', 'patient_id']) as k (key) loop
    if visit ->> v_unknown !~* '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' then
      perform clinic.refuse('invalid_argument', format('visits[%s].%s must be a UUID.', place, v_unknown));
    end if;
  end loop;
  return visit;
end
$$;
comment on function clinic.family_visit is 'One of book_family''s visits, its form checked. Errors: invalid_argument.';

create function clinic.refuse_visit(place bigint, refusal text, detail text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_told jsonb := refusal::jsonb;
begin
  -- It has been counted where it was refused.
  raise sqlstate 'PGRST' using
    message = (v_told || jsonb_build_object('message', format('visits[%s]: %s', place, v_told ->> 'message')))::text,
    detail = refuse_visit.detail;
end
$$;
comment on function clinic.refuse_visit is 'The same refusal, which says of which of book_family''s visits it is.';

create function clinic.lock_family(visits jsonb)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable;
  v_policy clinic.clinics;
  v_visit record;
  v_wanted uuid [] := array[]::uuid [];
  v_people uuid [] := array[]::uuid [];
  v_first timestamptz;
  v_detail text;
begin
  for v_visit in
    select (v.visit ->> 'appointment_type_id')::uuid as type_id, (v.visit ->> 'dentist_id')::uuid as dentist_id,
      (v.visit ->> 'patient_id')::uuid as patient_id, (v.visit ->> 'starts_at')::timestamptz as starts_at, v.place - 1 as place
    from jsonb_array_elements(visits) with ordinality as v (visit, place)
  loop
    begin
      v_bookable := clinic.bookable(v_visit.type_id, v_visit.dentist_id);
    exception
      when sqlstate 'PGRST' then
        get stacked diagnostics v_detail = pg_exception_detail;
        perform clinic.refuse_visit(v_visit.place, sqlerrm, v_detail);
    end;
    v_policy := v_bookable.policy;
    v_wanted := v_wanted || clinic.wanted_resources(
      array(select l.dentist_id from unnest(v_bookable.leaders) as l), v_policy.id, v_bookable.parts
    );
    v_people := v_people || coalesce(v_visit.patient_id, clinic.my_patient(v_policy.id));
    v_first := least(v_first, v_visit.starts_at);
  end loop;
  perform clinic.lock_for_visit(v_wanted, v_first);
  for v_visit in select distinct p.id from unnest(v_people) as p (id) where p.id is not null order by p.id loop
    perform clinic.lock_patient(v_visit.id);
  end loop;
end
$$;
comment on function clinic.lock_family is
'Waits for all that these visits might claim, and then for their patients, each in order, before the first is booked. Errors: not_found, not_offered,
try_again.';

create function clinic.book_family(visits jsonb, idempotency_key text)
returns setof api.appointments
language plpgsql
volatile
security definer -- books for a caller whom each booking checks
set search_path = ''
as $$
declare
  v_request jsonb := book_family.visits;
  v_response jsonb;
  v_rows jsonb := '[]'::jsonb;
  v_visit jsonb;
  v_row api.appointments;
  v_detail text;
begin
  perform clinic.require_user();
  if jsonb_typeof(book_family.visits) is distinct from 'array' or jsonb_array_length(book_family.visits) not between 1 and 10 then
    perform clinic.refuse('invalid_argument', 'visits must be an array of 1 to 10 visits.');
  end if;
  for n in 0..jsonb_array_length(book_family.visits) - 1 loop
    perform clinic.family_visit(book_family.visits -> n, n);
  end loop;
  v_response := clinic.replay('book_family', book_family.idempotency_key, v_request);
  if v_response is null then
    perform clinic.lock_family(book_family.visits);
    for n in 0..jsonb_array_length(book_family.visits) - 1 loop
      v_visit := book_family.visits -> n;
      begin
        v_row := clinic.book_appointment(
          (v_visit ->> 'dentist_id')::uuid, (v_visit ->> 'appointment_type_id')::uuid, v_visit ->> 'starts_at',
          (v_visit ->> 'patient_id')::uuid, v_visit ->> 'notes', null, false
        );
      exception
        when sqlstate 'PGRST' then
          get stacked diagnostics v_detail = pg_exception_detail;
          perform clinic.refuse_visit(n, sqlerrm, v_detail); -- and the others go with it
      end;
      v_rows := v_rows || to_jsonb(v_row);
    end loop;
    perform clinic.remember('book_family', book_family.idempotency_key, v_request, v_rows);
    v_response := v_rows;
  end if;
  return query select (jsonb_populate_record(null::api.appointments, r.visit)).* from jsonb_array_elements(v_response) as r (visit);
end
$$;
grant execute on function clinic.book_family to anon, authenticated, service_role;

create function api.book_family(visits jsonb, idempotency_key text default null)
returns setof api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select f.* from clinic.book_family(visits, idempotency_key) as f;
end
$$;
comment on function api.book_family is
'Books up to ten visits, all or none: a JSON array of {appointment_type_id, starts_at, [dentist_id], [patient_id], [notes]}, as book_appointment takes
them, in this order; for yourself and whom you are the guardian of, for staff for anybody. Returns the appointments. A refusal says which visit it is
of. Errors: those of book_appointment.';
grant execute on function api.book_family to anon, authenticated, service_role;
