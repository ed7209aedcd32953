-- Chatbot, finding: a few free times, well apart, each behind a token.

create function clinic.spread_slots(
  bookable clinic.bookable, policy clinic.clinics, from_day date, hours int4range, same_day boolean, max_results integer
)
returns setof api.slot
language sql
volatile
set search_path = ''
as $$
  with free as (
    -- One dentist a start, and not always the same one.
    select distinct on (j.starts_at)
      j.dentist_id, j.starts_at, j.ends_at, (j.starts_at at time zone policy.time_zone)::date as day
    from clinic.judge_slots(
      spread_slots.bookable,
      clinic.slot(spread_slots.bookable, (spread_slots.bookable).leaders[1], clock_timestamp(), clinic.my_patient(policy.id)),
      spread_slots.from_day, spread_slots.from_day + 27, clock_timestamp(), false
    ) as j
    where
      j.code is null
      and spread_slots.hours @> extract(hour from j.starts_at at time zone policy.time_zone)::integer
    order by j.starts_at, hashtext(j.dentist_id::text || j.starts_at::text)
  ),

  placed as (
    -- Each day in as many stretches as there may be offers; the first start of each stretch stands for it.
    select
      f.dentist_id, f.starts_at, f.ends_at,
      dense_rank() over (order by f.day) - 1 as nth_day,
      (row_number() over (partition by f.day order by f.starts_at) - 1)
      * spread_slots.max_results / count(*) over (partition by f.day) as stretch
    from free as f
  ),

  firsts as (
    select distinct on (p.nth_day, p.stretch) p.* from placed as p
    order by p.nth_day, p.stretch, p.starts_at
  ),

  chosen as (
    -- A date was said: that day, all over. None was: day after day, each at another time.
    select f.* from firsts as f
    order by
      case when same_day then 0 else mod(f.stretch - f.nth_day % max_results + max_results, max_results) end,
      f.nth_day, f.stretch
    limit spread_slots.max_results
  )

  select c.dentist_id, c.starts_at, c.ends_at from chosen as c
  order by c.starts_at;
$$;
comment on function clinic.spread_slots is
'A few free slots of the four weeks from from_day, well apart: over the first day that has any (same_day), or over days and times.';

create function clinic.insert_offers(policy clinic.clinics, type clinic.appointment_types, slots api.slot [])
returns jsonb
language sql
volatile
set search_path = ''
as $$
  with drawn as materialized (
    select s.*, replace(gen_random_uuid()::text, '-', '') as token, clock_timestamp() + interval '15 minutes' as expires_at
    from unnest(insert_offers.slots) as s
  ),

  stored as (
    insert into clinic.slot_offers (
      token_hash, clinic_id, dentist_id, appointment_type_id, starts_at, ends_at, offered_to, expires_at
    )
    select
      sha256(convert_to(d.token, 'UTF8')), policy.id as clinic_id, d.dentist_id, type.id as type_id, d.starts_at, d.ends_at, auth.uid(),
      d.expires_at
    from drawn as d
  )

  select coalesce(jsonb_agg(
    jsonb_build_object('offer', d.token, 'offer_expires_at', d.expires_at)
    || clinic.describe_slot(policy, type.id, d.dentist_id, d.starts_at, d.ends_at)
    order by d.starts_at
  ), '[]')
  from drawn as d;
$$;
comment on function clinic.insert_offers is 'Stores an offer for each slot and returns them, each with its token: the only time it is told.';


create function clinic.require_new_offers(policy clinic.clinics, number integer)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_open integer;
begin
  perform clinic.lock_login();
  select count(*) into v_open from clinic.slot_offers as o
  where o.offered_to = auth.uid() and o.clinic_id = policy.id and o.expires_at > clock_timestamp();
  if v_open + number > policy.max_offers then
    perform clinic.refuse(
      'reservation_limit', 'You have as many open offers as the clinic permits.',
      hint => 'Use one of them, or ask again in a quarter of an hour.', clinic_id => policy.id
    );
  end if;
