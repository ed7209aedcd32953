-- What a clinic sends, and in whose words: rules, templates, previews and tests, for its admins.

create view api.message_rules
with (security_invoker = true) as
  select
    r.id,
    r.clinic_id,
    r.kind,
    r.channel,
    r.lead
  from clinic.message_rules as r;
comment on view api.message_rules is
'What a clinic sends by itself, for its admins and receptionists: kind (booked, moved, cancelled, reminder, recall, offer), channel (email, sms) and, of
reminders, how long before the visit (lead).';
grant select on api.message_rules to authenticated, service_role;

create view api.message_templates
with (security_invoker = true) as
  select
    t.clinic_id,
    t.kind,
    t.channel,
    t.locale,
    t.subject,
    t.body
  from clinic.message_templates as t;
comment on view api.message_templates is 'A clinic''s own words, for its admins and receptionists; where it has none, those of message_defaults hold.';
grant select on api.message_templates to authenticated, service_role;

create view api.message_defaults
with (security_invoker = true) as
  select
    d.kind,
    d.channel,
    d.locale,
    d.subject,
    d.body
  from clinic.message_defaults as d;
comment on view api.message_defaults is 'The words of messages where a clinic has none of its own, by kind, channel and language. Public.';
grant select on api.message_defaults to anon, authenticated, service_role;

