-- The waiting list: who waits for a time, what for, and how a wish ends. What becomes free is handed over by 1970_hand_over.sql.
--
-- A wish is open until it has an outcome. An offer is a hold (slot_reservations.waitlist_id): while it lives, the wish gets no other.

create table clinic.waitlist (
  id uuid not null default gen_random_uuid(),
  clinic_id uuid not null,
  patient_id uuid not null,
  appointment_type_id uuid not null,
  dentist_ids uuid [],
  from_date date not null,
  to_date date not null,
  weekdays smallint [],
  from_time time,
  to_time time,
  moves_appointment_id uuid,
  priority smallint not null default 0,
  source text not null,
  joined_by uuid,
  offers integer not null default 0,
  freed_at timestamptz,
  refused tstzmultirange not null default '{}',
  created_at timestamptz not null default clock_timestamp(),
  outcome text,
  ended_at timestamptz,
  constraint waitlist_pkey primary key (id, clinic_id),
  constraint waitlist_patient_fkey foreign key (patient_id, clinic_id) references clinic.patients (id, clinic_id),
  constraint waitlist_type_fkey foreign key (appointment_type_id, clinic_id) references clinic.appointment_types (id, clinic_id),
  constraint waitlist_joined_by_fkey foreign key (joined_by) references auth.users (id) on delete set null,
  constraint waitlist_dentists_are_named check (cardinality(dentist_ids) > 0),
  constraint waitlist_days_are_in_order check (from_date <= to_date),
  constraint waitlist_weekdays_are_iso check (cardinality(weekdays) between 1 and 7 and weekdays <@ '{1,2,3,4,5,6,7}'),
  constraint waitlist_times_are_in_order check (coalesce(from_time, '00:00') < coalesce(to_time, '24:00')),
  constraint waitlist_priority_fits check (priority between 0 and 9),
  constraint waitlist_source_is_known check (source in ('online', 'desk', 'chatbot', 'service')),
  constraint waitlist_outcome_is_known check (
    outcome in ('accepted', 'booked', 'left', 'expired', 'exhausted', 'not_offered', 'gone', 'merged', 'erased')
  ),
  constraint waitlist_end_has_a_time check ((outcome is null) = (ended_at is null))
);
comment on table clinic.waitlist is
'Who waits for a time of a type of visit, with whom (null: anybody), on which days and at which hours of the clinic; with moves_appointment_id for one that is
earlier than that visit. Open while outcome is null.';
comment on column clinic.waitlist.moves_appointment_id is
'Without a foreign key, through which PostgREST would relate appointments to patients a second time, and embed neither in the other; forget_moved_visit forgets it.';
comment on column clinic.waitlist.to_time is 'The visit is over by then.';
comment on column clinic.waitlist.priority is 'Who is asked first: the highest, of those alike who has waited longest.';
comment on column clinic.waitlist.source is 'Who asked for it: what the desk wants is not bound by for whom a type is, or by how many a patient may book.';
comment on column clinic.waitlist.offers is 'How often it was offered something.';
comment on column clinic.waitlist.freed_at is 'When what it was offered last became free, before it was offered to anybody.';
comment on column clinic.waitlist.refused is 'The times that were offered, and declined or let go by: nothing that lies over them is offered again.';
comment on column clinic.waitlist.outcome is
'How it ended: accepted, booked (otherwise), left, expired (its days are past), exhausted (asked max_waitlist_offers times), not_offered (nobody does it any more), gone
(the visit that it would move is not ahead any more), merged (into the same wish of another record), erased.';
alter table clinic.waitlist alter column source set statistics 0;
create index waitlist_open_idx on clinic.waitlist (clinic_id, priority desc, created_at) where outcome is null;
create unique index waitlist_one_of_a_kind on clinic.waitlist (
  patient_id, clinic_id, appointment_type_id, coalesce(moves_appointment_id, '00000000-0000-0000-0000-000000000000')
) where outcome is null;
create index waitlist_patient_idx on clinic.waitlist (patient_id, clinic_id);
create index waitlist_clinic_idx on clinic.waitlist (clinic_id, created_at);
create index waitlist_type_idx on clinic.waitlist (appointment_type_id, clinic_id);
create index waitlist_appointment_idx on clinic.waitlist (moves_appointment_id, clinic_id) where moves_appointment_id is not null;
create index waitlist_joined_by_idx on clinic.waitlist (joined_by);

