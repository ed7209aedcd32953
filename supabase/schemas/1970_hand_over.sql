-- Handing over: what becomes free is offered to who waits for it, in the transaction that frees it and under its locks.
--
-- Whatever frees time deletes claims from the ledger: a trigger there looks, when the transaction is done, at what is free of it still, and
-- gives it to the wishes that it fits, the best first: the highest priority, then who has waited longest. Nobody else ever sees it
-- free. Locks: where somebody waits, who frees time takes all of the clinic's (with_waiting); what is not held then is tried,
-- never waited for.

-- Is anybody waiting? --------------------------------------------------------------------------------------------------

create function clinic.is_waited_for(resource_id uuid, clinic_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return exists (select from clinic.waitlist as w where w.clinic_id = is_waited_for.clinic_id and w.outcome is null)
    or exists (select from clinic.resources as r where r.id = is_waited_for.resource_id and r.clinic_id <> is_waited_for.clinic_id);
end
$$;
comment on function clinic.is_waited_for is 'Whether somebody waits for time at this clinic, or may at others that have the same resource.';

create function clinic.with_waiting(resource_ids uuid [])
returns uuid []
language plpgsql
stable
set search_path = ''
as $$
begin
  if not exists (
    select from clinic.resources as r
    inner join clinic.waitlist as w on r.clinic_id = w.clinic_id and w.outcome is null
    where r.id = any (with_waiting.resource_ids)
  ) then
    return resource_ids;
  end if;
  return array(
    select i.id from unnest(with_waiting.resource_ids) as i (id) where i.id is not null
    union
    select other.id
    from clinic.resources as r
    inner join clinic.resources as other on r.clinic_id = other.clinic_id
    where
      r.id = any (with_waiting.resource_ids)
      and exists (select from clinic.waitlist as w where w.clinic_id = r.clinic_id and w.outcome is null)
    order by 1
  );
end
$$;
comment on function clinic.with_waiting is
'What to lock for who frees time of these resources: them, and all of those clinics of theirs at which somebody waits, for it is handed over there.';

create function clinic.take_free_lock(key bigint)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not pg_try_advisory_xact_lock(take_free_lock.key) then
    perform clinic.refuse('try_again');
  end if;
end
$$;
comment on function clinic.take_free_lock is 'Takes an advisory lock that is free, or held already: to wait for it, out of order, could deadlock. Errors: try_again.';


-- What fits ------------------------------------------------------------------------------------------------------------

create function clinic.suits(wish clinic.waitlist, starts_at timestamptz, ends_at timestamptz, time_zone text)
returns boolean
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_from timestamp := starts_at at time zone suits.time_zone;
begin
  return
    (wish.from_time is null or v_from::time >= wish.from_time)
    and (wish.to_time is null or ends_at at time zone suits.time_zone <= v_from::date + wish.to_time)
    and not wish.refused && tstzrange(starts_at, ends_at);
end
$$;
comment on function clinic.suits is 'Whether a time of a day that somebody waits for is what they wait for: the hours, and nothing that they refused.';

create function clinic.waited_for(wish clinic.waitlist)
returns clinic.wish
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
  v_wanted clinic.wish;
  v_bookable clinic.bookable;
begin
  if wish.moves_appointment_id is null then
    v_bookable := clinic.bookable(wish.appointment_type_id, is_question => true);
    v_wanted.visit := clinic.slot(v_bookable, null, null, wish.patient_id);
    v_wanted.except_claims := '{}';
    if wish.source in ('online', 'chatbot') then
      v_wanted.code := clinic.offer_code(v_bookable, 'patient', wish.patient_id);
    end if;
  else
    select * into v_visit from clinic.appointments as a where a.id = wish.moves_appointment_id and a.clinic_id = wish.clinic_id;
    v_bookable := clinic.movable(v_visit, 'patient');
    v_wanted.visit := clinic.as_slot(v_visit);
    v_wanted.visit.id := gen_random_uuid();
    v_wanted.except_claims := array[v_visit.id];
    v_wanted.code := case
      when v_visit.status <> 'booked' then 'invalid_transition'
      when wish.source = 'online' and clock_timestamp() > (
        select clinic.changeable_until(v_visit.status, v_visit.starts_at, v_visit.created_at, c.cancellation_notice, c.cancel_grace)
        from clinic.clinics as c where c.id = wish.clinic_id
      ) then 'too_late_to_cancel'
    end;
  end if;
  v_bookable.leaders := array(
    select l from unnest(v_bookable.leaders) as l where wish.dentist_ids is null or l.dentist_id = any (wish.dentist_ids)
  );
  v_wanted.bookable := v_bookable;
  return v_wanted;
end
$$;
comment on function clinic.waited_for is
'What somebody waits for, as what they would ask for themselves; code says why they could not have it at any time (null: they could).';

create function clinic.led_with(wanted clinic.bookable, resource_id uuid)
returns clinic.leader []
language plpgsql
stable
set search_path = ''
as $$
begin
  return array(
    select l from unnest(wanted.leaders) as l
    where l.dentist_id = led_with.resource_id or exists (
      select from unnest(wanted.parts) as p
      where led_with.resource_id = any (clinic.candidates((wanted.policy).id, p) || p.resource_id)
    )
  );
end
$$;
comment on function clinic.led_with is 'Those leaders whose visits can need this resource: all, where it will do for a part, or it alone.';

create function clinic.fitting_slot(wish clinic.waitlist, resource_id uuid, free tstzmultirange, as_of timestamptz)
returns clinic.slot_reservations
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wanted clinic.wish := clinic.waited_for(wish);
  v_bookable clinic.bookable := v_wanted.bookable;
  v_policy clinic.clinics := v_bookable.policy;
  v_slot clinic.slot_reservations := v_wanted.visit;
  v_present timestamptz;
  v_own tstzrange;
  v_day date;
begin
  v_bookable.leaders := clinic.led_with(v_bookable, fitting_slot.resource_id);
  if v_wanted.code is not null or v_bookable.leaders = '{}' then
    return null;
  elsif wish.moves_appointment_id is not null then
    v_present := v_slot.starts_at;
    v_own := tstzrange(v_slot.starts_at - v_slot.buffer_before, v_slot.ends_at + v_slot.buffer_after);
  end if;
  -- What they refused is for others, with what lies around it.
  fitting_slot.free := fitting_slot.free - coalesce((
    select range_agg(tstzrange(lower(r) - v_slot.buffer_before, upper(r) + v_slot.buffer_after)) from unnest(wish.refused) as r
  ), '{}');
  for v_day in
    select distinct d.day
    from unnest(fitting_slot.free) as f (during)
    cross join lateral (
      -- A visit, with what is around it, is no longer than 14 hours.
      select generate_series(
        greatest(((lower(f.during) - interval '14 hours') at time zone v_policy.time_zone)::date, wish.from_date),
        least(
          (upper(f.during) at time zone v_policy.time_zone)::date, wish.to_date,
          (clinic.later(as_of, v_policy.booking_horizon) at time zone v_policy.time_zone)::date
        ), interval '1 day'
      )::date as day
    ) as d
    where
      (wish.weekdays is null or extract(isodow from d.day) = any (wish.weekdays))
      -- A day whose hours have nothing to do with what is free is not judged.
      and f.during && tstzrange(
        clinic.wall_instant(d.day + coalesce(wish.from_time, '00:00'), v_policy.time_zone) - v_slot.buffer_before,
        case when wish.to_time is null then clinic.wall_instant((d.day + 1)::timestamp, v_policy.time_zone) + interval '14 hours'
        else clinic.wall_instant(d.day + wish.to_time, v_policy.time_zone) + v_slot.buffer_after end
      )
    order by d.day
  loop
    select j.dentist_id, j.starts_at, j.ends_at into v_slot.dentist_id, v_slot.starts_at, v_slot.ends_at
    from clinic.judge_slots(v_bookable, v_wanted.visit, v_day, v_day, as_of, false, v_wanted.except_claims) as j
    cross join lateral (
      select tstzrange(j.starts_at - v_slot.buffer_before, j.ends_at + v_slot.buffer_after) as takes
    ) as t
    where
      j.code is null and clinic.suits(wish, j.starts_at, j.ends_at, v_policy.time_zone)
      and fitting_slot.free && t.takes and j.starts_at >= clinic.later(as_of, v_policy.offer_lead)
      -- A hold lies beside the visit that would move, never over it.
      and (v_present is null or j.starts_at < v_present and not t.takes && v_own)
      -- Nobody can come twice at once, whatever else they wait for.
      and not exists (
        select from clinic.slot_reservations as r
        where
          r.patient_id = wish.patient_id and r.clinic_id = wish.clinic_id and r.waitlist_id is not null and r.outcome is null
          and tstzrange(r.starts_at, r.ends_at) && tstzrange(j.starts_at, j.ends_at)
      )
    -- Rather all in what became free than half beside it.
    order by not fitting_slot.free @> t.takes, j.starts_at, j.dentist_id
    limit 1;
    if found then
      v_slot.assigned := case when cardinality(wish.dentist_ids) = 1 then 'named' else 'any' end;
      return v_slot;
    end if;
  end loop;
  return null;
end
$$;
comment on function clinic.fitting_slot is
'A start that is what somebody waits for, may be booked by the predicate, and takes some of this free time, on the first day that has one; null: none does.';


-- Offers ---------------------------------------------------------------------------------------------------------------

create function clinic.offer_ends_at(policy clinic.clinics, starts_at timestamptz, as_of timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_message clinic.messages;
begin
  -- Nobody is woken, and nobody loses a time by sleeping.
  v_message.clinic_id := policy.id;
  v_message.kind := 'offer';
  return least(coalesce(clinic.quiet_ends_at(v_message, as_of), as_of) + policy.offer_duration, offer_ends_at.starts_at);
end
$$;
comment on function clinic.offer_ends_at is 'How long an offer is held: offer_duration, by night from when quiet hours end, and never beyond its start.';

create function clinic.offer_slot(wish clinic.waitlist, slot clinic.slot_reservations, freed_at timestamptz)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_policy clinic.clinics;
  v_offer clinic.slot_reservations;
begin
  select * into v_policy from clinic.clinics as c where c.id = wish.clinic_id;
  insert into clinic.slot_reservations (
    id, clinic_id, dentist_id, appointment_type_id, patient_id, held_by, starts_at, ends_at, buffer_before, buffer_after,
    leads_after, leads_for, parts, assigned, expires_at, waitlist_id
  )
  values (
    slot.id, slot.clinic_id, slot.dentist_id, slot.appointment_type_id, wish.patient_id,
    (select p.user_id from clinic.patients as p where p.id = wish.patient_id and p.clinic_id = wish.clinic_id),
    slot.starts_at, slot.ends_at, slot.buffer_before, slot.buffer_after, slot.leads_after, slot.leads_for, clinic.fit_parts(slot),
    slot.assigned, clinic.offer_ends_at(v_policy, slot.starts_at, clock_timestamp()), wish.id
  )
  returning * into v_offer;
  update clinic.waitlist as w set offers = w.offers + 1, freed_at = offer_slot.freed_at where w.id = wish.id and w.clinic_id = wish.clinic_id;
  perform clinic.record_events(v_offer.clinic_id, v_offer.dentist_id, variadic clinic.for_listeners(row(
    'waitlist_offered', false, true, null, 'waitlist', wish.id,
    jsonb_build_object(
      'waitlist_id', wish.id, 'reservation_id', v_offer.id, 'patient_id', v_offer.patient_id, 'appointment_type_id', v_offer.appointment_type_id,
      'moves_appointment_id', wish.moves_appointment_id, 'starts_at', v_offer.starts_at, 'ends_at', v_offer.ends_at, 'expires_at', v_offer.expires_at
    )
  )::clinic.announcement, clinic.listeners(v_offer.patient_id, v_offer.clinic_id)));
  perform clinic.plan_offer(v_offer);
end
$$;
comment on function clinic.offer_slot is 'Holds a slot for who waits for it, and tells them by event and by message. Call it under the locks. Errors: slot_taken, try_again.';


-- Handing over ---------------------------------------------------------------------------------------------------------

create function clinic.askable(clinic_id uuid, free tstzmultirange, type_id uuid)
returns setof clinic.waitlist
language sql
stable
set search_path = ''
as $$
  select w.*
  from clinic.waitlist as w
  inner join clinic.clinics as c on w.clinic_id = c.id
  inner join clinic.appointment_types as t on w.appointment_type_id = t.id and w.clinic_id = t.clinic_id
  where
    w.clinic_id = askable.clinic_id and w.outcome is null and w.offers < c.max_waitlist_offers and t.is_active
    and (askable.type_id is null or w.appointment_type_id = askable.type_id)
    and w.from_date <= (upper(askable.free) at time zone c.time_zone)::date
    and w.to_date >= ((lower(askable.free) - interval '14 hours') at time zone c.time_zone)::date
    and not exists (
      select from clinic.slot_reservations as r where r.waitlist_id = w.id and r.clinic_id = w.clinic_id and r.outcome is null
    )
  order by w.priority desc, w.created_at asc, w.id asc;
$$;
comment on function clinic.askable is
'The wishes of a clinic that could be for this time (of one type, if it is named), and are offered nothing at present, the best first.';

create function clinic.hand_over(clinic_id uuid, resource_id uuid, free tstzmultirange, freed_at timestamptz, type_id uuid default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wish clinic.waitlist;
  v_slot clinic.slot_reservations;
  v_left tstzmultirange := free;
begin
  if not exists (select from clinic.askable(hand_over.clinic_id, free, hand_over.type_id)) then
    return;
  end if;
  -- Mostly they are held: where somebody waits, whoever frees time has them all.
  perform clinic.take_free_lock(clinic.calendar_key(r.id)) from clinic.resources as r where r.clinic_id = hand_over.clinic_id order by r.id;
  for v_wish in select w.* from clinic.askable(hand_over.clinic_id, free, hand_over.type_id) as w loop
    if hand_over.type_id is null then
      v_left := free - coalesce((clinic.busy_times(
        hand_over.clinic_id, array[hand_over.resource_id], range_merge(free), clock_timestamp(), '{}'
      ))[1], '{}');
    end if;
    exit when isempty(v_left);
    v_slot := clinic.fitting_slot(v_wish, hand_over.resource_id, v_left, clock_timestamp());
    if v_slot.id is not null then
      -- As lock_patient, which waits.
      perform clinic.take_free_lock(clinic.patient_key(v_wish.patient_id));
      -- Who was merged or erased meanwhile held no calendar.
      continue when not exists (
        select from clinic.waitlist as w
        where w.id = v_wish.id and w.clinic_id = v_wish.clinic_id and w.patient_id = v_wish.patient_id and w.outcome is null
      );
      perform clinic.offer_slot(v_wish, v_slot, hand_over.freed_at);
    end if;
  end loop;
end
$$;
comment on function clinic.hand_over is
'Offers this time of a resource to the wishes it fits, the best first, until nothing fits or nothing is left. What anybody has taken again is not free: the predicate
says so. With a type_id, to wishes of that type alone. Errors: try_again.';

create function clinic.hand_over_to_all(resource_id uuid, free tstzmultirange, freed_at timestamptz, type_id uuid default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_clinic_id uuid;
begin
  free := free * tstzmultirange(tstzrange(clock_timestamp(), null));
  if isempty(free) then
    return;
  end if;
  for v_clinic_id in select r.clinic_id from clinic.resources as r where r.id = hand_over_to_all.resource_id order by r.clinic_id loop
    perform clinic.hand_over(v_clinic_id, hand_over_to_all.resource_id, free, hand_over_to_all.freed_at, hand_over_to_all.type_id);
  end loop;
end
$$;
comment on function clinic.hand_over_to_all is 'The same at all clinics at which somebody works.';

create function clinic.pass_on()
returns trigger
language plpgsql
volatile
security definer -- whoever frees time, by whatever path, those who wait for it have it before anybody else
set search_path = ''
as $$
declare
  v_free tstzmultirange;
  v_freed_at timestamptz;
  v_full_day record;
begin
  if not clinic.is_waited_for(old.resource_id, old.clinic_id) then
    return null;
  end if;
  -- What the ledger has there by now; whether a clinic is open then, each judges for itself.
  v_free := tstzmultirange(old.during) - coalesce((
    select range_agg(o.during) from clinic.occupancy as o
    where o.resource_id = old.resource_id and o.during && old.during and (o.expires_at is null or o.expires_at > clock_timestamp())
  ), '{}');
  select coalesce(max(w.freed_at), clock_timestamp()) into v_freed_at
  from clinic.slot_reservations as r
  inner join clinic.waitlist as w on r.waitlist_id = w.id and r.clinic_id = w.clinic_id
  where r.id = old.id and r.clinic_id = old.clinic_id and old.cause = 'hold';
  perform clinic.hand_over_to_all(old.resource_id, v_free, v_freed_at);
  -- Of what there may be few a day, one more may be had at other times of that day, too.
  for v_full_day in
    select t.id, clinic.day_span((lower(old.during) at time zone c.time_zone)::date, c.time_zone) as day
    from clinic.appointment_types as t
    inner join clinic.clinics as c on t.clinic_id = c.id
    where old.part = 0 and t.clinic_id = old.clinic_id and t.max_per_day is not null and t.id in (
      select a.appointment_type_id from clinic.appointments as a where a.id = old.id
      union all
      select r.appointment_type_id from clinic.slot_reservations as r where r.id = old.id
    )
  loop
    perform clinic.hand_over_to_all(old.resource_id, tstzmultirange(v_full_day.day), v_freed_at, v_full_day.id);
  end loop;
  return null;
end
$$;
comment on function clinic.pass_on is
'When the transaction is done, hands over what it freed and nobody took again: cancelled, moved, shortened, released, run out, no longer off. Errors: try_again.';

create constraint trigger hand_over after delete or update of resource_id, during on clinic.occupancy
deferrable initially deferred
for each row execute function clinic.pass_on();


-- Hours and closed doors are not in the ledger ---------------------------------------------------------------------------

create function clinic.opened_by(hours clinic.working_hours)
returns tstzmultirange
language sql
stable
set search_path = ''
as $$
  select coalesce(range_agg(tstzrange(
    clinic.wall_instant(d.day + hours.opens, c.time_zone),
    clinic.wall_instant(d.day + (hours.closes <= hours.opens)::integer + hours.closes, c.time_zone)
  )), '{}')
  from clinic.clinics as c
  cross join lateral (
    select generate_series(
      (clock_timestamp() at time zone c.time_zone)::date - 1, max(w.to_date), interval '1 day'
    )::date as day
    from clinic.waitlist as w where w.clinic_id = c.id and w.outcome is null
  ) as d
  where
    c.id = hours.clinic_id and extract(isodow from d.day) = hours.weekday
    and d.day >= coalesce(hours.valid_from, d.day) and d.day <= coalesce(hours.valid_until, d.day)
    and clinic.wall_instant(d.day + hours.opens, c.time_zone)
    < clinic.wall_instant(d.day + (hours.closes <= hours.opens)::integer + hours.closes, c.time_zone);
$$;
comment on function clinic.opened_by is 'The times that a weekly window opens, as far ahead as somebody waits at the clinic.';

create function clinic.pass_on_hours()
returns trigger
language plpgsql
volatile
security definer -- whoever opens hours, those who wait for them have them before anybody else
set search_path = ''
as $$
begin
  if clinic.is_waited_for(new.dentist_id, new.clinic_id) then
    perform clinic.hand_over(
      new.clinic_id, new.dentist_id, clinic.opened_by(new) * tstzmultirange(tstzrange(clock_timestamp(), null)), clock_timestamp()
    );
  end if;
  return null;
end
$$;
comment on function clinic.pass_on_hours is 'When the transaction is done, hands over what a weekly window opens. Errors: try_again.';

create function clinic.pass_on_extra_hours()
returns trigger
language plpgsql
volatile
security definer -- whoever opens hours, those who wait for them have them before anybody else
set search_path = ''
as $$
begin
  if clinic.is_waited_for(new.dentist_id, new.clinic_id) then
    perform clinic.hand_over(
      new.clinic_id, new.dentist_id, tstzmultirange(new.during) * tstzmultirange(tstzrange(clock_timestamp(), null)), clock_timestamp()
    );
  end if;
  return null;
end
$$;
comment on function clinic.pass_on_extra_hours is 'When the transaction is done, hands over what extra hours open. Errors: try_again.';

create constraint trigger hand_over after insert or update on clinic.working_hours
deferrable initially deferred
for each row execute function clinic.pass_on_hours();
create constraint trigger hand_over after insert or update on clinic.extra_hours
deferrable initially deferred
for each row execute function clinic.pass_on_extra_hours();

create function clinic.pass_on_closure()
returns trigger
language plpgsql
volatile
security definer -- whoever opens a clinic again, those who wait have its time before anybody else
set search_path = ''
as $$
begin
  perform clinic.hand_over(
    old.clinic_id, d.id, tstzmultirange(old.during) * tstzmultirange(tstzrange(clock_timestamp(), null)), clock_timestamp()
  )
  from clinic.dentists as d
  where d.clinic_id = old.clinic_id and d.is_active
  order by d.id;
  return null;
end
$$;
comment on function clinic.pass_on_closure is 'When the transaction is done, hands over the time of a closure that was removed or moved. Errors: try_again.';

create constraint trigger hand_over after delete or update on clinic.closures
deferrable initially deferred
for each row execute function clinic.pass_on_closure();

create function clinic.hand_over_ahead(clinic_id uuid, resource_id uuid, type_id uuid default null)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_from timestamptz := clock_timestamp();
  v_ahead tstzrange := (
    select tstzrange(v_from, greatest(v_from, clinic.wall_instant((max(w.to_date) + 1)::timestamp, c.time_zone)))
    from clinic.waitlist as w
    inner join clinic.clinics as c on w.clinic_id = c.id
    where w.clinic_id = hand_over_ahead.clinic_id and w.outcome is null
    group by c.time_zone
  );
begin
  if v_ahead is not null then
    perform clinic.hand_over(
      hand_over_ahead.clinic_id, hand_over_ahead.resource_id, tstzmultirange(v_ahead), v_from, hand_over_ahead.type_id
    );
  end if;
end
$$;
comment on function clinic.hand_over_ahead is
'Offers all time of a resource, as far ahead as somebody waits at the clinic (with a type_id, for visits of that type alone). Errors: try_again.';

create function clinic.pass_on_resource()
returns trigger
language plpgsql
volatile
security definer -- whoever adds somebody or something, or brings them back, those who wait have their time before anybody else
set search_path = ''
as $$
begin
  perform clinic.hand_over_ahead(new.clinic_id, new.id);
  return null;
end
$$;
comment on function clinic.pass_on_resource is
'When the transaction is done, hands over the time of who, or what, can be booked again, and of what is new. Errors: try_again.';

-- Who is new has no hours yet: those are handed over when they are set.
create constraint trigger hand_over_new after insert on clinic.resources
deferrable initially deferred
for each row when (new.is_active and new.kind <> 'practitioner') execute function clinic.pass_on_resource();
create constraint trigger hand_over after update on clinic.resources
deferrable initially deferred
for each row when (new.is_active and not old.is_active) execute function clinic.pass_on_resource();

create function clinic.pass_on_dentist_type()
returns trigger
language plpgsql
volatile
security definer -- whoever says that somebody leads a type, those who wait for it have their time before anybody else
set search_path = ''
as $$
begin
  perform clinic.hand_over_ahead(new.clinic_id, new.dentist_id, new.appointment_type_id);
  return null;
end
$$;
comment on function clinic.pass_on_dentist_type is
'When the transaction is done, hands over the time of who leads a type from now on, or takes less time for it. Errors: try_again.';

create constraint trigger hand_over_new after insert on clinic.dentist_types
deferrable initially deferred
for each row execute function clinic.pass_on_dentist_type();
create constraint trigger hand_over after update on clinic.dentist_types
deferrable initially deferred
for each row when (old.duration is distinct from new.duration) execute function clinic.pass_on_dentist_type();

create function clinic.hand_over_type(clinic_id uuid, type_id uuid)
returns void
language plpgsql
volatile
set search_path = ''
as $$
begin
  perform clinic.hand_over_ahead(l.clinic_id, l.dentist_id, l.appointment_type_id)
  from clinic.dentist_types as l
  inner join clinic.dentists as d on l.dentist_id = d.id and l.clinic_id = d.clinic_id
  where l.appointment_type_id = hand_over_type.type_id and l.clinic_id = hand_over_type.clinic_id and d.is_active
  order by l.dentist_id;
end
$$;
comment on function clinic.hand_over_type is 'Offers the time of all who lead a type to who waits for it. Errors: try_again.';

create function clinic.pass_on_type()
returns trigger
language plpgsql
volatile
security definer -- whoever makes a type easier to have, those who wait for it have it before anybody else
set search_path = ''
as $$
begin
  perform clinic.hand_over_type(new.clinic_id, new.id);
  return null;
end
$$;
comment on function clinic.pass_on_type is
'When the transaction is done, hands over what a type''s own rules, its length or its buffers leave free from now on. Errors: try_again.';

create constraint trigger hand_over after update on clinic.appointment_types
deferrable initially deferred
for each row when (
  new.duration < old.duration or new.buffer_before < old.buffer_before or new.buffer_after < old.buffer_after
  or new.audience <> old.audience and new.audience <> 'staff'
  -- Null is what the clinic's policy says.
  or (new.min_notice, new.booking_horizon, new.slot_interval, new.max_per_day)
  is distinct from (old.min_notice, old.booking_horizon, old.slot_interval, old.max_per_day)
) execute function clinic.pass_on_type();

create function clinic.pass_on_policy()
returns trigger
language plpgsql
volatile
security definer -- whoever makes a clinic's times easier to have, those who wait have them before anybody else
set search_path = ''
as $$
begin
  update clinic.waitlist as w set outcome = 'exhausted', ended_at = clock_timestamp()
  where
    w.clinic_id = new.id and w.outcome is null and w.offers >= new.max_waitlist_offers
    and not exists (select from clinic.open_offers(w.id, w.clinic_id));
  perform clinic.hand_over_ahead(d.clinic_id, d.id) from clinic.dentists as d where d.clinic_id = new.id and d.is_active order by d.id;
  return null;
end
$$;
comment on function clinic.pass_on_policy is
'When the transaction is done, hands over what a clinic''s notice, horizon, grid, lead or time zone leave free from now on, and asks nobody more often than it says. Errors: try_again.';

create constraint trigger hand_over after update on clinic.clinics
deferrable initially deferred
for each row when (
  new.min_notice < old.min_notice or new.booking_horizon > old.booking_horizon or new.offer_lead < old.offer_lead
  or (new.slot_interval, new.max_waitlist_offers, new.time_zone) is distinct from (old.slot_interval, old.max_waitlist_offers, old.time_zone)
) execute function clinic.pass_on_policy();

create function clinic.pass_on_part()
returns trigger
language plpgsql
volatile
security definer -- whoever makes a type need less, those who wait for it have it before anybody else
set search_path = ''
as $$
begin
  perform clinic.hand_over_type(old.clinic_id, old.appointment_type_id);
  return null;
end
$$;
comment on function clinic.pass_on_part is 'When the transaction is done, hands over what is free for a type that needs something no more, or something else. Errors: try_again.';

create constraint trigger hand_over after delete or update on clinic.type_parts
deferrable initially deferred
for each row execute function clinic.pass_on_part();


-- What becomes of an offer ---------------------------------------------------------------------------------------------

create function clinic.moves_visit(reservation clinic.slot_reservations, patient_id uuid)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return reservation.waitlist_id is not null and exists (
    select from clinic.waitlist as w
    where
      w.id = reservation.waitlist_id and w.clinic_id = reservation.clinic_id and w.patient_id = moves_visit.patient_id
      and w.moves_appointment_id is not null
  );
end
$$;
comment on function clinic.moves_visit is 'Whether who confirms this for this patient moves a visit: it is an offer to have theirs earlier.';

create function clinic.became(reservation clinic.slot_reservations)
returns uuid
language sql
stable
set search_path = ''
as $$
  select coalesce(
    (select a.id from clinic.appointments as a where a.id = reservation.id and a.clinic_id = reservation.clinic_id),
    (
      select w.moves_appointment_id from clinic.waitlist as w
      where w.id = reservation.waitlist_id and w.clinic_id = reservation.clinic_id
    )
  );
$$;
comment on function clinic.became is 'The visit that a confirmed reservation became, or that an accepted offer moved.';

create function clinic.accept_move(offer clinic.slot_reservations, role text, as_of timestamptz)
returns api.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
  v_slot clinic.slot_reservations;
  v_code text;
begin
  select a.* into v_visit
  from clinic.waitlist as w inner join clinic.appointments as a on w.moves_appointment_id = a.id and w.clinic_id = a.clinic_id
  where w.id = offer.waitlist_id and w.clinic_id = offer.clinic_id;
  v_visit := clinic.lock_appointment(v_visit);
  v_slot := clinic.as_slot(v_visit);
  v_slot.dentist_id := offer.dentist_id;
  v_slot.starts_at := offer.starts_at;
  v_slot.ends_at := offer.starts_at + (v_visit.ends_at - v_visit.starts_at);
  -- A live offer is a promise. One that has run out is judged again: perhaps nobody took the slot.
  if offer.outcome is not null or offer.expires_at <= as_of then
    perform clinic.require_movable(v_visit, role);
    v_code := clinic.judge_slot(
      clinic.movable(v_visit, role, offer.dentist_id), v_slot, as_of, clinic.is_desk(role), array[offer.id]
    );
  elsif v_visit.status <> 'booked' then
    v_code := 'invalid_transition';
  elsif clinic.patient_times(v_visit.patient_id, tstzrange(v_slot.starts_at, v_slot.ends_at), array[v_visit.id]) is not null then
    v_code := 'patient_busy';
  end if;
  if v_code is not null then
    perform clinic.refuse(v_code, clinic_id => offer.clinic_id);
  end if;
  -- The visit takes what the offer held, all in this transaction: nobody sees it free.
  perform clinic.free_time(offer.id, 'hold');
  update clinic.slot_reservations as r set outcome = 'confirmed', ended_at = clock_timestamp() where r.id = offer.id and r.clinic_id = offer.clinic_id;
  update clinic.waitlist as w set outcome = 'accepted', ended_at = clock_timestamp()
  where w.id = offer.waitlist_id and w.clinic_id = offer.clinic_id and w.outcome is null;
  perform clinic.put_appointment(v_slot);
  return clinic.api_appointment(v_visit.id);
end
$$;
comment on function clinic.accept_move is
'Moves a visit to what was offered for it; its old time is handed over in its turn. Call it under the locks of both. Errors: invalid_transition, too_late_to_cancel,
patient_busy, stale_version, try_again, and those of the slot.';

create function clinic.take_offers(bookable clinic.bookable, slot clinic.slot_reservations, as_of timestamptz, may_have_begun boolean)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_offers clinic.slot_reservations [] := array(
    select r from clinic.slot_reservations as r
    where
      r.clinic_id = slot.clinic_id and r.waitlist_id is not null and r.outcome is null and r.id <> slot.id
      and tstzrange(r.starts_at - r.buffer_before, r.ends_at + r.buffer_after)
      && tstzrange(slot.starts_at - slot.buffer_before, slot.ends_at + slot.buffer_after)
      and clinic.taken_resources(r.dentist_id, r.parts) && clinic.wanted_resources(array[slot.dentist_id], slot.clinic_id, slot.parts)
    order by r.dentist_id <> slot.dentist_id asc, r.created_at desc
  );
  v_ids uuid [] := array(select o.id from unnest(v_offers) as o);
  v_offer clinic.slot_reservations;
begin
  if v_ids = '{}' or clinic.judge_slot(bookable, slot, as_of, true, v_ids, may_have_begun) is not null then
    return false;
  end if;
  foreach v_offer in array v_offers loop
    perform clinic.withdraw_offer(v_offer);
    exit when clinic.judge_slot(bookable, slot, as_of, true, '{}', may_have_begun) is null;
  end loop;
  return true;
end
$$;
comment on function clinic.take_offers is
'Staff take what is only offered: ends as few offers as leave room for the slot, and says whether there is any then. Call it under the locks. Errors: try_again.';
