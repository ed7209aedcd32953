-- Links: /a/<token> in a message lets who has it see and change one visit, take one that is offered, or book the one that they are due for, without
-- a login. Looking changes nothing.

create table clinic.message_links (
  token_hash bytea not null,
  clinic_id uuid not null,
  patient_id uuid not null,
  appointment_id uuid,
  reservation_id uuid,
  message_id uuid not null,
  channel text not null,
  address_hash bytea not null,
  locale text not null,
  expires_at timestamptz not null,
  created_at timestamptz not null default clock_timestamp(),
  recall_type_id uuid,
  constraint message_links_pkey primary key (token_hash),
  constraint message_links_appointment_fkey foreign key (appointment_id, clinic_id)
  references clinic.appointments (id, clinic_id) on delete cascade,
  constraint message_links_reservation_fkey foreign key (reservation_id, clinic_id)
  references clinic.slot_reservations (id, clinic_id) on delete cascade,
  constraint message_links_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id) on delete cascade,
  constraint message_links_recall_type_fkey foreign key (recall_type_id, clinic_id) references clinic.recall_types (id, clinic_id),
  -- A recall's is a visit's, too, once that is booked.
  constraint message_links_lead_to_one_thing check ((reservation_id is null) = (num_nonnulls(appointment_id, recall_type_id) > 0))
);
comment on table clinic.message_links is
'The links of the messages that were sent, each for one visit, or for an offer and the visit it becomes, and until a day after it. That of a recall is for three months,
and for the visit once it is booked. Only hashes: who reads the table has no link.';
create index message_links_appointment_idx on clinic.message_links (appointment_id, clinic_id);
create index message_links_reservation_idx on clinic.message_links (reservation_id, clinic_id) where reservation_id is not null;
create index message_links_patient_idx on clinic.message_links (patient_id, clinic_id);
create index message_links_recall_type_idx on clinic.message_links (recall_type_id, clinic_id) where recall_type_id is not null;
create index message_links_address_idx on clinic.message_links (address_hash);
create index message_links_expires_at_idx on clinic.message_links (expires_at);
alter table clinic.message_links enable row level security;

create policy message_links_are_for_the_service on clinic.message_links
  for select to service_role
  using (true);
grant select on clinic.message_links to service_role;

-- Wrong tokens of this minute; sequences outlive the refusal that follows.
create sequence clinic.link_minute;
create sequence clinic.link_misses;

create function clinic.token_hash(token text)
returns bytea
language sql
immutable
set search_path = ''
as $$
  select sha256(convert_to('chairtime link:' || token, 'UTF8'));
$$;
comment on function clinic.token_hash is 'What is stored of a link''s token.';

create function clinic.make_link(message clinic.messages, visit clinic.appointments)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  -- 128 of a digest of 244 random bits, in the alphabet of addresses.
  v_token text := rtrim(translate(encode(
    substring(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) from 1 for 16), 'base64'
  ), '+/', '-_'), '=');
begin
  insert into clinic.message_links (
    token_hash, clinic_id, patient_id, appointment_id, reservation_id, message_id, channel, address_hash, locale, expires_at, recall_type_id
  )
  values (
    clinic.token_hash(v_token), message.clinic_id, message.patient_id, case when message.kind <> 'offer' then visit.id end,
    case when message.kind = 'offer' then visit.id end, message.id, message.channel,
    clinic.address_hash(message.channel, message.address), message.locale,
    coalesce(visit.ends_at + interval '1 day', clock_timestamp() + interval '90 days'), message.recall_type_id
  );
  return v_token;
end
$$;
comment on function clinic.make_link is 'A new link to a visit, or to book one, for who gets this message. Returns the token, which is stored nowhere.';

create function clinic.link_url(site_url text, token text)
returns text
language sql
immutable
set search_path = ''
as $$
  select rtrim(site_url, '/') || '/a/' || token;
$$;
comment on function clinic.link_url is 'The address of a link''s page.';

create function clinic.refuse_token()
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_minute bigint := extract(epoch from clock_timestamp())::bigint / 60;
begin
  if (select s.last_value from clinic.link_minute as s) <> v_minute then
    perform setval('clinic.link_minute', v_minute), setval('clinic.link_misses', 1);
  elsif nextval('clinic.link_misses') > 60 then
    perform clinic.refuse('booking_limit', 'These were too many wrong links.', hint => 'Try again in a minute, or call the clinic.');
  end if;
  perform clinic.refuse('not_found', 'This link is not valid any more.', hint => 'Take it from the newest message, or call the clinic.');