alter table clinic.slot_reservations
add constraint slot_reservations_waitlist_fkey foreign key (waitlist_id, clinic_id) references clinic.waitlist (id, clinic_id);
-- At no instant does a wish have two.
create unique index slot_reservations_offer_key on clinic.slot_reservations (waitlist_id) where waitlist_id is not null and outcome is null;
create index slot_reservations_waitlist_idx on clinic.slot_reservations (waitlist_id, clinic_id) where waitlist_id is not null;


-- Rows ---------------------------------------------------------------------------------------------------------------

alter table clinic.waitlist enable row level security;

create policy waitlist_is_its_patients_dentists_and_desks on clinic.waitlist
  for select to authenticated
  using (
    (
      patient_id = any ((select clinic.my_patients())::uuid [])
      or clinic_id = any ((select clinic.my_clinics('{admin,receptionist}'))::uuid [])
      or (
        clinic_id = any ((select clinic.my_clinics('{dentist}'))::uuid [])
        and dentist_ids && (select clinic.my_dentists())::uuid []
      )
    )
    and ((select 1) = 1 and (select 2) = 2 or id = clinic_id and (select 3) = 3)
  );
grant select on clinic.waitlist to authenticated, service_role;

create view api.waitlist
with (security_invoker = true) as
  select
    w.id,
    w.clinic_id,
    w.patient_id,
    w.appointment_type_id,
    w.dentist_ids,
    w.from_date,
    w.to_date,
    w.weekdays,
    w.from_time,
    w.to_time,
    w.moves_appointment_id,
    w.priority,
    w.offers,
    w.outcome,
    w.created_at,
    w.ended_at,
    -- Not a join: writing to a view of two tables is a server error, to a view of one it is forbidden.
    (
      select jsonb_build_object(
        'reservation_id', r.id, 'dentist_id', r.dentist_id, 'starts_at', r.starts_at, 'ends_at', r.ends_at, 'expires_at', r.expires_at
      )
      from clinic.slot_reservations as r
      where r.waitlist_id = w.id and r.clinic_id = w.clinic_id and r.outcome is null and r.expires_at > clock_timestamp()
    ) as offer
  from clinic.waitlist as w;
comment on view api.waitlist is
'The waiting list: a patient''s own wishes, those that name a dentist, and for admins and receptionists their clinic''s. Those with outcome null wait, the best priority first,
then the oldest. offer is what it is offered now: {reservation_id, dentist_id, starts_at, ends_at, expires_at}; confirm_reservation accepts it, release_reservation
declines. offers says how often it was asked.';
grant select on api.waitlist to authenticated, service_role;


-- Everybody concerned hears of it -------------------------------------------------------------------------------------

create function clinic.follow_wish()
returns trigger
language plpgsql
volatile
security definer -- whoever changes a wish, its patient and the desk hear of it
set search_path = ''
as $$
begin
  if new.outcome is not null then
    perform clinic.end_holds(array(
      select r.id from clinic.slot_reservations as r where r.waitlist_id = new.id and r.clinic_id = new.clinic_id and r.outcome is null
    ), 'released');
  end if;
  perform clinic.record_events(new.clinic_id, null, variadic clinic.for_listeners(row(
    'waitlist_changed', false, true, null, 'waitlist', new.id,
    jsonb_build_object(
      'waitlist_id', new.id, 'patient_id', new.patient_id, 'appointment_type_id', new.appointment_type_id,
      'moves_appointment_id', new.moves_appointment_id, 'offers', new.offers, 'outcome', new.outcome
    )
  )::clinic.announcement, clinic.listeners(new.patient_id, new.clinic_id)));
  return null;
