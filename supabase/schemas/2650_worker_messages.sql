-- Sending: the worker asks for what is due, and says what became of it. Truth is judged when a lease is given.

create table clinic.message_totals (
  kind text not null,
  channel text not null,
  outcome text not null,
  total bigint not null,
  constraint message_totals_pkey primary key (kind, channel, outcome)
);
comment on table clinic.message_totals is
'How many messages ended how, ever: sent, failed, unknown, retried, or skipped_ and the reason. Counted in the transaction in which a worker ends them: not those that a
change of a visit or of the rules skipped before, for those changes would wait for each other.';
alter table clinic.message_totals enable row level security;

create policy message_totals_are_for_the_service on clinic.message_totals
  for select to service_role
  using (true);
grant select on clinic.message_totals to service_role;

create function clinic.count_ends(lost clinic.messages [], ids uuid [])
returns void
language sql
volatile
set search_path = ''
as $$
  -- In one order, once all is done: who counts beside this one waits, but never the other way round, too.
  insert into clinic.message_totals as t (kind, channel, outcome, total)
  select e.kind, e.channel, e.outcome, count(*)
  from (
    select l.kind, l.channel, 'unknown' as outcome from unnest(count_ends.lost) as l
    union all
    select m.kind, m.channel, 'skipped_' || m.reason from clinic.messages as m
    where m.id = any (count_ends.ids) and m.state = 'skipped'
  ) as e
  group by e.kind, e.channel, e.outcome
  order by e.kind, e.channel, e.outcome
  on conflict on constraint message_totals_pkey do update set total = t.total + excluded.total;
$$;
comment on function clinic.count_ends is 'Counts those that were lost, and of the others those that were skipped.';

create function clinic.count_message(message clinic.messages, outcome text)
returns void
language sql
volatile
set search_path = ''
as $$
  insert into clinic.message_totals as t (kind, channel, outcome, total)
  values (message.kind, message.channel, count_message.outcome, 1)
  on conflict on constraint message_totals_pkey do update set total = t.total + 1;
$$;
comment on function clinic.count_message is 'Counts an end of a message.';


-- Of one lease there is one message; planned rows were never leased, mostly.
create index messages_lease_idx on clinic.messages (lease_id) where lease_id is not null;


-- Truth ----------------------------------------------------------------------------------------------------------------

create function clinic.quiet_ends_at(message clinic.messages, as_of timestamptz)
returns timestamptz
language plpgsql
stable
set search_path = ''
as $$
declare
  v_clinic clinic.clinics;
  v_now timestamp;
begin
  select * into v_clinic from clinic.clinics as c where c.id = message.clinic_id;
  v_now := as_of at time zone v_clinic.time_zone;
  if
    -- A letter about what somebody has just done wakes nobody, nor does an answer to who is awake.
    message.kind in ('answer', 'test') or message.channel = 'email' and message.kind in ('booked', 'moved', 'cancelled')
    or not (case
      when v_clinic.quiet_from <= v_clinic.quiet_until then v_now::time >= v_clinic.quiet_from and v_now::time < v_clinic.quiet_until
      else v_now::time >= v_clinic.quiet_from or v_now::time < v_clinic.quiet_until
    end)
  then
    return null;
  end if;
  return clinic.wall_instant(
    v_now::date + (v_now::time >= v_clinic.quiet_until)::integer + v_clinic.quiet_until, v_clinic.time_zone
  );
end
$$;
comment on function clinic.quiet_ends_at is 'When a message may be sent that nobody should be woken for now; null: now.';

create function clinic.is_superseded(message clinic.messages, as_of timestamptz)
returns boolean
language plpgsql
stable
set search_path = ''
as $$
begin
  return message.kind = 'reminder' and exists (
    select from clinic.messages as o
    where
      o.clinic_id = message.clinic_id and o.patient_id = message.patient_id and o.appointment_id = message.appointment_id
      and o.channel = message.channel and o.id <> message.id
      and o.starts_at = message.starts_at and o.state <> all ('{skipped,failed}')
      and case o.kind
        -- Of several that are due the one closest to the visit says it all.
        when 'reminder' then o.due_at > message.due_at and o.due_at <= as_of
        -- Who has just been told when to come, is not reminded of it.
        else o.kind in ('booked', 'moved') and o.due_at >= message.due_at
      end
  );
