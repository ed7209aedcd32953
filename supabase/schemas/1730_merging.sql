-- Merging: two records that turn out to be one person.

create function clinic.taken_ahead(patient_ids uuid [], clinic_id uuid)
returns uuid []
language sql
stable
set search_path = ''
as $$
  select array(
    select t.id from clinic.appointments as a
    cross join unnest(clinic.taken_resources(a.dentist_id, a.parts)) as t (id)
    where a.patient_id = any (taken_ahead.patient_ids) and a.clinic_id = taken_ahead.clinic_id and a.status in ('booked', 'checked_in')
    union
    select t.id from clinic.slot_reservations as r
    cross join unnest(clinic.taken_resources(r.dentist_id, r.parts)) as t (id)
    where r.patient_id = any (taken_ahead.patient_ids) and r.clinic_id = taken_ahead.clinic_id and r.outcome is null
  );
$$;
comment on function clinic.taken_ahead is 'All that these patients'' visits ahead and holds take.';

create function clinic.lock_visits(patient_ids uuid [], clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid;
begin
  perform clinic.lock_calendars(variadic clinic.with_waiting(clinic.taken_ahead(lock_visits.patient_ids, lock_visits.clinic_id)));
  for v_id in select i.id from unnest(lock_visits.patient_ids) as i (id) order by i.id loop
    perform clinic.lock_patient(v_id);
  end loop;
end
$$;
comment on function clinic.lock_visits is 'Waits for all that these patients'' visits ahead take, then for the patients. Errors: try_again.';

create function clinic.end_own_guardianship(patient_id uuid, clinic_id uuid)
returns void
language sql
volatile
set search_path = ''
as $$
  delete from clinic.guardians as g
  using clinic.patients as p
  where
    g.patient_id = end_own_guardianship.patient_id and g.clinic_id = end_own_guardianship.clinic_id
    and p.id = g.patient_id and p.clinic_id = g.clinic_id and p.user_id = g.user_id;
$$;
comment on function clinic.end_own_guardianship is 'Nobody is their own guardian.';

create function clinic.lock_rows(patient_ids uuid [], clinic_id uuid)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
begin
  return array(
    select p.id from clinic.patients as p
    where
      p.id = any (lock_rows.patient_ids) and p.clinic_id = lock_rows.clinic_id and p.merged_into is null and p.erased_at is null
    order by p.id
    for update
  );
end
$$;
comment on function clinic.lock_rows is
'Locks the rows of these patients, in order, and says which of them are there still: neither merged nor erased by whoever was waited for.';

create function clinic.absorb(keep_id uuid, merge_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_merged clinic.patients;
begin
  perform clinic.lock_visits(array[absorb.keep_id, absorb.merge_id], absorb.clinic_id);
  if cardinality(clinic.lock_rows(array[absorb.keep_id, absorb.merge_id], absorb.clinic_id)) < 2 then
    perform clinic.refuse('try_again', 'One of the records was merged or erased meanwhile.');
  end if;
  select * into v_merged from clinic.patients as p where p.id = absorb.merge_id and p.clinic_id = absorb.clinic_id;
  if exists (
    select from clinic.patients as p
    where p.id = absorb.keep_id and p.clinic_id = absorb.clinic_id and p.user_id <> v_merged.user_id
  ) then
    perform clinic.refuse('try_again', 'One of the records was linked with a login meanwhile.');
  end if;
  update clinic.patients as p set merged_into = absorb.keep_id, user_id = null
  where p.id = absorb.merge_id and p.clinic_id = absorb.clinic_id;
  update clinic.patients as p
  set
    user_id = coalesce(p.user_id, v_merged.user_id),
    phone = coalesce(p.phone, v_merged.phone),
    email = coalesce(p.email, v_merged.email),
    birth_date = coalesce(p.birth_date, v_merged.birth_date),
    staff_notes = nullif(left(concat_ws(E'\n', p.staff_notes, nullif(v_merged.staff_notes, p.staff_notes)), 4000), ''),
    locale = coalesce(p.locale, v_merged.locale),
    -- Who wants no messages is asked once.
    muted_channels = array(select distinct c.name from unnest(p.muted_channels || v_merged.muted_channels) as c (name) order by c.name),
    -- Whom the desk or the clinic's own system entered is known, whichever record says so.
    source = case when v_merged.source in ('desk', 'service') then v_merged.source else p.source end
  where p.id = absorb.keep_id and p.clinic_id = absorb.clinic_id;
  update clinic.appointments as a set patient_id = absorb.keep_id
  where a.patient_id = absorb.merge_id and a.clinic_id = absorb.clinic_id;
  update clinic.slot_reservations as r set patient_id = absorb.keep_id
  where r.patient_id = absorb.merge_id and r.clinic_id = absorb.clinic_id;
  perform clinic.absorb_recalls(absorb.keep_id, absorb.merge_id, absorb.clinic_id);
  perform clinic.merge_wishes(absorb.keep_id, absorb.merge_id, absorb.clinic_id);
  update clinic.messages as m set patient_id = absorb.keep_id
  where m.patient_id = absorb.merge_id and m.clinic_id = absorb.clinic_id;
  update clinic.message_links as l set patient_id = absorb.keep_id
  where l.patient_id = absorb.merge_id and l.clinic_id = absorb.clinic_id;
  update clinic.message_replies as r set patient_id = absorb.keep_id
  where r.patient_id = absorb.merge_id and r.clinic_id = absorb.clinic_id;
  update clinic.patients as p set merged_into = absorb.keep_id
  where p.merged_into = absorb.merge_id and p.clinic_id = absorb.clinic_id;
  insert into clinic.guardians (clinic_id, patient_id, user_id, relation, until, created_at)
  select g.clinic_id, absorb.keep_id, g.user_id, g.relation, g.until, g.created_at
  from clinic.guardians as g
  where g.patient_id = absorb.merge_id and g.clinic_id = absorb.clinic_id
  on conflict on constraint guardians_pkey do nothing;
  delete from clinic.guardians as g where g.patient_id = absorb.merge_id and g.clinic_id = absorb.clinic_id;
  perform clinic.end_own_guardianship(absorb.keep_id, absorb.clinic_id);
  -- To chatbots it is nobody they know any more.
  delete from clinic.chatbot_patients as c where c.patient_id = absorb.merge_id and c.clinic_id = absorb.clinic_id;
exception
  when exclusion_violation then
    perform clinic.refuse('patient_busy', 'Both records have a visit at the same time.', hint => 'Move or cancel one of the two visits first.');
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
end
$$;
comment on function clinic.absorb is
'Makes two records one: visits, holds, messages, guardians and the login of the second become the first''s, and what the first does not say. The second stays,
with what it said, and points to the first; who takes it back by hand finds in the audit log what had been whose. Errors: patient_busy, try_again.';

create function clinic.merge_patients(keep_id uuid, merge_id uuid)
returns api.patients
language plpgsql
volatile
security definer -- writes patients for an admin it has checked
set search_path = ''
as $$
declare
  v_keep clinic.patients := clinic.patient_of(clinic.required(merge_patients.keep_id, 'keep_id'), 'admin');
  v_merge clinic.patients := clinic.patient_of(clinic.required(merge_patients.merge_id, 'merge_id'), 'admin');
  v_row api.patients;
begin
  if v_keep.clinic_id <> v_merge.clinic_id then
    perform clinic.refuse('not_found', 'There is no such patient in this clinic.');
  elsif v_keep.id = v_merge.id then
    perform clinic.refuse('invalid_argument', 'These are the same record.');
  elsif v_keep.user_id <> v_merge.user_id then
    perform clinic.refuse(
      'invalid_argument', 'Both have a login of their own.', hint => 'Only who has both can say which to keep: they delete the other one.'
    );
  end if;
  perform clinic.absorb(v_keep.id, v_merge.id, v_keep.clinic_id);
  select * into v_row from api.patients as p where p.id = v_keep.id;
  return v_row;
end
$$;
grant execute on function clinic.merge_patients to anon, authenticated, service_role;

create function api.merge_patients(keep_id uuid, merge_id uuid)
returns api.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.merge_patients(keep_id, merge_id);
end
$$;
comment on function api.merge_patients is
'For admins: two records are one person. Visits, holds, guardians and the login of merge_id become keep_id''s, with what keep_id does not say itself.
Returns the row kept. Errors: not_authenticated, forbidden, not_found, invalid_argument (the same; two logins), patient_busy (visits overlap), try_again.';
grant execute on function api.merge_patients to anon, authenticated, service_role;