end
$$;
comment on function clinic.refuse_token is
'Refuses a link that is wrong, has ended or whose visit is gone: alike. Who tries many learns nothing more; a right link works meanwhile.';

create function clinic.link_of(token text)
returns clinic.message_links
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_link clinic.message_links;
begin
  -- Sent in an address: that is written down in logs, and wrong ones could not be counted.
  if current_setting('transaction_read_only')::boolean then
    perform clinic.refuse_to_write(), clinic.refuse('invalid_argument', 'token must be sent with POST.');
  end if;
  if length(link_of.token) between 16 and 64 then
    select l.* into v_link
    from clinic.message_links as l
    inner join clinic.patients as p on l.patient_id = p.id and l.clinic_id = p.clinic_id
    where
      l.token_hash = clinic.token_hash(link_of.token) and l.expires_at > clock_timestamp() and p.erased_at is null
      -- It goes to who the visit is for still, and with a record that was merged; not to an address that was corrected since.
      and (l.patient_id = (clinic.linked_visit(l)).patient_id or l.recall_type_id is not null and l.appointment_id is null)
      and exists (
        select from clinic.contacts(p.id, p.clinic_id, l.channel) as c where clinic.address_hash(l.channel, c.address) = l.address_hash
      );
  end if;
  if v_link.token_hash is null then
    perform clinic.refuse_token();
  end if;
  return v_link;
end
$$;
comment on function clinic.link_of is 'The link with this token. Errors: not_found, booking_limit, invalid_argument (in a read-only transaction, as of GET).';

create function clinic.open_offer(link clinic.message_links)
returns clinic.slot_reservations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_offer clinic.slot_reservations;
begin
  if link.reservation_id is not null then
    select * into v_offer from clinic.slot_reservations as r
    where r.id = link.reservation_id and r.clinic_id = link.clinic_id and r.outcome is distinct from 'confirmed';
  end if;
  return v_offer;
end
$$;
comment on function clinic.open_offer is 'The offer that a link is for, while it is no visit yet; null for a visit''s link.';

create function clinic.offer_actions(offer clinic.slot_reservations)
returns text []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_may_be_had boolean := offer.outcome is distinct from 'released' and offer.starts_at > clock_timestamp();
begin
  return array_remove(array[
    -- Late, too, if nobody has taken it.
    case when v_may_be_had then 'accept' end, case when v_may_be_had and offer.outcome is null then 'decline' end, 'stop', 'not_me'
  ], null);
end
$$;
comment on function clinic.offer_actions is 'What may be done through a link to an offer now.';

create function clinic.linked_visit(link clinic.message_links)
returns clinic.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_offer clinic.slot_reservations := clinic.open_offer(link);
  v_visit clinic.appointments;
begin
  if v_offer.id is not null then
    return clinic.offered_visit(v_offer);
  end if;
  select * into v_visit from clinic.appointments as a
  where a.clinic_id = link.clinic_id and a.id = coalesce(link.appointment_id, (
    select clinic.became(r) from clinic.slot_reservations as r where r.id = link.reservation_id and r.clinic_id = link.clinic_id
  ));
  return v_visit;
end
$$;
comment on function clinic.linked_visit is 'The visit that a link is for: also the one that its offer would become, or has become.';

create function clinic.link_actions(visit clinic.appointments)
returns text []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_is_ahead boolean := visit.status = 'booked' and visit.starts_at > clock_timestamp();
  v_may_change boolean := (
    select clinic.changeable_until(
      visit.status, visit.starts_at, visit.created_at, c.cancellation_notice, c.cancel_grace
    ) >= clock_timestamp()
    from clinic.clinics as c where c.id = visit.clinic_id
  );
begin
  return array_remove(array[
    case when v_is_ahead and visit.confirmed_at is null then 'confirm' end,
    case when v_is_ahead and v_may_change then 'move' end,
    case when v_is_ahead and v_may_change then 'cancel' end,
    case when v_is_ahead then 'note' end,
    'stop', 'not_me'
  ], null);
end
$$;
comment on function clinic.link_actions is 'What may be done through a link to this visit now.';

create function clinic.link_state(visit clinic.appointments)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when visit.status = 'cancelled' then 'cancelled'
    when visit.status in ('fulfilled', 'no_show') or visit.ends_at <= clock_timestamp() then 'over'
    when visit.status = 'checked_in' or visit.starts_at <= clock_timestamp() then 'begun'
    when visit.confirmed_at is not null then 'confirmed'
    else 'open'
  end;
