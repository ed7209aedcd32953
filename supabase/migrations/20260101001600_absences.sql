-- Absences: how staff take time off the calendar and put it back. Appointments in the way refuse it, or are cancelled
-- on demand; never silently.

create function clinic.clear_calendar(dentist_ids uuid [], during tstzrange, reason text)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_appointment clinic.appointments;
  v_cancelled uuid [] := array[]::uuid [];
begin
  update clinic.slot_reservations as r
  set outcome = 'released', ended_at = clock_timestamp()
  from clinic.occupancy as o
  where
    o.dentist_id = any (clear_calendar.dentist_ids) and o.during && clear_calendar.during
    and o.cause = 'hold' and r.id = o.id and r.outcome is null;
  for v_appointment in
    select a.* from clinic.appointments as a
    inner join clinic.occupancy as o on a.id = o.id
    where
      o.dentist_id = any (clear_calendar.dentist_ids) and o.during && clear_calendar.during
      and o.cause = 'appointment'
    order by a.starts_at
  loop
    perform clinic.end_appointment(v_appointment, 'admin', 'cancelled', clear_calendar.reason);
    v_cancelled := v_cancelled || v_appointment.id;
  end loop;
  return v_cancelled;
end
$$;
comment on function clinic.clear_calendar is 'Releases the holds and cancels the appointments in this time; returns the cancelled ones.';

create function clinic.take_from_closures(dentist_ids uuid [], during tstzrange, reason text)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_closed clinic.time_off;
  v_ids uuid [] := array[]::uuid [];
begin
  for v_closed in
    select t.* from clinic.time_off as t
    where
      t.dentist_id = any (take_from_closures.dentist_ids) and t.during && take_from_closures.during
      and t.closure_id is not null
  loop
    update clinic.time_off as t
    set during = v_closed.during * take_from_closures.during, reason = take_from_closures.reason, closure_id = null
    where t.id = v_closed.id;
    insert into clinic.time_off (clinic_id, dentist_id, during, reason, closure_id)
    select v_closed.clinic_id, v_closed.dentist_id, rest.during, v_closed.reason, v_closed.closure_id
    from unnest(tstzmultirange(v_closed.during) - tstzmultirange(take_from_closures.during)) as rest (during);
    v_ids := v_ids || v_closed.id;
  end loop;
  return v_ids;
end
$$;
comment on function clinic.take_from_closures is
'Makes what closures take of this time the dentists'' own time off, which stays when the clinic opens again after all. Returns which that is.';