create function clinic.required_kind(kind text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  if (required_kind.kind = any (clinic.message_kinds())) is not true then
    perform clinic.refuse('invalid_argument', 'kind must be one of ' || array_to_string(clinic.message_kinds(), ', ') || '.');
  end if;
  return required_kind.kind;
end
$$;
comment on function clinic.required_kind is 'The kind of message, or invalid_argument.';

create function clinic.required_channel(channel text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  if (required_channel.channel = any (clinic.message_channels())) is not true then
    perform clinic.refuse('invalid_argument', 'channel must be one of ' || array_to_string(clinic.message_channels(), ', ') || '.');
  end if;
  return required_channel.channel;
end
$$;
comment on function clinic.required_channel is 'The channel, or invalid_argument.';

create function clinic.parse_rules(rules jsonb)
returns setof clinic.message_rules
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_rule jsonb;
  v_row clinic.message_rules;
begin
  if jsonb_typeof(rules) is distinct from 'array' or jsonb_array_length(rules) > 40 then
    perform clinic.refuse('invalid_argument', 'rules must be an array of at most 40.', hint => '[{"kind": "reminder", "channel": "sms", "lead": "1 day"}]');
  end if;
  for v_rule in select r.value from jsonb_array_elements(parse_rules.rules) as r loop
    v_row.kind := clinic.required_kind(v_rule ->> 'kind');
    v_row.channel := clinic.required_channel(v_rule ->> 'channel');
    v_row.lead := clinic.span_of(v_rule ->> 'lead', 'lead');
    if v_row.kind = 'reminder' and v_row.lead is null or v_row.kind <> 'reminder' and v_row.lead <> '0' then
      perform clinic.refuse('invalid_argument', 'A reminder, and nothing else, has a lead: how long before the visit.');
    end if;
    v_row.lead := coalesce(v_row.lead, '0');
    return next v_row;
  end loop;
end
$$;
comment on function clinic.parse_rules is 'The rules that an array names: kind, channel, lead. Errors: invalid_argument.';

create function clinic.skip_for_rules(rules clinic.message_rules [])
returns void
language sql
volatile
set search_path = ''
as $$
  select clinic.skip(array(
    select m.id
    from clinic.messages as m
    inner join unnest(skip_for_rules.rules) as r on m.clinic_id = r.clinic_id and m.channel = r.channel and m.kind = r.kind
    where m.kind = 'reminder' and m.state = 'planned' and m.due_at > clock_timestamp() and m.due_at = clinic.later(m.starts_at, -r.lead)
    for update of m
  ), 'rule_removed');
$$;
comment on function clinic.skip_for_rules is 'Skips the reminders that these rules planned, and that are not due yet.';

create function clinic.plan_for_rules(rules clinic.message_rules [])
returns void
language sql
volatile
set search_path = ''
as $$
  insert into clinic.messages (id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, next_at)
  select
    md5(r.id || ':' || a.id || ':' || a.version)::uuid, a.clinic_id, a.patient_id, a.id, r.kind, r.channel, a.starts_at, w.due_at, w.due_at as next_at
  from unnest(plan_for_rules.rules) as r
  inner join clinic.appointments as a on r.clinic_id = a.clinic_id and a.starts_at > clock_timestamp() and a.status = 'booked'
  cross join lateral (select clinic.later(a.starts_at, -r.lead) as due_at) as w
  where r.kind = 'reminder' and w.due_at > clock_timestamp()
  on conflict on constraint messages_pkey do nothing;
$$;
comment on function clinic.plan_for_rules is 'Plans the reminders of new rules for the visits that are booked already, where there is time for them.';

create function clinic.set_message_rules(clinic_id uuid, rules jsonb)
returns setof api.message_rules
language plpgsql
volatile
security definer -- edits the rules of an admin's clinic
set search_path = ''
as $$
declare
  v_wanted clinic.message_rules [] := array(select w from clinic.parse_rules(set_message_rules.rules) as w);
  v_removed clinic.message_rules [];
  v_added clinic.message_rules [];
begin
  perform clinic.require_role(clinic.required(set_message_rules.clinic_id, 'clinic_id'), 'admin');
  with removed as (
    delete from clinic.message_rules as r
    where
      r.clinic_id = set_message_rules.clinic_id
      and not exists (select from unnest(v_wanted) as w where w.kind = r.kind and w.channel = r.channel and w.lead = r.lead)
    returning r
  )

  select array_agg(removed.r) into v_removed from removed;
  with added as (
    insert into clinic.message_rules as r (clinic_id, kind, channel, lead)
    select set_message_rules.clinic_id, w.kind, w.channel, w.lead from unnest(v_wanted) as w
    on conflict on constraint message_rules_key do nothing
    returning r
  )

  select array_agg(added.r) into v_added from added;
  perform clinic.skip_for_rules(v_removed), clinic.plan_for_rules(v_added);
  return query
    select r.id, r.clinic_id, r.kind, r.channel, r.lead from api.message_rules as r
    where r.clinic_id = set_message_rules.clinic_id
    order by r.kind, r.channel, r.lead desc;
exception
  when check_violation then
    perform clinic.refuse('invalid_argument', 'A reminder goes out between 10 minutes and 60 days before the visit.');
  when lock_not_available or deadlock_detected then
    perform clinic.refuse('try_again');
end
$$;
grant execute on function clinic.set_message_rules to anon, authenticated, service_role;

create function api.set_message_rules(clinic_id uuid, rules jsonb)
returns setof api.message_rules
language plpgsql
volatile
set search_path = ''
as $$
begin
  return query
    select r.id, r.clinic_id, r.kind, r.channel, r.lead from clinic.set_message_rules(set_message_rules.clinic_id, rules) as r;
end
$$;
comment on function api.set_message_rules is
'For admins: replaces what the clinic sends by itself. rules: [{kind: booked | moved | cancelled | reminder | recall | offer, channel: email | sms, lead: of reminders,
"2 days" or "3 hours" before the visit}]. A new reminder is planned for the visits that are booked already, too; those of a removed one are skipped. Returns the rules.
Errors: not_authenticated, forbidden, invalid_argument, try_again.';
grant execute on function api.set_message_rules to anon, authenticated, service_role;