end
$$;
comment on function clinic.is_superseded is 'Whether another message through the same channel says what this reminder would.';

create function clinic.stopped_since(message clinic.messages)
returns boolean
language sql
stable
set search_path = ''
as $$
  select exists (
    select from clinic.stops(message.clinic_id, message.channel, message.address) as s where s.stopped_at > message.created_at
  );
$$;
comment on function clinic.stopped_since is 'Whether who is answered wants nothing more, since the answer was planned. That a STOP has worked is told after it.';

create function clinic.why_not(message clinic.messages, visit clinic.appointments, recipient clinic.recipient, as_of timestamptz)
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return case
    when message.kind in ('answer', 'test') then
      case when message.due_at < as_of - interval '1 day' then 'late' when recipient.is_stopped then 'opted_out' end
    when message.kind = 'recall' then clinic.why_no_recall(message, recipient, as_of)
    when message.appointment_id is not null and visit.id is null then 'gone'
    when message.kind = 'cancelled' and visit.status <> 'cancelled' then 'replaced'
    when message.kind <> 'cancelled' and visit.status = 'cancelled' then 'cancelled'
    when visit.starts_at <> message.starts_at then 'moved'
    when message.starts_at <= as_of or message.kind <> 'cancelled' and visit.status <> 'booked' then 'over'
    when message.kind <> 'reminder' and message.due_at < as_of - interval '1 day' then 'late'
    when clinic.is_superseded(message, as_of) then 'superseded'
    when recipient.address is null then 'no_contact'
    when recipient.is_stopped then 'opted_out'
  end;
end
$$;
comment on function clinic.why_not is 'Why a message is not sent any more (see messages.reason); null: it is true, and wanted.';


-- What is handed out ---------------------------------------------------------------------------------------------------

create type clinic.envelope as (
  lease_id uuid,
  message_id uuid,
  attempt integer,
  leased_until timestamptz,
  clinic_id uuid,
  kind text,
  channel text,
  locale text,
  is_rtl boolean,
  address text,
  subject text,
  body text,
  link text,
  sender_name text,
  reply_to text,
  calendar jsonb
);
comment on type clinic.envelope is
'A message to send now. message_id is the idempotency key; calendar, of a visit: {uid, sequence, method (REQUEST or CANCEL), starts_at, ends_at,
summary, location, organizer}, for an iCalendar part (RFC 5546) that updates in place.';

create function clinic.calendar_of(visit clinic.appointments, kind text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'uid', visit.id, 'sequence', visit.version, 'method', case calendar_of.kind when 'cancelled' then 'CANCEL' else 'REQUEST' end,
    'starts_at', visit.starts_at, 'ends_at', visit.ends_at, 'summary', t.name || ', ' || c.name, 'location', c.address, 'organizer', c.email
  )
  from clinic.clinics as c
  inner join clinic.appointment_types as t on c.id = t.clinic_id and t.id = visit.appointment_type_id
  where c.id = visit.clinic_id and calendar_of.kind in ('booked', 'moved', 'cancelled', 'reminder');
$$;
comment on function clinic.calendar_of is 'The visit as an entry of its patient''s calendar.';

create function clinic.envelope(message clinic.messages, visit clinic.appointments, site_url text)
returns clinic.envelope
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_envelope clinic.envelope;
  v_wording clinic.wording := row(message.subject, message.body)::clinic.wording;
begin
  v_envelope.lease_id := message.lease_id;
  v_envelope.message_id := message.id;
  v_envelope.attempt := message.attempts;
  v_envelope.leased_until := message.next_at;
  v_envelope.clinic_id := message.clinic_id;
  v_envelope.kind := message.kind;
  v_envelope.channel := message.channel;
  v_envelope.locale := message.locale;
  v_envelope.address := message.address;
  if message.body is null then
    v_envelope.link := clinic.link_url(envelope.site_url, clinic.make_link(message, visit));
    v_wording := clinic.fill_in(
      clinic.wording(message.clinic_id, message.kind, message.channel, message.locale),
      case message.kind
        when 'recall' then clinic.recall_to_say(message, v_envelope.link)
        else clinic.what_to_say(visit, message.locale, v_envelope.link)
      end
    );
    v_envelope.calendar := clinic.calendar_of(visit, message.kind);
  end if;
  v_envelope.subject := v_wording.subject;
  v_envelope.body := v_wording.body;
  select c.name, c.email, l.is_rtl into v_envelope.sender_name, v_envelope.reply_to, v_envelope.is_rtl
  from clinic.clinics as c
  left join clinic.locales as l on l.locale = message.locale
  where c.id = message.clinic_id;
  return v_envelope;
