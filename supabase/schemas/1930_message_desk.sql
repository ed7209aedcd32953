-- The desk's side of messages: what became of them, who wants them, and who has not confirmed.

-- What became of them --------------------------------------------------------------------------------------------------

create view api.troubled_messages
with (security_invoker = true) as
  select
    m.id,
    m.clinic_id,
    m.appointment_id,
    m.patient_id,
    m.kind,
    m.channel,
    m.locale,
    m.due_at,
    m.state,
    m.sent_at,
    m.error,
    m.reason,
    m.address,
    m.attempts,
    m.starts_at,
    m.created_at
  from api.messages as m
  where
    m.state in ('failed', 'unknown') and m.kind <> 'test' and coalesce(m.starts_at, m.due_at + interval '7 days') > statement_timestamp()
    -- Nothing that went out later says it instead.
    and not exists (
      select from api.messages as l
      where
        l.patient_id = m.patient_id and l.appointment_id = m.appointment_id and l.channel = m.channel
        and (l.kind = m.kind or l.kind in ('moved', 'cancelled'))
        and l.due_at > m.due_at and l.due_at <= statement_timestamp() and l.state <> 'skipped'
    );
comment on view api.troubled_messages is
'For admins and receptionists: the messages that somebody should look after, for they failed or may not have arrived, what they tell of is ahead, and they were not
sent once more.';
grant select on api.troubled_messages to authenticated, service_role;

create function clinic.resend_message(message_id uuid)
returns api.messages
language plpgsql
volatile
security definer -- plans a message for staff it has checked
set search_path = ''
as $$
declare
  v_old clinic.messages;
  v_visit clinic.appointments;
  v_why_not text;
  v_id uuid := gen_random_uuid();
  v_row api.messages;
begin
  perform clinic.require_user();
  select * into v_old from clinic.messages as m where m.id = clinic.required(resend_message.message_id, 'message_id')
  for update; -- twice at once is once
  if v_old.id is null or clinic.my_role(v_old.clinic_id) is null then
    perform clinic.refuse('not_found', 'There is no such message.');
  end if;
  perform clinic.require_role(v_old.clinic_id, 'admin', 'receptionist');
  if v_old.state in ('planned', 'leased') or exists (
    select from clinic.messages as m
    where
      m.clinic_id = v_old.clinic_id and m.patient_id = v_old.patient_id and m.appointment_id = v_old.appointment_id and m.kind = v_old.kind
      and m.channel = v_old.channel and (m.state = 'leased' or m.state = 'planned' and m.due_at <= clock_timestamp())
  ) then
    perform clinic.refuse('invalid_argument', 'This message is on its way.');
  elsif v_old.kind in ('answer', 'test', 'recall', 'offer') then
    perform clinic.refuse('invalid_argument', 'Only messages about visits are sent again.');
  end if;
  select * into v_visit from clinic.appointments as a where a.id = v_old.appointment_id and a.clinic_id = v_old.clinic_id;
  v_old.starts_at := v_visit.starts_at;
  v_old.due_at := clock_timestamp();
  v_old.id := v_id;
  v_why_not := clinic.why_not(
    v_old, v_visit, clinic.recipient(v_visit.patient_id, v_old.clinic_id, v_old.channel), clock_timestamp()
  );
  if v_why_not <> 'superseded' then
    perform clinic.refuse(
      'invalid_argument', format('It would not be sent: %s.', replace(v_why_not, '_', ' ')),
      details => jsonb_build_object('reason', v_why_not)::text
    );
  end if;
  insert into clinic.messages (id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at)
  values (
    v_id, v_old.clinic_id, v_visit.patient_id, v_visit.id, v_old.kind, v_old.channel, v_visit.starts_at, v_old.due_at, v_old.due_at
  );
  select * into v_row from api.messages as m where m.id = v_id;
  return v_row;
end
$$;
grant execute on function clinic.resend_message to anon, authenticated, service_role;

create function api.resend_message(message_id uuid)
returns api.messages
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.resend_message(message_id);
end
$$;
comment on function api.resend_message is
'For admins and receptionists: sends a message about a visit once more, about the visit as it is now, to where its patient is reached now. Returns the new message.
Errors: not_authenticated, forbidden, not_found, invalid_argument (also: it is on its way; it would be skipped, and details say why: {reason}).';
grant execute on function api.resend_message to anon, authenticated, service_role;