end
$$;
comment on function clinic.link_state is 'How a visit stands, for who comes to it: open (not confirmed yet), confirmed, begun, over, cancelled.';

create function clinic.link_frame(link clinic.message_links)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'locale', link.locale, 'is_rtl', l.is_rtl, 'expires_at', link.expires_at, 'channel', link.channel,
      'clinic', jsonb_build_object(
        'id', c.id, 'slug', c.slug, 'name', c.name, 'time_zone', c.time_zone, 'phone', c.phone, 'email', c.email, 'address', c.address
      )
    )
    from clinic.clinics as c
    inner join clinic.locales as l on l.locale = link.locale
    where c.id = link.clinic_id
  );
end
$$;
comment on function clinic.link_frame is 'What every link shows: the clinic, and in which language.';

create function clinic.describe_link(link clinic.message_links)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_visit clinic.appointments := clinic.linked_visit(link);
  v_offer clinic.slot_reservations := clinic.open_offer(link);
begin
  if v_visit.id is null then
    return clinic.describe_recall(link);
  end if;
  return clinic.link_frame(link) || (
    select jsonb_build_object(
      'appointment', jsonb_build_object(
        'id', v_visit.id, 'state', case
          when v_offer.id is null then clinic.link_state(v_visit) when v_visit.status = 'booked' then 'offered' else 'lapsed'
        end, 'status', v_visit.status, 'starts_at', v_visit.starts_at, 'ends_at', v_visit.ends_at, 'version', v_visit.version,
        'confirmed_at', v_visit.confirmed_at, 'patient', split_part(p.full_name, ' ', 1), 'dentist', d.full_name, 'visit', t.name,
        'changeable_until', clinic.changeable_until(
          v_visit.status, v_visit.starts_at, v_visit.created_at, c.cancellation_notice, c.cancel_grace
        ),
        'movable_until', clinic.later(clock_timestamp(), (clinic.own_rules(c, t)).booking_horizon),
        'date', clinic.format_day(v_visit.starts_at, c.time_zone, link.locale),
        'time', clinic.format_time(v_visit.starts_at, c.time_zone, link.locale)
      ),
      'offered_until', v_offer.expires_at,
      'actions', to_jsonb(case when v_offer.id is null then clinic.link_actions(v_visit) else clinic.offer_actions(v_offer) end)
    )
    from clinic.clinics as c
    inner join clinic.patients as p on c.id = p.clinic_id and p.id = v_visit.patient_id
    inner join clinic.dentists as d on c.id = d.clinic_id and d.id = v_visit.dentist_id
    inner join clinic.appointment_types as t on c.id = t.clinic_id and t.id = v_visit.appointment_type_id
    where c.id = link.clinic_id
  );
end
$$;
comment on function clinic.describe_link is 'What who has the link sees: the visit, without notes, and of its patient the first name.';

create function clinic.open_link(token text)
returns jsonb
language plpgsql
volatile
security definer -- who has the token may see its visit, whoever they are
set search_path = ''
as $$
begin
  return clinic.describe_link(clinic.link_of(open_link.token));
end
$$;
grant execute on function clinic.open_link to anon, authenticated, service_role;

create function api.open_link(token text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.open_link(token);
end
$$;
comment on function api.open_link is
'What the link of a message shows, to anybody who has it; it changes nothing. Returns {locale, is_rtl, expires_at, channel, clinic {id, slug, name, time_zone, phone, email,
address}, appointment {id, state, status, starts_at, ends_at, version, confirmed_at, patient (first name), dentist, visit, changeable_until (when), movable_until (to when),
date, time}, offered_until, actions}: of confirm, move, cancel, note, stop, not_me those that are possible now; state is open (not confirmed yet), confirmed, begun, over or cancelled.
Of an offer to who waits: accept, decline, stop, not_me; state is offered (until offered_until) or lapsed; once accepted it is the visit''s.
The link of a recall has, until its visit is booked, instead of appointment recall {state: due or met, patient (first name), visit, appointment_type_id, due_on, bookable_until}, and the action book.
With POST only. Errors: not_found (unknown and expired alike), booking_limit (too many wrong ones), invalid_argument.';
grant execute on function api.open_link to anon, authenticated, service_role;