create function clinic.require_placeholders(template text, name text)
returns void
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_unknown text [] := clinic.unknown_placeholders(template);
begin
  if v_unknown <> '{}' then
    perform clinic.refuse(
      'invalid_argument', name || ' says ' || (
        select string_agg(case when u.said in ('{', '}') then u.said else '{' || u.said || '}' end, ', ' order by u.n)
        from unnest(v_unknown) with ordinality as u (said, n)
      ) || ', which is no placeholder.',
      hint => 'Use ' || (select string_agg('{' || p.name || '}', ', ') from unnest(clinic.placeholders()) as p (name)) || '; a brace is {{ or }}.'
    );
  end if;
end
$$;
comment on function clinic.require_placeholders is 'Refuses a template, which the caller calls so, that says what is no placeholder.';

create function clinic.always_said()
returns jsonb
language sql
immutable
set search_path = ''
as $$
  select jsonb_object_agg(p.name, '…') from unnest(clinic.placeholders()) as p (name) where p.name <> all ('{clinic_phone,clinic_address,until}');
$$;
comment on function clinic.always_said is 'What a message can say of every visit at every clinic.';

create function clinic.checked_wording(kind text, channel text, locale text, subject text, body text)
returns clinic.wording
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_wording clinic.wording;
begin
  perform clinic.required_kind(kind), clinic.required_channel(channel);
  if not exists (select from clinic.locales as l where l.locale = checked_wording.locale) then
    perform clinic.refuse('invalid_argument', 'locale must be one of ' || (
      select string_agg(l.locale, ', ' order by l.locale) from clinic.locales as l
    ) || '.');
  end if;
  v_wording.subject := clinic.clean_line(checked_wording.subject, 'subject', 200);
  v_wording.body := clinic.clean_text(checked_wording.body, 'body', 5000);
  perform clinic.require_placeholders(v_wording.subject, 'subject');
  perform clinic.require_placeholders(v_wording.body, 'body');
  if channel = 'sms' and v_wording.subject is not null then
    perform clinic.refuse('invalid_argument', 'subject: a text message has none.');
  elsif v_wording.body is not null and clinic.trimmed(clinic.fill_in(v_wording.body, clinic.always_said())) is null then
    perform clinic.refuse('invalid_argument', 'body says nothing where a clinic has no address or no phone number.', hint => 'Add some words.');
  end if;
  return v_wording;
end
$$;
comment on function clinic.checked_wording is 'A template as it can be saved, or invalid_argument.';

create function clinic.set_message_template(clinic_id uuid, kind text, channel text, locale text, subject text, body text)
returns api.message_templates
language plpgsql
volatile
security definer -- edits the templates of an admin's clinic
set search_path = ''
as $$
declare
  v_wording clinic.wording;
  v_row api.message_templates;
begin
  perform clinic.require_role(clinic.required(set_message_template.clinic_id, 'clinic_id'), 'admin');
  v_wording := clinic.checked_wording(
    set_message_template.kind, set_message_template.channel, set_message_template.locale, set_message_template.subject, set_message_template.body
  );
  if v_wording.body is null then
    delete from clinic.message_templates as t
    where
      t.clinic_id = set_message_template.clinic_id and t.kind = set_message_template.kind
      and t.channel = set_message_template.channel and t.locale = set_message_template.locale;
  else
    if set_message_template.channel = 'email' then
      perform clinic.required(v_wording.subject, 'subject');
    end if;
    insert into clinic.message_templates as t (clinic_id, kind, channel, locale, subject, body)
    values (
      set_message_template.clinic_id, set_message_template.kind, set_message_template.channel, set_message_template.locale,
      v_wording.subject, v_wording.body
    )
    on conflict on constraint message_templates_pkey do update set subject = excluded.subject, body = excluded.body;
  end if;
  v_wording := clinic.wording(
    set_message_template.clinic_id, set_message_template.kind, set_message_template.channel, set_message_template.locale
  );
  v_row.clinic_id := set_message_template.clinic_id;
  v_row.kind := set_message_template.kind;
  v_row.channel := set_message_template.channel;
  v_row.locale := set_message_template.locale;
  v_row.subject := v_wording.subject;
  v_row.body := v_wording.body;
  return v_row;