end
$$;
comment on function clinic.envelope is 'A leased message in its words, with a link of its own.';

create function clinic.lock_offered_visit(message clinic.messages)
returns clinic.appointments
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_offer clinic.slot_reservations;
begin
  select r.* into v_offer
  from clinic.slot_reservations as r
  inner join clinic.patients as p on r.patient_id = p.id and r.clinic_id = p.clinic_id
  where r.id = message.appointment_id and r.clinic_id = message.clinic_id
  for key share skip locked;
  return case when v_offer.id is not null then clinic.offered_visit(v_offer) end;
end
$$;
comment on function clinic.lock_offered_visit is 'The visit that an offer would become, which a message tells of; null while somebody changes it.';

create function clinic.try_to_lease(message clinic.messages, site_url text, lifetime interval, as_of timestamptz)
returns clinic.envelope
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
  v_recipient clinic.recipient;
  v_why_not text;
  v_quiet_until timestamptz;
begin
  select a.* into v_visit
  from clinic.appointments as a
  inner join clinic.patients as p on a.patient_id = p.id and a.clinic_id = p.clinic_id
  where a.id = message.appointment_id and a.clinic_id = message.clinic_id
  -- As the keys of its link will; who is changing them waits for this message, so this does not wait for them.
  for key share skip locked;
  if message.kind = 'offer' then
    v_visit := clinic.lock_offered_visit(message);
  end if;
  if v_visit.id is null and message.kind = 'offer' and exists (
    select from clinic.slot_reservations as r where r.id = message.appointment_id and r.clinic_id = message.clinic_id
  ) or v_visit.id is null and exists (
    select from clinic.appointments as a where a.id = message.appointment_id and a.clinic_id = message.clinic_id
  ) then
    update clinic.messages as m set next_at = clock_timestamp() + interval '1 second' where m.id = message.id;
    return null;
  end if;
  message.patient_id := coalesce(v_visit.patient_id, message.patient_id);
  v_recipient := case
    when message.kind in ('answer', 'test') then row(message.address, message.locale, clinic.stopped_since(message))::clinic.recipient
    else clinic.recipient(message.patient_id, message.clinic_id, message.channel)
  end;
  v_why_not := clinic.why_not(message, v_visit, v_recipient, as_of);
  v_quiet_until := clinic.quiet_ends_at(message, as_of);
  if v_why_not is null and v_quiet_until >= message.starts_at then
    v_why_not := 'quiet_hours';
  end if;
  if v_why_not is not null then
    perform clinic.skip(array[message.id], v_why_not);
    return null;
  elsif v_quiet_until is not null then
    update clinic.messages as m set next_at = v_quiet_until where m.id = message.id;
    return null;
  end if;
  update clinic.messages as m
  set
    state = 'leased', lease_id = gen_random_uuid(), next_at = clock_timestamp() + try_to_lease.lifetime, attempts = m.attempts + 1,
    patient_id = message.patient_id, address = v_recipient.address, locale = v_recipient.locale, error = null
  where m.id = message.id
  returning * into message;
  return clinic.envelope(message, v_visit, try_to_lease.site_url);
end
$$;
comment on function clinic.try_to_lease is
'Leases a message that is due, if it is still true and wanted; otherwise skips it, or lets it wait: for the morning, or for who is changing its visit.';

create function clinic.give_up(message clinic.messages, may_repeat boolean)
returns boolean
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_gives_up boolean := not may_repeat or message.attempts >= 10 or message.due_at < clock_timestamp() - interval '1 day';
begin
  if message.state = 'leased' then
    update clinic.messages as m
    set state = 'unknown', in_doubt = true, error = 'Whoever was sending it was not heard of again.', next_at = case when not v_gives_up then m.next_at end
    where m.id = message.id;
  elsif v_gives_up then
    update clinic.messages as m set next_at = null where m.id = message.id;
  end if;
  return v_gives_up;