create function clinic.link_slots(token text, from_date text, to_date text)
returns setof api.slot
language plpgsql
volatile
security definer -- reads the ledger for who has a link, and answers with free time only
set search_path = ''
as $$
declare
  v_link clinic.message_links := clinic.link_of(link_slots.token);
  v_visit clinic.appointments := clinic.linked_visit(v_link);
  v_from date := clinic.required_day(link_slots.from_date, 'from_date');
  v_to date := case when to_date is null then v_from + 6 else clinic.required_day(link_slots.to_date, 'to_date') end;
begin
  if v_to < v_from or v_to - v_from >= 31 then
    perform clinic.refuse('invalid_argument', 'to_date must be between 0 and 30 days after from_date.');
  end if;
  if v_visit.id is null then
    return query select s.dentist_id, s.starts_at, s.ends_at from unnest(clinic.recall_slots(v_link, v_from, v_to)) as s;
    return;
  elsif (clinic.open_offer(v_link)).id is not null then
    perform clinic.refuse('invalid_transition', 'This is offered, and not booked yet.', hint => 'Accept it first.');
  end if;
  perform clinic.require_movable(v_visit, 'patient');
  return query
    select s.dentist_id, s.starts_at, s.ends_at from unnest(clinic.free_slots(
      row(clinic.movable(v_visit, 'patient', v_visit.dentist_id), clinic.as_slot(v_visit), false, '{}', null)::clinic.wish, v_from, v_to
    )) as s;
end
$$;
grant execute on function clinic.link_slots to anon, authenticated, service_role;

create function api.link_slots(token text, from_date text, to_date text default null)
returns setof api.slot
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query select s.dentist_id, s.starts_at, s.ends_at from clinic.link_slots(token, from_date, to_date) as s;
end
$$;
comment on function api.link_slots is
'To when a link''s visit can move, with its dentist, or for when a recall''s can be booked, with anybody, by the clinic''s days (default: a week, at most 31 days). Rows {dentist_id, starts_at, ends_at}. Errors: not_found,
invalid_argument, invalid_transition, too_late_to_cancel, not_offered, booking_limit.';
grant execute on function api.link_slots to anon, authenticated, service_role;