end
$$;
grant execute on function clinic.set_message_template to anon, authenticated, service_role;

create function api.set_message_template(
  clinic_id uuid, kind text, channel text, locale text, subject text default null, body text default null
)
returns api.message_templates
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.set_message_template(clinic_id, kind, channel, locale, subject, body);
end
$$;
comment on function api.set_message_template is
'For admins: the clinic''s own words for a kind of message, channel and language; without a body the default ones come back. Placeholders: {clinic}, {clinic_phone},
{clinic_address}, {patient}, {dentist}, {visit}, {date}, {time}, {link}, {until}. A line of nothing but placeholders that stand for nothing is left out.
Returns the template that holds now. Errors: not_authenticated, forbidden, invalid_argument (also: an unknown placeholder).';
grant execute on function api.set_message_template to anon, authenticated, service_role;

create function clinic.example_visit(clinic_id uuid, appointment_id uuid)
returns clinic.appointments
language plpgsql
stable
set search_path = ''
as $$
declare
  v_visit clinic.appointments;
begin
  if example_visit.appointment_id is not null then
    select * into v_visit from clinic.appointments as a
    where a.id = example_visit.appointment_id and a.clinic_id = example_visit.clinic_id;
    if v_visit.id is null then
      perform clinic.refuse('not_found', 'There is no such appointment in this clinic.');
    end if;
  end if;
  return v_visit;
end
$$;
comment on function clinic.example_visit is 'The visit of this clinic, or none if none is named. Errors: not_found.';

create function clinic.example_said(clinic_id uuid, visit clinic.appointments, locale text)
returns jsonb
language sql
stable
set search_path = ''
as $$
  -- Where no visit is named: tomorrow at half past ten, with the first dentist, for the first type.
  select coalesce(
    clinic.what_to_say(example_said.visit, example_said.locale, 'https://example.org/a/…'),
    jsonb_build_object(
      'clinic', c.name, 'clinic_phone', c.phone, 'clinic_address', c.address, 'patient', 'Alex Example',
      'dentist', (select d.full_name from clinic.dentists as d where d.clinic_id = c.id and d.is_active order by d.created_at, d.id limit 1),
      'visit', (select t.name from clinic.appointment_types as t where t.clinic_id = c.id and t.is_active order by t.name limit 1),
      'date', clinic.format_day(w.starts_at, c.time_zone, example_said.locale),
      'time', clinic.format_time(w.starts_at, c.time_zone, example_said.locale), 'link', 'https://example.org/a/…'
    )
  ) || jsonb_build_object('until', clinic.format_time(w.starts_at + interval '30 minutes', c.time_zone, example_said.locale))
  from clinic.clinics as c
  cross join lateral (
    select clinic.wall_instant((clock_timestamp() at time zone c.time_zone)::date + 1 + time '10:30', c.time_zone) as starts_at
  ) as w
  where c.id = example_said.clinic_id;
$$;
comment on function clinic.example_said is 'What the placeholders stand for in a preview.';

create function clinic.preview_message(
  clinic_id uuid, kind text, channel text, locale text, subject text, body text, appointment_id uuid
)
returns jsonb
language plpgsql
stable
security definer -- reads for staff it has checked
set search_path = ''
as $$
declare
  v_locale text;
  v_wording clinic.wording;