create function clinic.insert_time_off(
  clinic_id uuid, dentist_ids uuid [], during tstzrange, reason text, closure_id uuid default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_taken uuid [];
  v_result jsonb;
begin
  if insert_time_off.closure_id is null then
    v_taken := clinic.take_from_closures(
      insert_time_off.dentist_ids, insert_time_off.during, insert_time_off.reason
    );
  end if;
  with pieces as (
    -- Only what is not time off already.
    select d.id, p.during
    from unnest(insert_time_off.dentist_ids) as d (id)
    cross join lateral unnest(tstzmultirange(insert_time_off.during) - coalesce(
      (
        select range_agg(t.during) from clinic.time_off as t
        where t.dentist_id = d.id and t.during && insert_time_off.during
      ),
      '{}'
    )) as p (during)
  ),

  added as (
    insert into clinic.time_off as t (clinic_id, dentist_id, during, reason, closure_id)
    select insert_time_off.clinic_id, p.id, p.during, insert_time_off.reason, insert_time_off.closure_id
    from pieces as p
    returning t.id, t.dentist_id, t.during, t.reason, t.closure_id
  ),

  off as (
    select a.* from added as a
    union all
    select t.id, t.dentist_id, t.during, t.reason, t.closure_id from clinic.time_off as t where t.id = any (v_taken)
  )

  select coalesce(jsonb_agg(jsonb_build_object(
    'id', o.id, 'dentist_id', o.dentist_id, 'starts_at', lower(o.during), 'ends_at', upper(o.during), 'reason', o.reason,
    'closure_id', o.closure_id
  ) order by o.dentist_id, o.during), '[]')
  into v_result
  from off as o;
  return v_result;
end
$$;
comment on function clinic.insert_time_off is
'Adds the time off, without what is time off already, and returns the rows. A dentist''s own goes before a closure, and an earlier closure
before a later one: what comes after waits behind it.';

create function clinic.keep_closed()
returns trigger
language plpgsql
volatile
security definer -- whoever takes time off away, the closures of the clinic bind
set search_path = ''
as $$
begin
  perform clinic.insert_time_off(old.clinic_id, array[old.dentist_id], c.during * old.during, c.reason, c.id)
  from clinic.closures as c
  where c.clinic_id = old.clinic_id and c.during && old.during and c.id is distinct from old.closure_id
  order by c.during;
  return null;
end
$$;
comment on function clinic.keep_closed is 'Time off that goes leaves the clinic''s closures that waited behind it.';

-- After follow_new_time_off: triggers go by name, and that one frees the time.
create trigger keep_closed after delete on clinic.time_off
for each row execute function clinic.keep_closed();

create function clinic.close_for_newcomer()
returns trigger
language plpgsql
volatile
security definer -- whoever hires, the closures of the clinic bind
set search_path = ''
as $$
begin
  perform clinic.lock_dentists(new.clinic_id);
  perform clinic.insert_time_off(new.clinic_id, array[new.id], c.during, c.reason, c.id)
  from clinic.closures as c
  where c.clinic_id = new.clinic_id and upper(c.during) > clock_timestamp()
  order by c.during;
  return null;
end
$$;
comment on function clinic.close_for_newcomer is 'A new dentist is off when the clinic is closed. Waits for a closure that is just being added.';

create trigger close_for_newcomer after insert on clinic.dentists
for each row execute function clinic.close_for_newcomer();

create function clinic.time_off_dentists(clinic_id uuid, dentist_id uuid)
returns uuid []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_dentist_ids uuid [];
begin
  perform clinic.require_calendar(clinic.required(time_off_dentists.clinic_id, 'clinic_id'), time_off_dentists.dentist_id);
  -- First of all, so that nobody is hired meanwhile.
  if time_off_dentists.dentist_id is null then
    perform clinic.lock_dentists(time_off_dentists.clinic_id);
  end if;
  v_dentist_ids := array(
    select d.id from clinic.dentists as d
    where
      d.clinic_id = time_off_dentists.clinic_id
      and (d.id = time_off_dentists.dentist_id or time_off_dentists.dentist_id is null)
  );
  if v_dentist_ids = '{}' and time_off_dentists.dentist_id is not null then
    perform clinic.refuse('not_found', 'There is no such dentist in this clinic.');
  end if;
  perform clinic.lock_dentists(variadic v_dentist_ids);
  return v_dentist_ids;
end
$$;
comment on function clinic.time_off_dentists is 'That dentist, or all of the clinic''s, active or not, locked, for a caller who may edit their calendars.';

create function clinic.add_time_off(
  clinic_id uuid,
  starts_at text,
  ends_at text,
  dentist_id uuid,
  reason text,
  on_conflict text,
  dry_run boolean
)
returns jsonb
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_dentist_ids uuid [] := clinic.time_off_dentists(add_time_off.clinic_id, add_time_off.dentist_id);
  v_reason text := clinic.clean_text(add_time_off.reason, 'reason', 1000);
  v_starts_at timestamptz := clinic.required_instant(add_time_off.starts_at, 'starts_at');
  v_ends_at timestamptz := clinic.required_instant(add_time_off.ends_at, 'ends_at');
  v_during tstzrange;
  v_closure_id uuid;
  v_in_the_way jsonb;
  v_result jsonb;
begin
  if v_ends_at <= v_starts_at or v_ends_at - v_starts_at > '366 days' then
    perform clinic.refuse('invalid_argument', 'ends_at must be after starts_at, and at most 366 days.');
  elsif (add_time_off.on_conflict in ('reject', 'cancel')) is not true then
    perform clinic.refuse('invalid_argument', 'on_conflict must be reject or cancel.');
  end if;
  v_during := tstzrange(v_starts_at, v_ends_at);
  v_in_the_way := clinic.describe_appointments(array(
    select o.id from clinic.occupancy as o
    where o.dentist_id = any (v_dentist_ids) and o.during && v_during and o.cause = 'appointment'
  ));
  if v_in_the_way <> '[]' and add_time_off.on_conflict = 'reject' and add_time_off.dry_run is not true then
    perform clinic.refuse('appointments_in_the_way', details => clinic.without_names(v_in_the_way)::text);
  end if;
  -- A dry run does the very same and takes it back.
  begin
    -- The reason is the staff's: what patients are told says nothing of it.
    perform clinic.clear_calendar(v_dentist_ids, v_during, 'The dentist is away.');
    if add_time_off.dentist_id is null then
      insert into clinic.closures (clinic_id, during, reason) values (add_time_off.clinic_id, v_during, v_reason)
      returning id into v_closure_id;
    end if;
    v_result := jsonb_build_object(
      'closure_id', v_closure_id,
      'time_off', clinic.insert_time_off(add_time_off.clinic_id, v_dentist_ids, v_during, v_reason, v_closure_id),
      'appointments', v_in_the_way, 'on_conflict', add_time_off.on_conflict,
      'dry_run', coalesce(add_time_off.dry_run, false)
    );
    if add_time_off.dry_run then
      raise sqlstate 'CTDRY';
    end if;
  exception
    when sqlstate 'CTDRY' then null;
  end;
  return v_result;
end
$$;
grant execute on function clinic.add_time_off to anon, authenticated, service_role;

create function api.add_time_off(
  clinic_id uuid,
  starts_at text,
  ends_at text,
  dentist_id uuid default null,
  reason text default null,
  on_conflict text default 'reject',
  dry_run boolean default false
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.add_time_off(clinic_id, starts_at, ends_at, dentist_id, reason, on_conflict, dry_run);
end
$$;
comment on function api.add_time_off is
'Takes a dentist, or without dentist_id the whole clinic (admins), off the calendar. A closed clinic binds whoever is
hired or comes back later, too. Appointments in the way refuse it (on_conflict "reject")
or are cancelled ("cancel"), without telling patients the reason; holds are released. Returns {closure_id, time_off: [{id, dentist_id, starts_at, ends_at, reason, closure_id}], appointments: those in the
way, on_conflict, dry_run}. With dry_run nothing changes and nothing is refused for appointments in the way.
Errors: not_authenticated, forbidden, not_found, invalid_argument, appointments_in_the_way (details: which, as JSON).';
grant execute on function api.add_time_off to anon, authenticated, service_role;

create function clinic.remove_closure(closure_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_closure clinic.closures;
begin
  select * into v_closure from clinic.closures as c where c.id = remove_closure.closure_id;
  if not found then
    return false;
  end if;
  perform clinic.time_off_dentists(v_closure.clinic_id, null);
  delete from clinic.closures as c where c.id = v_closure.id;
  return found;
end
$$;
comment on function clinic.remove_closure is 'Opens the clinic again for a caller who may: all time off of this closure goes with it. False if there is none.';

create function clinic.remove_time_off(time_off_id uuid)
returns boolean
language plpgsql
volatile
security definer -- edits calendars for a caller it has checked
set search_path = ''
as $$
declare
  v_time_off clinic.time_off;
begin
  perform clinic.require_user();
  perform clinic.required(remove_time_off.time_off_id, 'time_off_id');
  if clinic.remove_closure(remove_time_off.time_off_id) then
    return true;
  end if;
  select * into v_time_off from clinic.time_off as t where t.id = remove_time_off.time_off_id;
  if not found then
    perform clinic.refuse('not_found', 'There is no such time off.');
  end if;
  -- Only an admin lets somebody work while the clinic is closed.
  perform clinic.require_calendar(
    v_time_off.clinic_id, case when v_time_off.closure_id is null then v_time_off.dentist_id end
  );
  perform clinic.lock_dentists(v_time_off.dentist_id);
  delete from clinic.time_off as t where t.id = v_time_off.id;
  return found;
end
$$;
grant execute on function clinic.remove_time_off to anon, authenticated, service_role;

create function api.remove_time_off(time_off_id uuid)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.remove_time_off(time_off_id);
end
$$;
comment on function api.remove_time_off is
'Puts the time back on the calendar, but for what a closure of the clinic takes; true if it was off until now. With a closure_id, opens
the whole clinic again, but for those who are off by themselves. Errors: not_authenticated, forbidden, not_found, invalid_argument.';
grant execute on function api.remove_time_off to anon, authenticated, service_role;