create function clinic.confirm_visit(visit clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if visit.status <> 'booked' or visit.starts_at <= clock_timestamp() then
    perform clinic.refuse('invalid_transition', 'Only a visit that is ahead is confirmed.');
  end if;
  update clinic.appointments as a set confirmed_at = clock_timestamp() where a.id = visit.id and a.confirmed_at is null;
end
$$;
comment on function clinic.confirm_visit is 'Notes that the patient will come; again changes nothing. Errors: invalid_transition.';

create function clinic.follow_confirmation()
returns trigger
language plpgsql
volatile
security definer -- whoever confirms, everybody concerned hears of it
set search_path = ''
as $$
begin
  perform clinic.record_events(
    new.clinic_id, new.dentist_id, variadic clinic.announce_appointment('appointment_confirmed', new)
  );
  return null;
end
$$;
comment on function clinic.follow_confirmation is 'Says that a visit was confirmed.';

create trigger follow_confirmation after update of confirmed_at on clinic.appointments
for each row when (old.confirmed_at is null and new.confirmed_at is not null) execute function clinic.follow_confirmation();

create function clinic.add_note(visit clinic.appointments, note text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_note text := clinic.required(clinic.clean_text(add_note.note, 'note', 1000), 'note');
begin
  if visit.status <> 'booked' or visit.starts_at <= clock_timestamp() then
    perform clinic.refuse('invalid_transition', 'Only of a visit that is ahead is anything noted.');
  end if;
  perform clinic.lock_record(visit.patient_id, visit.clinic_id);
  -- What was sent twice, because no answer came, is said once.
  update clinic.appointments as a set notes = clinic.clean_text(concat_ws(E'\n', a.notes, v_note), 'notes', 4000)
  where a.id = visit.id and right(E'\n' || a.notes, length(v_note) + 1) is distinct from E'\n' || v_note;
end
$$;
comment on function clinic.add_note is 'Adds to what patient and clinic share of a visit. Who has a link reads none of it.';

create function clinic.say_stranger(link clinic.message_links)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  update clinic.message_links as l set expires_at = clock_timestamp() where l.token_hash = link.token_hash;
  perform clinic.note_stranger(link);
end
$$;
comment on function clinic.say_stranger is 'Ends a link that reached somebody whom its visit does not concern, and tells the desk.';

create function clinic.answer_offer(link clinic.message_links, accepts boolean)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_offer clinic.slot_reservations := clinic.open_offer(link);
begin
  -- Again changes nothing.
  if v_offer.id is null and (link.reservation_id is null or not accepts) then
    perform clinic.refuse('invalid_transition', 'There is nothing to accept or to decline.');
  elsif v_offer.id is not null and accepts then
    perform clinic.lock_for_confirmation(v_offer);
    perform clinic.lock_record(v_offer.patient_id, v_offer.clinic_id);
    perform clinic.convert_reservation(v_offer.id, v_offer.patient_id, null, 'patient', clock_timestamp());
  elsif v_offer.id is not null then
    perform clinic.end_hold(v_offer);
  end if;
end
$$;
comment on function clinic.answer_offer is 'Accepts or declines what a link offers. Errors: invalid_transition, reservation_expired, patient_busy, and those of the slot.';

create function clinic.use_link(token text, action text, starts_at text, note text, dentist_id uuid)
returns jsonb
language plpgsql
volatile
security definer -- who has the token may change its visit as its patient may
set search_path = ''
as $$
declare
  v_link clinic.message_links := clinic.link_of(use_link.token);
  v_visit clinic.appointments := clinic.linked_visit(v_link);
  v_starts_at timestamptz;
begin
  perform set_config('lock_timeout', '2s', true);
  perform set_config('chairtime.role', 'patient', true);
  if use_link.action in ('move', 'book') or use_link.starts_at is not null then
    v_starts_at := clinic.required_instant(use_link.starts_at, 'starts_at');
  end if;
  if (clinic.open_offer(v_link)).id is not null and use_link.action in ('move', 'book', 'confirm', 'cancel', 'note') then
    perform clinic.refuse('invalid_transition', 'This is offered, and not booked yet.', hint => 'Accept it first.');
  elsif v_visit.id is null and use_link.action in ('move', 'confirm', 'cancel', 'note') then
    perform clinic.refuse('invalid_transition', 'Nothing is booked yet.', hint => 'Choose a time: book.');
  elsif use_link.action = 'book' then
    v_link := clinic.book_by_link(v_link, v_starts_at, use_link.dentist_id);
  elsif use_link.action = 'move' then
    v_visit := clinic.lock_for_move(v_visit, v_visit.dentist_id, v_starts_at);
    if v_visit.starts_at <> v_starts_at or v_visit.status <> 'booked' then
      perform clinic.move_appointment(
        v_visit, clinic.movable(v_visit, 'patient', v_visit.dentist_id), v_visit.dentist_id, v_starts_at, 'patient'
      );
      update clinic.message_links as l
      set expires_at = greatest(l.expires_at, v_starts_at + (v_visit.ends_at - v_visit.starts_at) + interval '1 day')
      where l.token_hash = v_link.token_hash
      returning l.* into v_link;
    end if;
  elsif use_link.action in ('stop', 'not_me') then
    perform clinic.stop_messages(v_link.clinic_id, v_link.channel, m.address) from clinic.messages as m where m.id = v_link.message_id;
    if use_link.action = 'not_me' then
      perform clinic.say_stranger(v_link);
    end if;
  elsif use_link.action in ('accept', 'decline') then
    perform clinic.answer_offer(v_link, use_link.action = 'accept');
  elsif use_link.action in ('confirm', 'cancel', 'note') then
    v_visit := clinic.lock_appointment(v_visit);
    case use_link.action
      when 'confirm' then perform clinic.confirm_visit(v_visit);
      when 'cancel' then perform clinic.end_appointment(v_visit, 'patient', 'cancelled', null);
      else perform clinic.add_note(v_visit, use_link.note);
    end case;
  else
    perform clinic.refuse('invalid_argument', 'action must be confirm, move, cancel, note, accept, decline, book, stop or not_me.');
  end if;
  return clinic.describe_link(v_link);
exception
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
    return null;
end
$$;
grant execute on function clinic.use_link to anon, authenticated, service_role;

create function api.use_link(
  token text, action text, starts_at text default null, note text default null, dentist_id uuid default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.use_link(token, action, starts_at, note, dentist_id);
end
$$;
comment on function api.use_link is
'Does what the link''s patient may: confirm; cancel or move (to starts_at) within the clinic''s notice; leave a note; stop (no more messages to where it was sent); not_me
(the same, the desk is told, and the link ends); accept or decline what is offered; of a recall book, at starts_at, with this dentist or anybody: from then on the link is that visit''s.
Again changes nothing. Returns what open_link does. Errors: not_found, invalid_argument, invalid_transition, too_late_to_cancel,
slot_taken, patient_busy, reservation_expired, and those of the slot; not_offered, booking_limit, try_again.';
grant execute on function api.use_link to anon, authenticated, service_role;