end
$$;
comment on function clinic.give_up is
'Of a message whose lease ran out nobody knows whether it arrived. True: it stays so, for its channel does not know a repeated key, or it was tried often.';

create function clinic.lease_messages(
  worker uuid, epoch bigint, channels text [], repeatable text [], max_messages integer, lifetime interval, site_url text
)
returns setof clinic.envelope
language plpgsql
volatile
security definer -- the worker's role reads no table; it gets what it has to send, and nothing else
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_message clinic.messages;
  v_envelope clinic.envelope;
  v_lost clinic.messages [];
  v_looked_at uuid [];
begin
  for v_message in
    select d.*
    from unnest(lease_messages.channels) as c (channel)
    cross join lateral (
      select m.* from clinic.messages as m
      where m.channel = c.channel and m.next_at <= v_now
      order by m.next_at
      limit lease_messages.max_messages
      for update skip locked
    ) as d
    order by d.next_at
    limit lease_messages.max_messages
  loop
    v_looked_at := v_looked_at || v_message.id;
    if v_message.state = 'leased' then
      v_lost := v_lost || v_message;
    end if;
    continue when v_message.state <> 'planned' and clinic.give_up(v_message, v_message.channel = any (lease_messages.repeatable));
    v_message.in_doubt := v_message.in_doubt or v_message.state = 'leased';
    v_envelope := clinic.try_to_lease(v_message, lease_messages.site_url, lease_messages.lifetime, v_now);
    if v_envelope.lease_id is not null then
      return next v_envelope;
    end if;
  end loop;
  perform clinic.count_ends(v_lost, v_looked_at);
  perform clinic.hold_lease(lease_messages.worker, lease_messages.epoch);
end
$$;
comment on function clinic.lease_messages is
'Messages to send now, at most so many, each leased for a while: who has one sends it at once, and says what became of it (settle_message). Rows that are not true
any more are skipped on the way, so fewer, or none, does not mean that nothing is left. Of channels that know a repeated key (repeatable), what nobody knows the end of is
sent again. Errors: CT001 when the epoch is over.';
grant execute on function clinic.lease_messages to chairtime_worker;

create function clinic.settle_message(
  lease_id uuid, outcome text, provider_ref text default null, error text default null, retry_after interval default null
)
returns boolean
language plpgsql
volatile
security definer -- writes the outbox, which the worker's role may not
set search_path = ''
as $$
declare
  v_message clinic.messages;
  v_outcome text := settle_message.outcome;
begin
  if (v_outcome = any ('{sent,retry,failed,unknown}')) is not true then
    perform clinic.refuse('invalid_argument', 'outcome must be sent, retry, failed or unknown.');
  end if;
  -- Whatever the epoch is by now: what happened, happened. Also when it was given up meanwhile, but not leased anew.
  select * into v_message from clinic.messages as m
  where m.lease_id = settle_message.lease_id and m.state in ('leased', 'unknown')
  for update;
  if not found then
    return false;
  elsif v_outcome = 'retry' and v_message.attempts >= 10 then
    v_outcome := 'failed';
  end if;
  if v_outcome = 'failed' and v_message.in_doubt and v_message.attempts > 1 then
    v_outcome := 'doubtful';
  end if;
  update clinic.messages as m
  set
    state = case v_outcome when 'retry' then 'planned' when 'doubtful' then 'unknown' else v_outcome end,
    -- One attempt, of which we know by now that it was not taken, leaves no doubt.
    in_doubt = v_outcome = 'unknown' or m.in_doubt and v_outcome <> 'sent' and m.attempts > 1,
    lease_id = case v_outcome when 'unknown' then m.lease_id end,
    error = left(settle_message.error, 500),
    provider_ref = left(coalesce(settle_message.provider_ref, m.provider_ref), 200),
    sent_at = case v_outcome when 'sent' then clock_timestamp() end,
    next_at = case
      when v_outcome in ('retry', 'unknown')
        then clock_timestamp() + greatest(least(coalesce(settle_message.retry_after, '0'), interval '1 day'), least(interval '15 seconds' * 2 ^ (m.attempts - 1), interval '1 hour'))
    end,
    -- What it said itself has been said.
    body = case v_outcome when 'sent' then null else m.body end,
    subject = case v_outcome when 'sent' then null else m.subject end
  where m.id = v_message.id;
  perform clinic.count_message(v_message, case v_outcome when 'retry' then 'retried' when 'doubtful' then 'failed' else v_outcome end);
  return true;