end
$$;
comment on function clinic.follow_wish is
'Says that a wish was made, was offered something, has changed or ended: then what it was offered is given back, and so passed on. Errors: try_again.';

create trigger follow_wish after insert or update on clinic.waitlist
for each row execute function clinic.follow_wish();

create function clinic.follow_ended_offer()
returns trigger
language plpgsql
volatile
security definer -- whoever ends an offer, its wish knows
set search_path = ''
as $$
begin
  update clinic.waitlist as w
  set
    refused = w.refused + tstzmultirange(tstzrange(new.starts_at, new.ends_at)),
    outcome = case when w.offers >= c.max_waitlist_offers then 'exhausted' end,
    ended_at = case when w.offers >= c.max_waitlist_offers then clock_timestamp() end
  from clinic.clinics as c
  where w.id = new.waitlist_id and w.clinic_id = new.clinic_id and w.outcome is null and c.id = w.clinic_id;
  return null;
end
$$;
comment on function clinic.follow_ended_offer is 'Who declined a time, or let it go by, is not asked for it again; and who was asked often, for nothing more.';

create trigger follow_ended_offer after update of outcome on clinic.slot_reservations
for each row when (new.waitlist_id is not null and old.outcome is null and new.outcome <> 'confirmed')
execute function clinic.follow_ended_offer();

create function clinic.withdraw_offer(offer clinic.slot_reservations)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- They refused nothing, and go on waiting.
  update clinic.waitlist as w set offers = w.offers - 1 where w.id = offer.waitlist_id and w.clinic_id = offer.clinic_id and w.outcome is null;
  perform clinic.end_holds(array[offer.id], 'released');
  update clinic.waitlist as w set refused = w.refused - tstzmultirange(tstzrange(offer.starts_at, offer.ends_at))
  where w.id = offer.waitlist_id and w.clinic_id = offer.clinic_id and w.outcome is null;
end
$$;
comment on function clinic.withdraw_offer is 'Ends an offer for which nobody is to blame who waits. Call it under the locks. Errors: try_again.';

create function clinic.open_offers(waitlist_id uuid, clinic_id uuid)
returns setof clinic.slot_reservations
language plpgsql
stable
set search_path = ''
as $$
begin
  return query
    select r.* from clinic.slot_reservations as r
    where r.waitlist_id = open_offers.waitlist_id and r.clinic_id = open_offers.clinic_id and r.outcome is null;
end
$$;
comment on function clinic.open_offers is 'What a wish is offered at present: one offer at most.';


-- Joining --------------------------------------------------------------------------------------------------------------

create function clinic.clean_time(value text, name text)
returns time
language plpgsql
volatile
set search_path = ''
as $$
begin
  if value !~ '^([01][0-9]|2[0-3]):[0-5][0-9](:00)?$|^24:00(:00)?$' then
    perform clinic.refuse('invalid_argument', format('%s must be a time of day.', name), hint => 'Send it as HH:MM: 09:00.');
  end if;
  return value::time;
end
$$;
comment on function clinic.clean_time is 'The time of day that the text names, HH:MM, 24:00 included, null for null; or invalid_argument.';

create function clinic.optional_day(value text, name text)
returns date
language plpgsql
volatile
set search_path = ''
as $$
begin
  return case when value is not null then clinic.required_day(value, name) end;
end
$$;
comment on function clinic.optional_day is 'The date that the text names, YYYY-MM-DD, null for null; or invalid_argument.';

create function clinic.require_leaders(type clinic.appointment_types, dentist_ids uuid [])
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_id uuid;
begin
  if cardinality(dentist_ids) > 50 then
    perform clinic.refuse('invalid_argument', 'dentist_ids are too many.');
  end if;
  foreach v_id in array coalesce(dentist_ids, '{}') loop
    perform clinic.bookable(type.id, clinic.required(v_id, 'dentist_ids'));
  end loop;
  return nullif(array(select distinct d.id from unnest(dentist_ids) as d (id) order by d.id), '{}');