create function clinic.patient_to_write_to(patient_id uuid)
returns clinic.patients
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_patient clinic.patients;
begin
  select * into v_patient from clinic.patients as p where p.id = clinic.required(patient_to_write_to.patient_id, 'patient_id');
  if not (v_patient.id = any (clinic.my_patients())) is true then
    v_patient := clinic.patient_to_read(patient_to_write_to.patient_id, 'admin', 'receptionist');
  end if;
  return v_patient;
end
$$;
comment on function clinic.patient_to_write_to is 'The patient, if the caller is it, acts for it or is at the desk. Errors: forbidden, not_found, invalid_argument.';

create type api.message_contact as (
  channel text,
  is_wanted boolean,
  address text,
  locale text
);
comment on type api.message_contact is
'Whether messages to a patient are wanted through a channel; for the desk also where they go now (null: there is no way) and in which language.';

create function clinic.message_contacts(patient_id uuid)
returns setof api.message_contact
language plpgsql
stable
security definer -- reads for a patient, a guardian or staff it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients;
  v_is_desk boolean;
begin
  perform clinic.require_user(writes => false);
  v_patient := clinic.patient_to_write_to(message_contacts.patient_id);
  -- To a patient it would say how those who act for it are reached, and to one of those how the other is.
  v_is_desk := coalesce(clinic.my_role(v_patient.clinic_id) in ('admin', 'receptionist'), false);
  return query
    select
      c.channel, not coalesce(r.is_stopped, c.channel = any (v_patient.muted_channels)),
      case when v_is_desk then r.address end, case when v_is_desk then r.locale end
    from unnest(clinic.message_channels()) with ordinality as c (channel, n)
    left join lateral clinic.recipient(v_patient.id, v_patient.clinic_id, c.channel) as r on true
    order by c.n;
end
$$;
grant execute on function clinic.message_contacts to anon, authenticated, service_role;

create function api.message_contacts(patient_id uuid)
returns setof api.message_contact
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select c.* from clinic.message_contacts(message_contacts.patient_id) as c;
end
$$;
comment on function api.message_contacts is
'For the patient, a guardian, admins and receptionists: through which channels messages are wanted (also no STOP stands against them); for the desk also to which address
they go now, and in which language. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.message_contacts to anon, authenticated, service_role;

create function clinic.set_message_consent(patient_id uuid, channel text, is_wanted boolean)
returns api.patients
language plpgsql
volatile
security definer -- writes for a patient, a guardian or staff it has checked
set search_path = ''
as $$
declare
  v_patient clinic.patients;
  v_address text;
  v_row api.patients;
begin
  perform clinic.require_user();
  v_patient := clinic.patient_to_write_to(set_message_consent.patient_id);
  perform clinic.required_channel(channel), clinic.required(set_message_consent.is_wanted, 'is_wanted');
  update clinic.patients as p
  set
    muted_channels = case
      when set_message_consent.is_wanted then array_remove(p.muted_channels, set_message_consent.channel)
      else array_append(array_remove(p.muted_channels, set_message_consent.channel), set_message_consent.channel)
    end
  where p.id = v_patient.id and p.clinic_id = v_patient.clinic_id;
  if set_message_consent.is_wanted then
    v_address := (clinic.recipient(v_patient.id, v_patient.clinic_id, set_message_consent.channel)).address;
    -- Somebody said STOP there. The desk may know better, and who proved that it is theirs; anybody can name a number.
    if
      clinic.is_service() or clinic.my_role(v_patient.clinic_id) in ('admin', 'receptionist') or exists (
        select from auth.users as u
        where u.id = auth.uid() and u.email_confirmed_at is not null and clinic.email_key(u.email) = clinic.email_key(v_address)
      )
    then
      perform clinic.start_messages(v_patient.clinic_id, set_message_consent.channel, v_address);
    end if;
  end if;
  select * into v_row from api.patients as p where p.id = v_patient.id;
  return v_row;
end
$$;
grant execute on function clinic.set_message_consent to anon, authenticated, service_role;

