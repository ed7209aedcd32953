-- Joining: a login and what a clinic knows of its owner become one, and never without the owner's doing.

-- Invitations: a code that whoever has it can use once ----------------------------------------------------------------

create table clinic.invitations (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  patient_id uuid,
  relation text,
  email text,
  role text,
  dentist_id uuid,
  code_hash bytea not null,
  wrong_answers integer not null default 0,
  invited_by uuid,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  accepted_at timestamptz,
  constraint invitations_pkey primary key (id),
  constraint invitations_code_key unique (code_hash),
  constraint invitations_clinic_fkey foreign key (clinic_id) references clinic.clinics (id),
  constraint invitations_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id) on delete cascade,
  constraint invitations_dentist_fkey foreign key (dentist_id, clinic_id) references clinic.dentists (id, clinic_id),
  constraint invitations_invited_by_fkey foreign key (invited_by) references auth.users (id) on delete set null,
  constraint invitations_are_for_patients_or_staff check (
    patient_id is not null and email is null and role is null and dentist_id is null
    or patient_id is null and relation is null and email is not null and role in ('admin', 'dentist', 'receptionist', 'chatbot')
  ),
  constraint invitations_relation_is_short check (length(relation) between 1 and 40 and clinic.is_line(relation)),
  constraint invitations_email_is_an_address check (clinic.is_email(email))
);
comment on table clinic.invitations is
'To link a patient''s record with a login (their own, or a guardian''s), or to join the staff. The code is told once, and stored as a hash.';
alter table clinic.invitations
alter column relation set statistics 0,
alter column email set statistics 0,
alter column code_hash set statistics 0;
create index invitations_clinic_idx on clinic.invitations (clinic_id, created_at);
create index invitations_patient_idx on clinic.invitations (patient_id, clinic_id);
create index invitations_dentist_idx on clinic.invitations (dentist_id, clinic_id);
create index invitations_invited_by_idx on clinic.invitations (invited_by);
alter table clinic.invitations enable row level security;