end
$$;
comment on function clinic.require_leaders is 'These dentists, who all do this; null for none. Errors: not_found, not_offered, invalid_argument.';

create function clinic.waiting_patient(policy clinic.clinics, role text, patient_id uuid, visit clinic.appointments)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
begin
  if visit.id is null then
    return clinic.required(clinic.booking_patient(policy.id, role, waiting_patient.patient_id), 'patient_id');
  elsif waiting_patient.patient_id <> visit.patient_id then
    perform clinic.refuse('invalid_argument', 'patient_id is not that of the appointment.');
  end if;
  perform clinic.lock_record(visit.patient_id, policy.id);
  return visit.patient_id;
end
$$;
comment on function clinic.waiting_patient is 'Who waits, locked: the visit''s patient, or as booking_patient. Errors: not_found, invalid_argument, try_again.';

create function clinic.waiting_role(policy clinic.clinics, dentist_ids uuid [], visit clinic.appointments)
returns text
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_role text;
begin
  if visit.id is not null then
    return clinic.appointment_role(visit);
  end if;
  v_role := clinic.booking_role(policy.id, dentist_ids[1]);
  if v_role = 'dentist' and not dentist_ids <@ clinic.my_dentists(policy.id) then
    perform clinic.refuse('forbidden', 'A dentist puts patients on the list for their own calendar.');
  end if;
  return v_role;
end
$$;
comment on function clinic.waiting_role is 'As what the caller puts somebody on the list. Errors: not_found, forbidden.';