create function api.set_message_consent(patient_id uuid, channel text, is_wanted boolean)
returns api.patients
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_message_consent(patient_id, channel, is_wanted);
end
$$;
comment on function api.set_message_consent is
'For the patient, a guardian, admins and receptionists: whether messages are wanted through a channel (email, sms). Wanting them again also ends a STOP, if the desk says so or the
address is the caller''s own login; who stopped text messages texts START. Returns the
patient. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.set_message_consent to anon, authenticated, service_role;


-- Who will come --------------------------------------------------------------------------------------------------------

create function clinic.confirm_attendance(appointment_id uuid)
returns api.appointments
language plpgsql
volatile
security definer -- changes an appointment for a caller it has checked
set search_path = ''
as $$
begin
  perform clinic.confirm_visit(clinic.appointment_to_change(confirm_attendance.appointment_id));
  return clinic.api_appointment(confirm_attendance.appointment_id);
end
$$;
grant execute on function clinic.confirm_attendance to anon, authenticated, service_role;

create function api.confirm_attendance(appointment_id uuid)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.confirm_attendance(appointment_id);
end
$$;
comment on function api.confirm_attendance is
'Notes that the patient will come to a visit ahead (confirmed_at); again changes nothing. A move or a cancellation takes it back. For its patient, guardians and staff.
Errors: not_authenticated, forbidden, not_found, invalid_argument, invalid_transition, try_again.';
grant execute on function api.confirm_attendance to anon, authenticated, service_role;

create type api.unconfirmed_visit as (
  appointment_id uuid,
  patient_id uuid,
  full_name text,
  phone text,
  starts_at timestamptz,
  dentist_id uuid,
  appointment_type_id uuid,
  last_message text,
  last_message_at timestamptz,
  last_kind text,
  last_channel text,
  last_reason text
);
comment on type api.unconfirmed_visit is
'A visit that nobody has confirmed, and whom to call. last_…: of the newest message about it as it is that was due, and that no later one replaced, its state, when, its
kind, channel and, if it was skipped, reason (null: none was).';

create function clinic.unconfirmed(clinic_id uuid, day text)
returns setof api.unconfirmed_visit
language plpgsql
stable
security definer -- reads for staff it has checked
set search_path = ''
as $$
declare
  v_day date := clinic.required_day(unconfirmed.day, 'day');
  v_span tstzrange;
begin
  perform clinic.require_reader(clinic.required(unconfirmed.clinic_id, 'clinic_id'), 'admin', 'receptionist');
  v_span := clinic.day_span(v_day, (select c.time_zone from clinic.clinics as c where c.id = unconfirmed.clinic_id));
  return query
    select
      a.id, a.patient_id, p.full_name, coalesce(p.phone, (clinic.recipient(p.id, p.clinic_id, 'sms')).address), a.starts_at, a.dentist_id,
      a.appointment_type_id, m.state::text, coalesce(m.sent_at, m.due_at), m.kind, m.channel, m.reason
    from clinic.appointments as a
    inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
    left join lateral (
      select l.state, l.sent_at, l.due_at, l.kind, l.channel, l.reason from clinic.messages as l
      where
        l.clinic_id = a.clinic_id and l.patient_id = a.patient_id and l.appointment_id = a.id and l.state <> 'planned' and l.starts_at = a.starts_at
        and l.reason is distinct from 'superseded' and l.reason is distinct from 'replaced'
      order by coalesce(l.sent_at, l.due_at) desc limit 1
    ) as m on true
    where
      a.clinic_id = unconfirmed.clinic_id and a.starts_at >= lower(v_span) and a.starts_at < upper(v_span)
      and a.starts_at > clock_timestamp() and a.status = 'booked' and a.confirmed_at is null
    order by a.starts_at, a.id;
end
$$;
grant execute on function clinic.unconfirmed to anon, authenticated, service_role;

create function api.unconfirmed(clinic_id uuid, day text)
returns setof api.unconfirmed_visit
language plpgsql
stable
set search_path = ''
as $$
begin
  return query select u.* from clinic.unconfirmed(unconfirmed.clinic_id, day) as u;
end
$$;
comment on function api.unconfirmed is
'For admins and receptionists: the visits of a day of the clinic (YYYY-MM-DD) that are ahead and that nobody has confirmed, with whom to call. Errors: not_authenticated, forbidden,
not_found, invalid_argument.';
grant execute on function api.unconfirmed to anon, authenticated, service_role;