create policy invitations_are_for_desks_and_of_staff_for_admins on clinic.invitations
  for select to authenticated
  using (
    (
      clinic_id = any ((select clinic.my_clinics('{admin}'))::uuid [])
      or patient_id is not null and clinic_id = any ((select clinic.my_clinics('{receptionist}'))::uuid [])
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select (id, clinic_id, patient_id, relation, email, role, dentist_id, invited_by, created_at, expires_at, accepted_at)
on clinic.invitations to authenticated;
grant select on clinic.invitations to service_role;

create view api.invitations
with (security_invoker = true) as
  select
    i.id,
    i.clinic_id,
    i.patient_id,
    i.relation,
    i.email,
    i.role,
    i.dentist_id,
    i.created_at,
    i.expires_at,
    i.accepted_at
  from clinic.invitations as i;
comment on view api.invitations is
'Who was invited: to link a patient''s record (patient_id; with a relation: a guardian''s login), for admins and receptionists; to join the staff (email,
role), for admins. Codes are told once, by invite_patient and invite_staff.';
grant select on api.invitations to authenticated, service_role;

create table clinic.join_attempts (
  id bigint not null generated always as identity,
  user_id uuid not null,
  attempted_at timestamptz not null default clock_timestamp(),
  constraint join_attempts_pkey primary key (id),
  constraint join_attempts_user_fkey foreign key (user_id) references auth.users (id) on delete cascade
);
comment on table clinic.join_attempts is 'Wrong codes, and right ones with a wrong birth date, so that nobody tries many.';
create index join_attempts_user_idx on clinic.join_attempts (user_id, attempted_at);
create index join_attempts_attempted_at_idx on clinic.join_attempts (attempted_at);
alter table clinic.join_attempts enable row level security;

create policy join_attempts_are_for_the_service on clinic.join_attempts
  for select to service_role
  using (true);
grant select on clinic.join_attempts to service_role;

create function clinic.code_hash(code text)
returns bytea
language sql
immutable
set search_path = ''
as $$
  select sha256(convert_to('chairtime:' || clinic.plain_code(code), 'UTF8'));
$$;
comment on function clinic.code_hash is 'What is stored of a code, however it was typed.';

create function clinic.invite(invitation clinic.invitations)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_code text := clinic.draw_code(12);
  v_row clinic.invitations;
begin
  -- The newest one counts: it was asked for because the older one was lost.
  delete from clinic.invitations as i
  where
    i.clinic_id = invitation.clinic_id and i.accepted_at is null
    and i.patient_id is not distinct from invitation.patient_id and (i.relation is null) = (invitation.relation is null)
    and lower(i.email) is not distinct from lower(invitation.email);
  insert into clinic.invitations (clinic_id, patient_id, relation, email, role, dentist_id, code_hash, invited_by, expires_at)
  values (
    invitation.clinic_id, invitation.patient_id, invitation.relation, invitation.email, invitation.role, invitation.dentist_id,
    clinic.code_hash(v_code), auth.uid(), clock_timestamp() + interval '7 days'
  )
  returning * into v_row;
  return jsonb_build_object(
    'invitation_id', v_row.id, 'code', clinic.shown_code(v_code), 'expires_at', v_row.expires_at
  );
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
comment on function clinic.invite is 'Writes an invitation instead of an older one that nobody has used: {invitation_id, code, expires_at}. It holds for a week.';

create function clinic.open_invitation(code text, is_staff boolean)
returns clinic.invitations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.required(clinic.require_user(), 'A user');
  v_code text := clinic.required(clinic.clean_line(open_invitation.code, 'code', 100), 'code');
  v_invitation clinic.invitations;
begin
  if clinic.is_guest() then
    perform clinic.refuse('forbidden', 'A guest''s login cannot be found again.', hint => 'Sign up with an address, then use the code.');
  end if;
  perform clinic.lock_login();
  if (
    select count(*) >= 10 from clinic.join_attempts as a
    where a.user_id = v_user_id and a.attempted_at > clock_timestamp() - interval '1 hour'
  ) then
    perform clinic.refuse('booking_limit', 'These were too many wrong codes.', hint => 'Try again in an hour, or call the clinic.');
  end if;
  select * into v_invitation from clinic.invitations as i
  where
    i.code_hash = clinic.code_hash(v_code) and (i.role is not null) = open_invitation.is_staff
    and i.accepted_at is null and i.expires_at > clock_timestamp() and i.wrong_answers < 5
  for update;
  return v_invitation;
end
$$;
comment on function clinic.open_invitation is
'The invitation with this code, its row locked; its id is null if there is none, if it has ended, or if it was answered wrongly too often. Errors:
not_authenticated, forbidden (guests), invalid_argument, booking_limit.';

create function clinic.wrong_code(invitation_id uuid)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  insert into clinic.join_attempts (user_id) values (auth.uid());
  update clinic.invitations as i set wrong_answers = i.wrong_answers + 1 where i.id = wrong_code.invitation_id;
  return jsonb_build_object(
    'accepted', false, 'code', 'not_found', 'message', 'This code is not valid, or not with this answer.',
    'hint', 'Check both, or ask the clinic for a new code.'
  );
end
$$;
comment on function clinic.wrong_code is
'Notes a wrong code, or a wrong answer to a right one: an answer, not a refusal, for a refusal would take the note back. It is the same for every
reason, or it would tell one.';


-- Patients -------------------------------------------------------------------------------------------------------------

create function clinic.invite_patient(patient_id uuid, relation text)
returns jsonb
language plpgsql
volatile
security definer -- writes invitations for staff it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients := clinic.patient_of(invite_patient.patient_id, 'admin', 'receptionist');
  v_invitation clinic.invitations;
begin
  v_invitation.clinic_id := v_patient.clinic_id;
  v_invitation.patient_id := v_patient.id;
  v_invitation.relation := clinic.clean_line(invite_patient.relation, 'relation', 40);
  if v_patient.user_id is not null and v_invitation.relation is null then
    perform clinic.refuse('invalid_argument', 'The patient has a login already.', hint => 'With a relation, a guardian is invited.');
  end if;
  return clinic.invite(v_invitation);
end
$$;
grant execute on function clinic.invite_patient to anon, authenticated, service_role;

create function api.invite_patient(patient_id uuid, relation text default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.invite_patient(patient_id, relation);
end
$$;
comment on function api.invite_patient is
'For admins and receptionists: a code with which the patient links the record to a login (claim_patient), or, with a relation such as "parent", with
which somebody becomes the patient''s guardian. Returns {invitation_id, code, expires_at}; an older code that nobody used is void.
Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.invite_patient to anon, authenticated, service_role;

create function clinic.of_age_at(birth_date date, clinic_id uuid)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  select lower(clinic.day_span((of_age_at.birth_date + interval '18 years')::date, c.time_zone))
  from clinic.clinics as c
  where c.id = of_age_at.clinic_id;
$$;
comment on function clinic.of_age_at is 'The 18th birthday, by the clinic''s clock.';

create function clinic.guardian_until(birth_date date, clinic_id uuid)
returns timestamptz
language sql
stable
set search_path = ''
as $$
  -- Who is of age already, has a guardian for another reason.
  select case when b.day > clock_timestamp() then b.day end
  from clinic.of_age_at(guardian_until.birth_date, guardian_until.clinic_id) as b (day);
$$;
comment on function clinic.guardian_until is
'When a guardianship ends by itself: at the 18th birthday, by the clinic''s clock; null for who is of age, or of an age not known.';

create function clinic.follow_birth_date()
returns trigger
language plpgsql
volatile
security definer -- whoever corrects a birth date, the guardianships follow
set search_path = ''
as $$
begin
  update clinic.guardians as g set until = clinic.guardian_until(new.birth_date, new.clinic_id)
  where
    g.patient_id = new.id and g.clinic_id = new.clinic_id
    and (
      g.until is not distinct from clinic.guardian_until(old.birth_date, old.clinic_id)
      or g.until = clinic.of_age_at(old.birth_date, old.clinic_id)
    );
  return null;
end
$$;
comment on function clinic.follow_birth_date is 'A guardianship that ends with a birthday ends with the right one.';

create trigger follow_birth_date after update of birth_date on clinic.patients
for each row when (old.birth_date is distinct from new.birth_date and new.birth_date is not null)
execute function clinic.follow_birth_date();

create function clinic.join_patient(invitation clinic.invitations)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_user_id uuid := auth.uid();
  v_own_id uuid := clinic.my_patient(invitation.clinic_id);
  v_patient clinic.patients;
begin
  if invitation.relation is null and v_own_id is not null then
    perform clinic.absorb(invitation.patient_id, v_own_id, invitation.clinic_id);
    return invitation.patient_id;
  elsif cardinality(clinic.lock_rows(array[invitation.patient_id], invitation.clinic_id)) = 0 then
    perform clinic.refuse('try_again', 'The record was merged or erased meanwhile.');
  end if;
  select * into v_patient from clinic.patients as p where p.id = invitation.patient_id and p.clinic_id = invitation.clinic_id;
  if invitation.relation is not null then
    insert into clinic.guardians (clinic_id, patient_id, user_id, relation, until)
    values (
      v_patient.clinic_id, v_patient.id, v_user_id, invitation.relation,
      clinic.guardian_until(v_patient.birth_date, v_patient.clinic_id)
    )
    on conflict on constraint guardians_pkey do update set relation = excluded.relation, until = excluded.until;
  elsif v_patient.user_id is not null then
    perform clinic.refuse('try_again', 'The record was linked with a login meanwhile.');
  else
    update clinic.patients as p set user_id = v_user_id where p.id = v_patient.id and p.clinic_id = v_patient.clinic_id;
    perform clinic.end_own_guardianship(v_patient.id, v_patient.clinic_id);
  end if;
  return v_patient.id;
end
$$;
comment on function clinic.join_patient is
'Links the caller''s login with the invitation''s record: as its own, which takes in what record the login had in this clinic, or as a guardian''s.
Errors: patient_busy, try_again.';

create function clinic.claim_patient(code text, birth_date text)
returns jsonb
language plpgsql
volatile
security definer -- links a record to the login of who brings its code
set search_path = ''
as $$
declare
  v_birth_date date := clinic.clean_birth_date(claim_patient.birth_date);
  v_invitation clinic.invitations;
  v_patient_id uuid;
  v_row api.patients;
begin
  v_invitation := clinic.open_invitation(claim_patient.code, is_staff => false);
  if v_invitation.id is null or exists (
    select from clinic.patients as p
    where
      p.id = v_invitation.patient_id and p.clinic_id = v_invitation.clinic_id
      and (
        p.birth_date is not null and p.birth_date is distinct from v_birth_date
        or p.merged_into is not null or p.erased_at is not null
        or p.user_id is not null and (v_invitation.relation is null or p.user_id = auth.uid())
      )
  ) then
    return clinic.wrong_code(v_invitation.id);
  end if;
  update clinic.invitations as i set accepted_at = clock_timestamp() where i.id = v_invitation.id;
  v_patient_id := clinic.join_patient(v_invitation);
  select * into v_row from api.patients as p where p.id = v_patient_id;
  return jsonb_build_object('accepted', true, 'patient', to_jsonb(v_row) - 'staff_notes');
exception
  -- The same login may book for the first time meanwhile, which makes it a record of its own.
  when unique_violation or lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
  when foreign_key_violation then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
    return null;
end
$$;
grant execute on function clinic.claim_patient to anon, authenticated, service_role;

create function api.claim_patient(code text, birth_date text default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.claim_patient(code, birth_date);
end
$$;
comment on function api.claim_patient is
'For whoever has the code of invite_patient: links the record to your login, or makes you its guardian. Where the clinic knows the birth date, say it
(YYYY-MM-DD). What you had booked there yourself joins it. Returns {accepted: true, patient}; or {accepted: false, code, message, hint}: no such code, it
has ended or was used, or another birth date. Five wrong birth dates end a code, ten wrong codes an hour are all a login may try.
Errors: not_authenticated, forbidden (guests), invalid_argument, patient_busy (your visit and the record''s overlap), booking_limit, try_again.';
grant execute on function api.claim_patient to anon, authenticated, service_role;


-- Staff ----------------------------------------------------------------------------------------------------------------

create function clinic.invite_staff(clinic_id uuid, email text, role text, dentist_id uuid)
returns jsonb
language plpgsql
volatile
security definer -- writes invitations for an admin it has checked
set search_path = ''
as $$
declare
  v_invitation clinic.invitations;
begin
  perform clinic.require_role(clinic.required(invite_staff.clinic_id, 'clinic_id'), 'admin');
  if (invite_staff.role in ('admin', 'dentist', 'receptionist', 'chatbot')) is not true then
    perform clinic.refuse('invalid_argument', 'role must be admin, dentist, receptionist or chatbot.');
  elsif not exists (select from clinic.clinics as c where c.id = invite_staff.clinic_id) or invite_staff.dentist_id is not null and not exists (
    select from clinic.dentists as d where d.id = invite_staff.dentist_id and d.clinic_id = invite_staff.clinic_id
  ) then
    perform clinic.refuse('not_found', 'There is no such clinic or dentist.');
  elsif invite_staff.dentist_id is not null and exists (
    select from clinic.dentists as d
    where d.id = invite_staff.dentist_id and d.clinic_id = invite_staff.clinic_id and d.user_id is not null
  ) then
    perform clinic.refuse('invalid_argument', 'This dentist has a login already.');
  end if;
  v_invitation.clinic_id := invite_staff.clinic_id;
  v_invitation.email := clinic.required(clinic.clean_email(invite_staff.email, 'email'), 'email');
  v_invitation.role := invite_staff.role;
  v_invitation.dentist_id := invite_staff.dentist_id;
  return clinic.invite(v_invitation);
end
$$;
grant execute on function clinic.invite_staff to anon, authenticated, service_role;

create function api.invite_staff(clinic_id uuid, email text, role text, dentist_id uuid default null)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.invite_staff(clinic_id, email, role, dentist_id);
end
$$;
comment on function api.invite_staff is
'For admins: a code with which the owner of this e-mail address joins the staff as admin, dentist, receptionist or chatbot
(accept_staff_invitation); dentist_id is the dentist, hygienist or assistant that they are. Returns {invitation_id, code, expires_at}; an older code for
the address is void. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.invite_staff to anon, authenticated, service_role;

create function clinic.end_invitations()
returns trigger
language plpgsql
volatile
security definer -- whoever takes a role away, what it opened closes
set search_path = ''
as $$
begin
  delete from clinic.invitations as i
  where
    i.clinic_id = old.clinic_id and i.role is not null and i.accepted_at is null
    and (
      i.invited_by = old.user_id
      or tg_op = 'DELETE' and lower(i.email) = (select lower(u.email) from auth.users as u where u.id = old.user_id)
    );
  return null;
end
$$;
comment on function clinic.end_invitations is
'Nobody joins by the word of somebody who is no admin any more; and who has left, does not come back by a code from before.';

create trigger end_invitations after delete or update of role on clinic.staff
for each row execute function clinic.end_invitations();

create function clinic.accept_staff_invitation(code text)
returns jsonb
language plpgsql
volatile
security definer -- makes staff of who brings a code that an admin gave for their address
set search_path = ''
as $$
declare
  v_invitation clinic.invitations;
  v_user_id uuid := auth.uid();
  v_row api.staff;
begin
  v_invitation := clinic.open_invitation(accept_staff_invitation.code, is_staff => true);
  -- Auth has seen that the address is theirs.
  if not exists (
    select from auth.users as u
    where u.id = v_user_id and lower(u.email) = lower(v_invitation.email) and u.email_confirmed_at is not null
  ) then
    return clinic.wrong_code(v_invitation.id);
  end if;
  update clinic.invitations as i set accepted_at = clock_timestamp() where i.id = v_invitation.id;
  perform clinic.lock_staff(v_invitation.clinic_id);
  -- Whoever has a role there keeps it: an admin changes it.
  insert into clinic.staff (clinic_id, user_id, role)
  values (v_invitation.clinic_id, v_user_id, v_invitation.role)
  on conflict on constraint staff_pkey do nothing;
  update clinic.dentists as d set user_id = v_user_id
  where
    d.id = v_invitation.dentist_id and d.clinic_id = v_invitation.clinic_id and d.user_id is null
    and not exists (select from clinic.dentists as o where o.clinic_id = d.clinic_id and o.user_id = v_user_id);
  select * into v_row from api.staff as s where s.clinic_id = v_invitation.clinic_id and s.user_id = v_user_id;
  return jsonb_build_object('accepted', true, 'staff', to_jsonb(v_row));
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
  when foreign_key_violation then
    perform clinic.refuse('not_authenticated', 'This account does not exist any more.');
    return null;
end
$$;
grant execute on function clinic.accept_staff_invitation to anon, authenticated, service_role;

create function api.accept_staff_invitation(code text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.accept_staff_invitation(code);
end
$$;
comment on function api.accept_staff_invitation is
'For the owner of the invited address, which Auth has confirmed: joins the staff. Who has a role in the clinic already keeps it. Returns {accepted: true, staff}; or {accepted:
false, code, message, hint}: no such code, it has ended or was used, or your address is another. Errors: not_authenticated, forbidden (guests),
invalid_argument, booking_limit, try_again.';
grant execute on function api.accept_staff_invitation to anon, authenticated, service_role;

create function clinic.revoke_invitation(invitation_id uuid)
returns boolean
language plpgsql
volatile
security definer -- deletes invitations for staff it has checked
set search_path = ''
as $$
declare
  v_invitation clinic.invitations;
begin
  perform clinic.require_user();
  select * into v_invitation from clinic.invitations as i where i.id = clinic.required(revoke_invitation.invitation_id, 'invitation_id');
  perform clinic.require_role(
    v_invitation.clinic_id, variadic case when v_invitation.role is null then '{admin,receptionist}' else '{admin}' end::text []
  );
  if v_invitation.id is null then
    perform clinic.refuse('not_found', 'There is no such invitation.');
  end if;
  delete from clinic.invitations as i where i.id = v_invitation.id and i.accepted_at is null;
  return found;
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.revoke_invitation to anon, authenticated, service_role;

create function api.revoke_invitation(invitation_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.revoke_invitation(invitation_id);
end
$$;
comment on function api.revoke_invitation is
'For admins, and of a patient''s for receptionists: makes a code void; true if nobody had used it. Errors: not_authenticated, forbidden, not_found, invalid_argument, try_again.';
grant execute on function api.revoke_invitation to anon, authenticated, service_role;