create function clinic.require_wish(wish clinic.waitlist, bookable clinic.bookable, role text, visit clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_today date := clock_timestamp() at time zone v_policy.time_zone;
begin
  if wish.to_date < greatest(wish.from_date, v_today) or wish.to_date - v_today > 366 * 2 then
    perform clinic.refuse('invalid_argument', 'to_date must not be before from_date or past, and at most two years ahead.');
  elsif wish.weekdays is not null and not (
    cardinality(wish.weekdays) <= 7 and wish.weekdays <@ '{1,2,3,4,5,6,7}' and array_position(wish.weekdays, null) is null
  ) then
    perform clinic.refuse('invalid_argument', 'weekdays are numbers from 1, Monday, to 7, Sunday.');
  elsif coalesce(wish.from_time, '00:00') >= coalesce(wish.to_time, '24:00') then
    perform clinic.refuse('invalid_argument', 'to_time must be after from_time.');
  elsif (wish.priority between 0 and 9) is not true or wish.priority > 0 and not clinic.is_desk(role) then
    perform clinic.refuse('invalid_argument', 'priority is 0, or for staff up to 9.');
  elsif visit.id is not null then
    perform clinic.require_movable(visit, role);
  elsif not clinic.is_desk(role) then
    perform clinic.require_offered(bookable, role, wish.patient_id);
  end if;
  if not clinic.is_desk(role) and (
    select count(*) from clinic.waitlist as w
    where
      w.patient_id = wish.patient_id and w.clinic_id = wish.clinic_id and w.outcome is null
      -- To ask again is no second wish.
      and (w.appointment_type_id, w.moves_appointment_id) is distinct from (wish.appointment_type_id, wish.moves_appointment_id)
  ) >= v_policy.max_upcoming then
    perform clinic.refuse('booking_limit', 'You wait for as many visits as the clinic permits.', hint => 'Leave one of the lists first.');
  end if;
end
$$;
comment on function clinic.require_wish is
'Passes a wish that can come true. Errors: invalid_argument, not_offered, booking_limit; of a visit to move invalid_transition, too_late_to_cancel.';

create function clinic.save_wish(wish clinic.waitlist)
returns uuid
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_before clinic.waitlist;
  v_id uuid;
begin
  select w.* into v_before from clinic.waitlist as w
  where
    w.patient_id = wish.patient_id and w.clinic_id = wish.clinic_id and w.appointment_type_id = wish.appointment_type_id
    and w.moves_appointment_id is not distinct from wish.moves_appointment_id and w.outcome is null;
  -- What they are offered and do not wait for any more is for others.
  perform clinic.withdraw_offer(o)
  from clinic.open_offers(v_before.id, v_before.clinic_id) as o
  inner join clinic.clinics as c on o.clinic_id = c.id
  cross join lateral (select (o.starts_at at time zone c.time_zone)::date as day) as d
  where not (
    d.day between wish.from_date and wish.to_date
    and (wish.weekdays is null or extract(isodow from d.day) = any (wish.weekdays))
    and (wish.dentist_ids is null or o.dentist_id = any (wish.dentist_ids))
    and clinic.suits(wish, o.starts_at, o.ends_at, c.time_zone)
  );
  -- Who asks again keeps their place, and what the desk made of it.
  update clinic.waitlist as w
  set
    dentist_ids = wish.dentist_ids, from_date = wish.from_date, to_date = wish.to_date, weekdays = wish.weekdays,
    from_time = wish.from_time, to_time = wish.to_time,
    priority = case when wish.source in ('desk', 'service') then wish.priority else w.priority end
  where w.id = v_before.id and w.clinic_id = v_before.clinic_id
  returning w.id into v_id;
  if not found then
    insert into clinic.waitlist (
      clinic_id, patient_id, appointment_type_id, dentist_ids, from_date, to_date, weekdays, from_time, to_time,
      moves_appointment_id, priority, source, joined_by
    )
    values (
      wish.clinic_id, wish.patient_id, wish.appointment_type_id, wish.dentist_ids, wish.from_date, wish.to_date, wish.weekdays,
      wish.from_time, wish.to_time, wish.moves_appointment_id, wish.priority, wish.source, auth.uid()
    )
    returning id into v_id;
  end if;
  return v_id;
end
$$;
comment on function clinic.save_wish is 'Writes down what somebody waits for; again, in place of what they waited for. Call it under the clinic''s and the patient''s locks.';

create function clinic.on_days(wish clinic.waitlist, policy clinic.clinics, from_date text, to_date text, before timestamptz)
returns clinic.waitlist
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wish clinic.waitlist := wish;
begin
  v_wish.from_date := coalesce(clinic.optional_day(on_days.from_date, 'from_date'), clock_timestamp() at time zone policy.time_zone);
  v_wish.to_date := coalesce(
    clinic.optional_day(on_days.to_date, 'to_date'), before at time zone policy.time_zone,
    greatest(v_wish.from_date, clinic.later(clock_timestamp(), policy.booking_horizon) at time zone policy.time_zone)
  );
  return v_wish;
end
$$;
comment on function clinic.on_days is
'The wish on these days of the clinic: from today, until the visit that it comes before, or as far ahead as one books, where none are said. Errors: invalid_argument.';

create function clinic.join_waitlist(
  appointment_type_id uuid, dentist_ids uuid [], from_date text, to_date text, weekdays smallint [], from_time text, to_time text,
  appointment_id uuid, patient_id uuid, priority integer
)
returns api.waitlist
language plpgsql
volatile
security definer -- writes a wish for a caller it has checked
set search_path = ''
as $$
declare
  v_bookable clinic.bookable;
  v_policy clinic.clinics;
  v_visit clinic.appointments;
  v_role text;
  v_wish clinic.waitlist;
  v_row api.waitlist;
begin
  perform clinic.require_user();
  if join_waitlist.appointment_id is not null then
    select * into v_visit from clinic.appointments as a where a.id = join_waitlist.appointment_id;
    perform clinic.appointment_role(v_visit);
    if join_waitlist.appointment_type_id <> v_visit.appointment_type_id then
      perform clinic.refuse('invalid_argument', 'appointment_type_id is not that of the appointment.');
    end if;
  end if;
  v_bookable := clinic.bookable(join_waitlist.appointment_type_id);
  v_policy := v_bookable.policy;
  -- Who frees time at this moment is waited for: it was free before, or sees the wish.
  perform clinic.lock_clinic(v_policy.id);
  v_wish.dentist_ids := clinic.require_leaders(v_bookable.type, join_waitlist.dentist_ids);
  if v_visit.id is not null then
    v_visit := clinic.lock_appointment(v_visit);
  end if;
  v_role := clinic.waiting_role(v_policy, v_wish.dentist_ids, v_visit);
  v_wish.clinic_id := v_policy.id;
  v_wish.appointment_type_id := (v_bookable.type).id;
  v_wish.moves_appointment_id := v_visit.id;
  v_wish := clinic.on_days(v_wish, v_policy, join_waitlist.from_date, join_waitlist.to_date, v_visit.starts_at);
  v_wish.weekdays := nullif(join_waitlist.weekdays, '{}');
  v_wish.from_time := clinic.clean_time(join_waitlist.from_time, 'from_time');
  v_wish.to_time := clinic.clean_time(join_waitlist.to_time, 'to_time');
  v_wish.priority := case when join_waitlist.priority between 0 and 9 then join_waitlist.priority else -1 end;
  v_wish.source := clinic.source_of(v_role);
  v_wish.patient_id := clinic.waiting_patient(v_policy, v_role, join_waitlist.patient_id, v_visit);
  perform clinic.require_wish(v_wish, v_bookable, v_role, v_visit);
  v_wish.id := clinic.save_wish(v_wish);
  select * into v_row from api.waitlist as w where w.id = v_wish.id;
  return v_row;
end
$$;
grant execute on function clinic.join_waitlist to anon, authenticated, service_role;

create function api.join_waitlist(
  appointment_type_id uuid,
  dentist_ids uuid [] default null,
  from_date text default null,
  to_date text default null,
  weekdays smallint [] default null,
  from_time text default null,
  to_time text default null,
  appointment_id uuid default null,
  patient_id uuid default null,
  priority integer default 0
)
returns api.waitlist
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.join_waitlist(
    appointment_type_id, dentist_ids, from_date, to_date, weekdays, from_time, to_time, appointment_id, patient_id, priority
  );
end
$$;
comment on function api.join_waitlist is
'Waits for a time of this type that becomes free, with anybody or one of dentist_ids, from from_date (today) to to_date (as far ahead as one books), on these
weekdays (1 Monday to 7 Sunday), from from_time to to_time (HH:MM by the clinic''s clock; the visit is over by then). With an appointment_id for one that is earlier than that
visit, which then moves. Asking again keeps the place and changes what is waited for. Staff name the patient, and may give a priority up to 9. What becomes free is offered as
a hold: see the view waitlist. Returns its row. Errors: not_authenticated, forbidden, not_found, invalid_argument, not_offered, booking_limit, invalid_transition,
too_late_to_cancel, stale_version, try_again.';
grant execute on function api.join_waitlist to anon, authenticated, service_role;


-- Leaving, and the other ends -----------------------------------------------------------------------------------------

create function clinic.leave_waitlist(waitlist_id uuid)
returns api.waitlist
language plpgsql
volatile
security definer -- ends a wish for a caller it has checked
set search_path = ''
as $$
declare
  v_wish clinic.waitlist;
  v_row api.waitlist;
begin
  perform clinic.require_user();
  perform clinic.required(leave_waitlist.waitlist_id, 'waitlist_id');
  select * into v_wish from clinic.waitlist as w where w.id = leave_waitlist.waitlist_id;
  perform clinic.acting_role(
    'wish', v_wish.clinic_id, (
      select d.id from unnest(v_wish.dentist_ids) as d (id) where d.id = any (clinic.my_dentists(v_wish.clinic_id)) limit 1
    ), null, v_wish.patient_id
  );
  perform clinic.lock_clinic(v_wish.clinic_id);
  perform clinic.lock_patient(v_wish.patient_id);
  update clinic.waitlist as w set outcome = 'left', ended_at = clock_timestamp() where w.id = v_wish.id and w.outcome is null;
  select * into v_row from api.waitlist as w where w.id = v_wish.id;
  return v_row;
end
$$;
grant execute on function clinic.leave_waitlist to anon, authenticated, service_role;

create function api.leave_waitlist(waitlist_id uuid)
returns api.waitlist
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.leave_waitlist(waitlist_id);
end
$$;
comment on function api.leave_waitlist is
'Waits no more; what was offered goes to who waits next. Again changes nothing. Returns the row. Errors: not_authenticated, not_found, invalid_argument, try_again.';
grant execute on function api.leave_waitlist to anon, authenticated, service_role;

create function clinic.end_fulfilled_wishes(visit clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- An offer's id becomes the visit's.
  update clinic.waitlist as w
  set
    ended_at = clock_timestamp(),
    outcome = case when exists (
      select from clinic.slot_reservations as r where r.id = visit.id and r.clinic_id = visit.clinic_id and r.waitlist_id = w.id
    ) then 'accepted' else 'booked' end
  where
    w.patient_id = visit.patient_id and w.clinic_id = visit.clinic_id and w.appointment_type_id = visit.appointment_type_id
    and w.moves_appointment_id is null and w.outcome is null;
end
$$;
comment on function clinic.end_fulfilled_wishes is 'Who has such a visit waits for none any more, however it was booked. Errors: try_again.';

create function clinic.follow_visit_wishes(before clinic.appointments, after clinic.appointments)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if after.status <> 'booked' and before.status = 'booked' then
    update clinic.waitlist as w set outcome = 'gone', ended_at = clock_timestamp()
    where w.moves_appointment_id = before.id and w.clinic_id = before.clinic_id and w.outcome is null;
  elsif (after.starts_at, after.ends_at) is distinct from (before.starts_at, before.ends_at) then
    -- What is not earlier any more is of no use, nor what the visit does not fit into any more, or not fill.
    perform clinic.withdraw_offer(o)
    from clinic.waitlist as w
    cross join lateral clinic.open_offers(w.id, w.clinic_id) as o
    where
      w.moves_appointment_id = after.id and w.clinic_id = after.clinic_id and w.outcome is null
      and (o.starts_at >= after.starts_at or o.ends_at - o.starts_at <> after.ends_at - after.starts_at);
    -- Nor what they have just left.
    update clinic.waitlist as w set refused = w.refused + tstzmultirange(tstzrange(before.starts_at, before.ends_at))
    where w.moves_appointment_id = after.id and w.clinic_id = after.clinic_id and w.outcome is null and after.starts_at <> before.starts_at;
  end if;
end
$$;
comment on function clinic.follow_visit_wishes is
'Nobody waits to move a visit that is not ahead any more, or is offered what does not suit it any more, or what it left. Errors: try_again.';

create function clinic.forget_moved_visit()
returns trigger
language plpgsql
volatile
security definer -- whoever deletes a visit, nobody waits to move it
set search_path = ''
as $$
begin
  update clinic.waitlist as w set outcome = 'gone', ended_at = clock_timestamp()
  where w.moves_appointment_id = old.id and w.clinic_id = old.clinic_id and w.outcome is null;
  update clinic.waitlist as w set moves_appointment_id = null where w.moves_appointment_id = old.id and w.clinic_id = old.clinic_id;
  return old;
end
$$;
comment on function clinic.forget_moved_visit is 'Nobody waits to move a visit that is deleted. Errors: try_again.';

create trigger forget_moved_visit before delete on clinic.appointments
for each row execute function clinic.forget_moved_visit();

create function clinic.merge_wishes(keep_id uuid, merge_id uuid, clinic_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  -- Of two alike the kept record's goes on, in the better place of the two.
  with doubles as (
    update clinic.waitlist as w set outcome = 'merged', ended_at = clock_timestamp()
    from clinic.waitlist as k
    where
      w.patient_id = merge_wishes.merge_id and w.clinic_id = merge_wishes.clinic_id and w.outcome is null
      and k.patient_id = merge_wishes.keep_id and k.clinic_id = merge_wishes.clinic_id and k.outcome is null
      and k.appointment_type_id = w.appointment_type_id and w.moves_appointment_id is null and k.moves_appointment_id is null
    returning k.id, w.created_at, w.priority
  )

  update clinic.waitlist as k
  set created_at = least(k.created_at, d.created_at), priority = greatest(k.priority, d.priority)
  from doubles as d
  where k.id = d.id;
  update clinic.waitlist as w set patient_id = merge_wishes.keep_id
  where w.patient_id = merge_wishes.merge_id and w.clinic_id = merge_wishes.clinic_id;
end
$$;
comment on function clinic.merge_wishes is 'The wishes of one record become another''s. Errors: try_again.';

create function clinic.end_unservable_wishes()
returns trigger
language plpgsql
volatile
security definer -- whoever ends a type, a dentist or what they do, nobody waits for it
set search_path = ''
as $$
begin
  update clinic.waitlist as w set outcome = 'not_offered', ended_at = clock_timestamp()
  where w.clinic_id = old.clinic_id and w.outcome is null and not exists (
    select from clinic.appointment_types as t
    inner join clinic.dentist_types as l on t.id = l.appointment_type_id and t.clinic_id = l.clinic_id
    inner join clinic.dentists as d on l.dentist_id = d.id and l.clinic_id = d.clinic_id
    where
      t.id = w.appointment_type_id and t.clinic_id = w.clinic_id and t.is_active and d.is_active
      and (w.dentist_ids is null or d.id = any (w.dentist_ids))
  );
  return null;
end
$$;
comment on function clinic.end_unservable_wishes is 'When all is done, ends the wishes of the clinic that nobody could fulfil any more. Errors: try_again.';

create constraint trigger end_unservable_wishes after update on clinic.appointment_types
deferrable initially deferred
for each row when (old.is_active and not new.is_active) execute function clinic.end_unservable_wishes();
create constraint trigger end_unservable_wishes after update on clinic.dentists
deferrable initially deferred
for each row when (old.is_active and not new.is_active) execute function clinic.end_unservable_wishes();
create constraint trigger end_unservable_wishes after delete on clinic.dentist_types
deferrable initially deferred
for each row execute function clinic.end_unservable_wishes();

create function clinic.expire_wishes(max_rows integer)
returns integer
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_ended integer;
begin
  update clinic.waitlist as w
  set outcome = case when old.is_gone then 'gone' else 'expired' end, ended_at = clock_timestamp()
  from (
    select w.id, w.clinic_id, a.starts_at <= clock_timestamp() as is_gone
    from clinic.clinics as c
    inner join clinic.waitlist as w on c.id = w.clinic_id
    left join clinic.appointments as a on w.moves_appointment_id = a.id and w.clinic_id = a.clinic_id
    where w.outcome is null and (
      w.to_date < (clock_timestamp() at time zone c.time_zone)::date or a.starts_at <= clock_timestamp()
    )
    order by w.id
    limit expire_wishes.max_rows
    -- Who is renewing theirs at this moment waits on.
    for no key update of w skip locked
  ) as old
  where
    w.id = old.id and w.clinic_id = old.clinic_id and w.outcome is null
    -- One that is offered something still is for the next time.
    and not exists (
      select from clinic.slot_reservations as r where r.waitlist_id = w.id and r.clinic_id = w.clinic_id and r.outcome is null
    );
  get diagnostics v_ended = row_count;
  return v_ended;
end
$$;
comment on function clinic.expire_wishes is 'Ends wishes whose days are past, or whose visit has begun, at most so many. Returns how many.';