end
$$;
comment on function clinic.require_new_offers is 'Passes a login that has so many offers to spare; otherwise reservation_limit.';


-- Find ---------------------------------------------------------------------------------------------------------------

create function clinic.chatbot_answer(status text, message text, clinic jsonb, offers jsonb, candidates jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'status', status, 'message', message, 'clinic', clinic, 'offers', offers, 'candidates', candidates,
    'server_now', clock_timestamp()
  );
$$;
comment on function clinic.chatbot_answer is 'What chatbot_find_slots returns.';

create function clinic.ask_back(what text, resolved jsonb, clinic jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select clinic.chatbot_answer(
    'choose_' || what,
    format(
      case
        when resolved -> 'is_known' = 'true' then 'More than one %s fits. Ask which.'
        when resolved ->> 'other' is not null then '%2$s does not do this. Ask which.'
        else 'No %s has this name. Ask which.'
      end,
      what, resolved ->> 'other'
    ),
    ask_back.clinic, '[]', resolved -> 'candidates'
  );
$$;
comment on function clinic.ask_back is 'The answer to a name that is unknown or ambiguous, or whose bearer (other) does not do it: the candidates.';

create function clinic.first_day(policy clinic.clinics, from_date text)
returns date
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_today date := (clock_timestamp() at time zone policy.time_zone)::date;
  v_last date := (clinic.later(clock_timestamp(), policy.booking_horizon) at time zone policy.time_zone)::date;
  v_day date := case when from_date is null then v_today else clinic.required_day(first_day.from_date, 'from_date') end;
begin
  -- A day of grace: the caller may live where it is still yesterday.
  if v_day < v_today - 1 then
    perform clinic.refuse('in_the_past', hint => format('At the clinic it is %s. Ask for that day or a later one.', v_today));
  elsif v_day > v_last then
    perform clinic.refuse('beyond_horizon', hint => format('The last day that can be booked is %s.', v_last));
  end if;
  return greatest(v_day, v_today);
end
$$;
comment on function clinic.first_day is 'The clinic''s day to search from; today when none was said. Errors: invalid_argument, in_the_past, beyond_horizon.';

create function clinic.offer_slots(
  policy clinic.clinics, summary jsonb, type_id uuid, dentist_id uuid, from_date text, part_of_day text, max_results integer
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_bookable clinic.bookable := clinic.bookable(offer_slots.type_id, offer_slots.dentist_id);
  v_type clinic.appointment_types := v_bookable.type;
  v_from date := clinic.first_day(v_bookable.policy, offer_slots.from_date);
  v_hours int4range := clinic.hours_of(offer_slots.part_of_day);
  v_slots api.slot [];
begin
  if (offer_slots.max_results between 1 and 10) is not true then
    perform clinic.refuse('invalid_argument', 'max_results must be between 1 and 10.');
  end if;
  v_slots := array(
    select s from clinic.spread_slots(
      v_bookable, v_bookable.policy, v_from, v_hours, offer_slots.from_date is not null, offer_slots.max_results
    ) as s
  );
  perform clinic.require_new_offers(policy, cardinality(v_slots));
  return case
    when v_slots = '{}' then clinic.chatbot_answer(
      'nothing_free', format('Nothing is free for this from %s to %s. Try another day, part of day or dentist.', v_from, v_from + 27),
      summary, '[]', '[]'
    )
    else clinic.chatbot_answer('offers', 'Say the labels and ask which one to hold.', summary, clinic.insert_offers(policy, v_type, v_slots), '[]')
  end;
end
$$;
comment on function clinic.offer_slots is 'The offers, once it is clear what is wanted.';

create function clinic.meant(clinic_slug text, service text, dentist text)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_slug text := clinic.required(clinic.clean_line(meant.clinic_slug, 'clinic_slug', 200), 'clinic_slug');
  v_said_dentist text := nullif(clinic.plain_name(clinic.clean_line(meant.dentist, 'dentist', 200)), '');
  v_clinic clinic.clinics;
  v_summary jsonb;
  v_service jsonb;
  v_dentist jsonb;
begin
  select * into v_clinic from clinic.clinics as c where c.slug = lower(v_slug);
  if not found then
    return jsonb_build_object('question', clinic.ask_back('clinic', (
      select clinic.resolve_name(v_slug, array_agg(c.id), array_agg(c.slug)) || '{"is_known": false}' from clinic.clinics as c
    ), null));
  end if;
  v_service := clinic.resolve_service(v_clinic.id, clinic.clean_line(meant.service, 'service', 200));
  v_dentist := clinic.resolve_dentist(v_clinic.id, (v_service ->> 'id')::uuid, v_said_dentist);
  v_summary := jsonb_build_object(
    'id', v_clinic.id, 'slug', v_clinic.slug, 'name', v_clinic.name, 'time_zone', v_clinic.time_zone,
    'today', (clock_timestamp() at time zone v_clinic.time_zone)::date,
    'services', clinic.resolve_service(v_clinic.id, null) -> 'candidates'
  );
  if v_service ->> 'id' is null then
    return jsonb_build_object('question', clinic.ask_back('service', v_service, v_summary));
  elsif v_said_dentist is not null and v_dentist ->> 'id' is null then
    return jsonb_build_object('question', clinic.ask_back(
      'dentist', v_dentist || jsonb_build_object('other', clinic.other_dentist(v_clinic.id, v_said_dentist)), v_summary
    ));
  end if;
  return jsonb_build_object(
    'clinic_id', v_clinic.id, 'clinic', v_summary, 'type_id', v_service ->> 'id',
    'dentist_id', case when v_said_dentist is not null then v_dentist ->> 'id' end
  );
end
$$;
comment on function clinic.meant is
'What was said, as {clinic_id, clinic (its summary), type_id, dentist_id (null: anybody)}; or {question}: the answer that asks which is meant.';

create function clinic.chatbot_find_slots(
  clinic_slug text, service text, dentist text, from_date text, part_of_day text, max_results integer
)
returns jsonb
language plpgsql
volatile
security definer -- reads the ledger and writes offers; answers with free time only
set search_path = ''
as $$
declare
  v_user_id uuid := clinic.require_user();
  v_meant jsonb := clinic.meant(chatbot_find_slots.clinic_slug, chatbot_find_slots.service, chatbot_find_slots.dentist);
  v_clinic clinic.clinics;
begin
  if v_meant ? 'question' then
    return v_meant -> 'question';
  end if;
  select * into v_clinic from clinic.clinics as c where c.id = (v_meant ->> 'clinic_id')::uuid;
  return clinic.offer_slots(
    v_clinic, v_meant -> 'clinic', (v_meant ->> 'type_id')::uuid, (v_meant ->> 'dentist_id')::uuid,
    chatbot_find_slots.from_date, chatbot_find_slots.part_of_day, chatbot_find_slots.max_results
  );
end
$$;
grant execute on function clinic.chatbot_find_slots to anon, authenticated, service_role;

create function api.chatbot_find_slots(
  clinic_slug text,
  service text default null,
  dentist text default null,
  from_date text default null,
  part_of_day text default null,
  max_results integer default 3
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.chatbot_find_slots(clinic_slug, service, dentist, from_date, part_of_day, max_results);
end
$$;
comment on function api.chatbot_find_slots is
'Free times as a few offers, for a conversation. Service and dentist as people say them; no service means the shortest, no dentist any;
from_date and part_of_day (morning, afternoon, evening) by the clinic''s clock; max_results 1 to 10. Returns {status, message, clinic, offers,
candidates, server_now}: status is offers, nothing_free, or choose_clinic, choose_service, choose_dentist with candidates [{id, name}] to ask
about. An offer has its token (offer, offer_expires_at), a label, and language-neutral fields.
Errors: not_authenticated, invalid_argument, in_the_past, beyond_horizon, reservation_limit (too many open offers).';
grant execute on function api.chatbot_find_slots to anon, authenticated, service_role;
