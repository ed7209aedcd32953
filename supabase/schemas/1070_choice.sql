-- Choice: who leads where anybody would do, and what else there is where a slot is taken.

-- Who leads, where any would do ----------------------------------------------------------------------------------------

create function clinic.leader_load(policy clinic.clinics, dentist_id uuid, starts_at timestamptz)
returns table (minutes numeric, last_booked_at timestamptz)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_day tstzrange := clinic.day_span((leader_load.starts_at at time zone policy.time_zone)::date, policy.time_zone);
begin
  return query
    with held as materialized (
      select r.starts_at, r.ends_at, r.created_at from clinic.slot_reservations as r
      where
        r.dentist_id = leader_load.dentist_id and r.clinic_id = policy.id
        and r.outcome is null and r.expires_at > clock_timestamp()
    )

    select
      coalesce(sum(extract(epoch from v.ends_at - v.starts_at)) / 60, 0),
      greatest(
        (
          select max(a.created_at) from clinic.appointments as a
          where a.dentist_id = leader_load.dentist_id and a.clinic_id = policy.id
        ),
        (select max(h.created_at) from held as h)
      )
    from (
      select a.starts_at, a.ends_at from clinic.appointments as a
      where
        a.dentist_id = leader_load.dentist_id and a.clinic_id = policy.id
        and a.starts_at >= lower(v_day) and a.starts_at < upper(v_day) and a.status in ('booked', 'checked_in', 'fulfilled')
      union all
      select h.starts_at, h.ends_at from held as h where h.starts_at >= lower(v_day) and h.starts_at < upper(v_day)
    ) as v;
end
$$;
comment on function clinic.leader_load is
'How much this leader has booked on the clinic''s day of that instant, and when they were last booked for whatever day; holds included.';

create function clinic.choose_leader(
  bookable clinic.bookable, slot clinic.slot_reservations, as_of timestamptz, is_staff boolean, except_claims uuid [] default '{}',
  may_have_begun boolean default false
)
returns clinic.slot_reservations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_leader clinic.leader;
begin
  select l.dentist_id, l.duration into v_leader
  from unnest(bookable.leaders) as l
  cross join lateral clinic.leader_load(bookable.policy, l.dentist_id, slot.starts_at) as load
  cross join lateral clinic.judge_slot(
    bookable, clinic.led_by(slot, l), choose_leader.as_of, choose_leader.is_staff, choose_leader.except_claims,
    choose_leader.may_have_begun
  ) as code
  -- Nobody is free: the refusal is that of who comes nearest.
  order by
    code is not null, array_position('{patient_busy,slot_taken,day_full,off_grid,outside_working_hours}', code),
    -- Not who could never lead it, being the only one there is for another part.
    case when code = 'slot_taken' and slot.parts <> '{}' then not clinic.ever_fits(
      slot.clinic_id, slot.parts, clinic.claims(clinic.led_by(slot, l)), slot.starts_at
    ) end,
    load.minutes, load.last_booked_at nulls first, l.dentist_id
  limit 1;
  return clinic.led_by(slot, v_leader);
end
$$;
comment on function clinic.choose_leader is
'The slot with the leader who is free then: who has the fewest booked minutes that day, then who was not booked for longest. If nobody is, with
one who is not.';

create function clinic.led_by(slot clinic.slot_reservations, leader clinic.leader)
returns clinic.slot_reservations
language plpgsql
immutable
set search_path = ''
as $$
begin
  slot.dentist_id := leader.dentist_id;
  slot.ends_at := slot.starts_at + leader.duration;
  slot.assigned := 'any';
  return slot;
end
$$;
comment on function clinic.led_by is 'The same visit, led by this one, who was not named.';


-- Refusals --------------------------------------------------------------------------------------------------------------

create function clinic.alternatives(
  bookable clinic.bookable, slot clinic.slot_reservations, as_of timestamptz, is_staff boolean
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_policy clinic.clinics := bookable.policy;
  v_day date := slot.starts_at at time zone v_policy.time_zone;
  v_colleagues clinic.bookable := bookable;
  v_appointment clinic.appointments;
begin
  select * into v_appointment from clinic.appointments as a where a.id = slot.id;
  if found then
    v_colleagues := clinic.movable(v_appointment, case when is_staff then 'admin' else 'patient' end);
  else
    v_colleagues.leaders := clinic.leaders(bookable.type);
  end if;
  v_colleagues.leaders := array(
    select l from unnest(v_colleagues.leaders) as l where slot.assigned = 'named' and l.dentist_id <> slot.dentist_id
  );
  return (
    select coalesce(jsonb_agg(
      jsonb_build_object('dentist_id', near.dentist_id, 'starts_at', near.starts_at, 'ends_at', near.ends_at)
      || case when near.is_other then '{"other_dentist": true}' else '{}' end::jsonb
      order by near.distance, near.is_other, near.starts_at, near.dentist_id
    ), '[]')
    from (
      select
        j.dentist_id, j.starts_at, j.ends_at, j.is_other, abs(extract(epoch from j.starts_at - slot.starts_at)) as distance
      from (
        select distinct j.*, false as is_other
        from clinic.judge_slots(bookable, slot, v_day, v_day + 6, alternatives.as_of, alternatives.is_staff) as j
        where j.code is null
        union all
        (
          select j.*, true
          from clinic.judge_slots(v_colleagues, slot, v_day, v_day, alternatives.as_of, alternatives.is_staff) as j
          where j.code is null and j.starts_at = slot.starts_at
          order by j.dentist_id
          limit 1 -- the others are to be with who was asked for
        )
      ) as j
      order by distance, j.is_other, j.starts_at, j.dentist_id
      limit 3
    ) as near
  );
end
$$;
comment on function clinic.alternatives is
'Up to three free slots, nearest first, from that day on for a week, with who was asked for, or with anybody if nobody was:
[{dentist_id, starts_at, ends_at}]; one of them may be the same time with somebody else, marked other_dentist.';

create function clinic.require_slot(
  bookable clinic.bookable, slot clinic.slot_reservations, as_of timestamptz, is_staff boolean, may_have_begun boolean default false
)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_code text := clinic.judge_slot(bookable, slot, as_of, is_staff, '{}', may_have_begun);
begin
  if v_code = 'slot_taken' then
    if is_staff and clinic.take_offers(bookable, slot, as_of, may_have_begun) then
      return;
    end if;
    perform clinic.refuse(
      v_code, details => clinic.alternatives(bookable, slot, as_of, is_staff)::text, clinic_id => slot.clinic_id
    );
  elsif v_code is not null then
    perform clinic.refuse(v_code, clinic_id => slot.clinic_id);
  end if;
end
$$;
comment on function clinic.require_slot is 'Passes a slot that may be booked; otherwise refuses with the judge''s code. For staff what is only offered to the waiting list makes room. Call it under
the locks.';