begin
  perform clinic.require_user(writes => false);
  perform clinic.require_reader(clinic.required(preview_message.clinic_id, 'clinic_id'), 'admin', 'receptionist');
  v_locale := coalesce(preview_message.locale, clinic.clinic_locale(preview_message.clinic_id));
  v_wording := clinic.checked_wording(
    preview_message.kind, preview_message.channel, v_locale, preview_message.subject, preview_message.body
  );
  if v_wording.body is null then
    v_wording := clinic.wording(preview_message.clinic_id, preview_message.kind, preview_message.channel, v_locale);
  end if;
  v_wording := clinic.fill_in(v_wording, clinic.example_said(
    preview_message.clinic_id, clinic.example_visit(preview_message.clinic_id, preview_message.appointment_id), v_locale
  ));
  return jsonb_build_object(
    'locale', v_locale, 'is_rtl', (select l.is_rtl from clinic.locales as l where l.locale = v_locale),
    'subject', v_wording.subject, 'body', v_wording.body
  ) || case preview_message.channel when 'sms' then clinic.sms_size(v_wording.body) else '{}' end;
end
$$;
grant execute on function clinic.preview_message to anon, authenticated, service_role;

create function api.preview_message(
  clinic_id uuid, kind text, channel text, locale text default null, subject text default null, body text default null,
  appointment_id uuid default null
)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
begin
  return clinic.preview_message(clinic_id, kind, channel, locale, subject, body, appointment_id);
end
$$;
comment on function api.preview_message is
'For admins and receptionists: how a message would read, in these words or, without a body, in those that hold; about an appointment of the clinic or an example.
Returns {locale, is_rtl, subject, body}, of text messages also {encoding: GSM-7 | UCS-2, units, segments}. Errors: as set_message_template; not_found.';
grant execute on function api.preview_message to anon, authenticated, service_role;

create function clinic.send_test_message(clinic_id uuid, kind text, channel text, locale text, subject text, body text)
returns jsonb
language plpgsql
volatile
security definer -- plans a message to the caller's own address
set search_path = ''
as $$
declare
  v_preview jsonb := clinic.preview_message(
    send_test_message.clinic_id, send_test_message.kind, send_test_message.channel, send_test_message.locale, send_test_message.subject,
    send_test_message.body, null
  );
  v_address text;
  v_id uuid := gen_random_uuid();
begin
  perform clinic.require_role(send_test_message.clinic_id, 'admin');
  -- To nobody else: a test is no way to write to strangers.
  select
    case send_test_message.channel
      when 'sms' then case when clinic.is_phone(p.phone) then clinic.whole_number(p.phone, c.phone) end
      else coalesce(u.email::text, p.email)
    end
  into v_address
  from clinic.profiles as p
  inner join auth.users as u on p.user_id = u.id
  cross join clinic.clinics as c
  where p.user_id = auth.uid() and c.id = send_test_message.clinic_id;
  if v_address is null then
    perform clinic.refuse('invalid_argument', 'Your own profile says no address for this.', hint => 'Call update_me with a phone number.');
  elsif (
    select count(*) >= 20 from clinic.messages as m
    where m.clinic_id = send_test_message.clinic_id and m.kind = 'test' and m.due_at > clock_timestamp() - interval '1 hour'
  ) then
    perform clinic.refuse('booking_limit', 'These were many tests for one hour.');
  end if;
  insert into clinic.messages (id, clinic_id, kind, channel, due_at, next_at, subject, body, locale, address)
  values (
    v_id, send_test_message.clinic_id, 'test', send_test_message.channel, now(), now(), v_preview ->> 'subject', v_preview ->> 'body',
    v_preview ->> 'locale', v_address
  );
  return jsonb_build_object('message_id', v_id, 'address', v_address);
end
$$;
grant execute on function clinic.send_test_message to anon, authenticated, service_role;

create function api.send_test_message(
  clinic_id uuid, kind text, channel text, locale text default null, subject text default null, body text default null
)
returns jsonb
language plpgsql
volatile
set search_path = ''
as $$
begin
  return clinic.send_test_message(clinic_id, kind, channel, locale, subject, body);
end
$$;
comment on function api.send_test_message is
'For admins: sends what preview_message shows to the caller''s own address, through the clinic''s real sender. Returns {message_id, address}: messages says what became
of it. Errors: as preview_message; booking_limit (20 an hour).';
grant execute on function api.send_test_message to anon, authenticated, service_role;