end
$$;
comment on function clinic.settle_message is
'What became of a leased message: sent; retry (it was not taken, later perhaps); failed (it never will be); unknown (perhaps it was). False when that is
known already. A retry waits longer each time, at least retry_after, and ends after ten attempts.';
grant execute on function clinic.settle_message to chairtime_worker;

create function clinic.next_message(channels text [])
returns timestamptz
language sql
volatile
security definer -- reads the outbox, which the worker's role may not
set search_path = ''
as $$
  select min(n.next_at)
  from unnest(next_message.channels) as c (channel)
  cross join lateral (
    select m.next_at from clinic.messages as m where m.next_at is not null and m.channel = c.channel order by m.next_at limit 1
  ) as n;
$$;
comment on function clinic.next_message is 'When there is something to do next for one of these channels; null if nothing is planned.';
grant execute on function clinic.next_message to chairtime_worker;

create function clinic.sweep_messages(max_rows integer default 1000)
returns integer
language plpgsql
volatile
security definer -- edits the outbox: the worker's task, and nobody else may execute this
set search_path = ''
as $$
declare
  v_message clinic.messages;
  v_swept uuid [];
  v_links integer;
begin
  -- What no sender ever asked for: its visit is over, or it is too late to say.
  for v_message in
    select l.* from clinic.messages as l
    where
      l.channel = any (clinic.message_channels()) and l.next_at < clock_timestamp() - interval '1 day' and l.state = 'planned'
      and (l.kind <> 'reminder' or l.starts_at < clock_timestamp())
    order by l.next_at
    limit sweep_messages.max_rows
    for update skip locked
  loop
    perform clinic.skip(array[v_message.id], 'late');
    v_swept := v_swept || v_message.id;
  end loop;
  perform clinic.count_ends('{}', v_swept);
  with gone as (
    delete from clinic.message_links as l
    where l.token_hash in (
    select old.token_hash from clinic.message_links as old
    where old.expires_at < clock_timestamp() - interval '30 days'
    order by old.expires_at limit sweep_messages.max_rows
    )
    returning l.message_id
  )

  update clinic.messages as m set address = null from gone where m.id = gone.message_id;
  get diagnostics v_links = row_count;
  delete from clinic.reply_questions as q where q.asked_at < clock_timestamp() - interval '1 day';
  return greatest(cardinality(v_swept), v_links);
end
$$;
comment on function clinic.sweep_messages is 'Skips what nobody sent in time, and forgets links that ended a month ago, to where they went, and questions that nobody answered.';
grant execute on function clinic.sweep_messages to chairtime_worker;


-- What comes back, and secrets -----------------------------------------------------------------------------------------

create function clinic.worker_receive_reply(sender text, message_ref text, phone text, body text)
returns jsonb
language plpgsql
volatile
security definer -- changes visits for who has the phone; the worker has verified the carrier's signature
set search_path = ''
as $$
begin
  return clinic.take_reply(
    worker_receive_reply.sender, worker_receive_reply.message_ref, worker_receive_reply.phone, worker_receive_reply.body
  );
end
$$;
comment on function clinic.worker_receive_reply is 'As api.receive_reply, for replies that came to the worker, signed.';
grant execute on function clinic.worker_receive_reply to chairtime_worker;

create function clinic.worker_secret(name text)
returns text
language plpgsql
stable
security definer -- reads Supabase's Vault, of which the worker gets its own secrets and no other
set search_path = ''
as $$
declare
  v_vault regclass := to_regclass('vault.decrypted_secrets');
  v_secret text;
begin
  if worker_secret.name !~ '^chairtime_[a-z_]+$' or v_vault is null then
    return null;
  end if;
  -- Not every database has it: a plain query could not be compiled.
  execute format('select s.decrypted_secret from %s as s where s.name = $1 order by s.updated_at desc limit 1', v_vault)
    into v_secret using worker_secret.name;
  return v_secret;
end
$$;
comment on function clinic.worker_secret is
'A secret of the worker (chairtime_…) from Supabase''s Vault; null where it has none, or where there is no Vault.';
grant execute on function clinic.worker_secret to chairtime_worker;
