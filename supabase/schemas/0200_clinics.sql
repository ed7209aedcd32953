-- Clinics: the tenants, and each one's booking policy.

-- The server reads a thousand files to say which zones it knows: it is asked once for each. A foreign key, unlike a
-- check, is not asked again when another column changes, nor by a restore before the zones are there.
create view clinic.server_time_zones
with (security_invoker = true) as
  select z.name
  from pg_catalog.pg_timezone_names as z
  where
    -- What some systems keep beside them: files of other clocks, and of their own.
    z.name !~ '^(posix|right)/' and z.name not in ('localtime', 'posixrules', 'Factory')
    -- A name that is an abbreviation, too, is read as that: CET would have no summer.
    and (
      z.name in ('UTC', 'GMT')
      or not exists (
        select from pg_catalog.pg_timezone_abbrevs as a
        where a.abbrev = upper(z.name)
      )
    );
comment on view clinic.server_time_zones is 'The IANA time zones that this server knows, and reads as such.';
grant select on clinic.server_time_zones to anon, authenticated, service_role;

create table clinic.time_zones (
  name text not null,
  constraint time_zones_pkey primary key (name)
);
comment on table clinic.time_zones is
'The IANA time zones of this server: those there were at the migration, and later ones as clinics name them.';
insert into clinic.time_zones (name) select z.name from clinic.server_time_zones as z;
alter table clinic.time_zones enable row level security;

create policy time_zones_are_public on clinic.time_zones
  for select to anon, authenticated
  using (true);
grant select on clinic.time_zones to anon, authenticated, service_role;

create function clinic.is_time_zone(name text)
returns boolean
language sql
stable
set search_path = ''
as $$
  select
    exists (select from clinic.time_zones as z where z.name = is_time_zone.name)
    or exists (select from clinic.server_time_zones as z where z.name = is_time_zone.name);
$$;
comment on function clinic.is_time_zone is 'Whether the name is one of the IANA time zones this server knows.';
grant execute on function clinic.is_time_zone to anon, authenticated, service_role;

create function clinic.learn_time_zone()
returns trigger
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not exists (select from clinic.time_zones as z where z.name = new.time_zone) then
    insert into clinic.time_zones (name)
    select z.name from clinic.server_time_zones as z where z.name = new.time_zone
    on conflict do nothing;
  end if;
  return new;
end
$$;
comment on function clinic.learn_time_zone is 'Takes in a zone that came with a newer server; the foreign key refuses what is none.';

create function clinic.is_clock_span(span interval)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select extract(year from span) = 0 and extract(month from span) = 0 and extract(day from span) = 0;
$$;
comment on function clinic.is_clock_span is 'Whether the span has hours and smaller parts only, so that it is as long on every day.';
grant execute on function clinic.is_clock_span to anon, authenticated, service_role;

create function clinic.is_slug(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select value ~ '^[a-z0-9](-?[a-z0-9]){1,62}$';
$$;
comment on function clinic.is_slug is 'Whether the text can be a clinic''s slug: lower-case letters, digits and single hyphens, two or more.';
grant execute on function clinic.is_slug to anon, authenticated, service_role;

create function clinic.is_locale(value text)
returns boolean
language sql
immutable
set search_path = ''
as $$
  select value ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' and length(value) <= 35;
$$;
comment on function clinic.is_locale is 'Whether the text has the form of a language tag, such as en or de-CH.';
grant execute on function clinic.is_locale to anon, authenticated, service_role;

create function clinic.clean_locale(value text)
returns text
language plpgsql
volatile
set search_path = ''
as $$
begin
  if not clinic.is_locale(value) then
    perform clinic.refuse('invalid_argument', 'locale must be a language tag like "en" or "de-CH".');
  end if;
  return value;
end
$$;
comment on function clinic.clean_locale is 'The language tag, or invalid_argument.';

create table clinic.clinics (
  id uuid not null default gen_random_uuid(),
  slug text not null,
  name text not null,
  time_zone text not null,
  slot_interval interval not null default '15 minutes',
  hold_duration interval not null default '5 minutes',
  min_notice interval not null default '1 hour',
  booking_horizon interval not null default '90 days',
  cancellation_notice interval not null default '24 hours',
  max_active_holds integer not null default 2,
  max_holds_per_hour integer not null default 30,
  max_chatbot_bookings_per_hour integer not null default 60,
  max_offers integer not null default 300,
  max_waitlist_offers integer not null default 5,
  offer_duration interval not null default '30 minutes',
  offer_lead interval not null default '2 hours',
  max_upcoming integer not null default 10,
  cancel_grace interval not null default '15 minutes',
  require_mfa boolean not null default false,
  audit_retention interval not null default '6 years',
  patient_retention interval not null default '100 years',
  locale text not null default 'en',
  quiet_from time not null default '21:00',
  quiet_until time not null default '08:00',
  phone text,
  email text,
  address text,
  created_at timestamptz not null default now(),
  constraint clinics_pkey primary key (id),
  constraint clinics_slug_key unique (slug),
  constraint clinics_slug_is_plain check (clinic.is_slug(slug)),
  constraint clinics_name_is_clean check (clinic.is_name(name)),
  constraint clinics_time_zone_fkey foreign key (time_zone) references clinic.time_zones (name),
  constraint clinics_slot_interval_fits check (
    slot_interval between '5 minutes' and '12 hours' and clinic.is_clock_span(slot_interval)
  ),
  constraint clinics_hold_duration_fits check (
    hold_duration between '1 second' and '1 hour' and clinic.is_clock_span(hold_duration)
  ),
  constraint clinics_min_notice_fits check (min_notice between '0' and '30 days'),
  constraint clinics_booking_horizon_fits check (booking_horizon between '1 day' and '730 days'),
  constraint clinics_cancellation_notice_fits check (cancellation_notice between '0' and '30 days'),
  constraint clinics_max_active_holds_fits check (max_active_holds between 1 and 100),
  constraint clinics_max_holds_per_hour_fits check (max_holds_per_hour between 1 and 10000),
  constraint clinics_max_chatbot_bookings_per_hour_fits check (max_chatbot_bookings_per_hour between 1 and 10000),
  constraint clinics_max_offers_fits check (max_offers between 10 and 10000),
  constraint clinics_max_waitlist_offers_fits check (max_waitlist_offers between 1 and 100),
  constraint clinics_offer_duration_fits check (
    offer_duration between '1 minute' and '48 hours' and clinic.is_clock_span(offer_duration)
  ),
  constraint clinics_offer_lead_fits check (offer_lead between '0' and '30 days'),
  constraint clinics_max_upcoming_fits check (max_upcoming between 1 and 1000),
  constraint clinics_cancel_grace_fits check (cancel_grace between '0' and '7 days'),
  constraint clinics_audit_retention_fits check (audit_retention between '1 year' and '30 years'),
  constraint clinics_patient_retention_fits check (patient_retention between '1 year' and '100 years'),
  constraint clinics_locale_is_a_tag check (clinic.is_locale(locale)),
  constraint clinics_phone_is_short check (length(phone) between 1 and 40 and clinic.is_line(phone)),
  constraint clinics_email_is_short check (length(email) between 3 and 320 and clinic.is_line(email)),
  constraint clinics_address_is_short check (length(address) between 1 and 1000 and clinic.is_text(address))
);
comment on table clinic.clinics is 'The tenants: slug, name, IANA time zone, contact, and the booking policy.';
comment on column clinic.clinics.slot_interval is 'Distance between offered starts, counted from a working window''s opening.';
comment on column clinic.clinics.hold_duration is 'How long a reservation holds a slot.';
comment on column clinic.clinics.min_notice is 'Patients book no later than this before the start.';
comment on column clinic.clinics.booking_horizon is 'Patients book no further ahead than this.';
comment on column clinic.clinics.cancellation_notice is 'Patients cancel or move no later than this before the start.';
comment on column clinic.clinics.require_mfa is 'Staff act as such only when they signed in with a second factor.';
comment on column clinic.clinics.audit_retention is 'How long it is known who changed what; forgotten by the month, once all of that is older.';
comment on column clinic.clinics.patient_retention is 'A patient without a visit for so long is erased.';
comment on column clinic.clinics.locale is 'In which language it writes to who has not said theirs: a language tag.';
comment on column clinic.clinics.quiet_from is
'From then until quiet_until, by its clock, nobody is woken: text messages wait, and so does what nobody has just asked for. The same twice: never.';
comment on column clinic.clinics.max_active_holds is 'Live reservations one holder, and one patient, may have at once.';
comment on column clinic.clinics.max_holds_per_hour is 'Slots one patient''s login may hold within an hour without booking them.';
comment on column clinic.clinics.max_chatbot_bookings_per_hour is 'Slots one chatbot''s login may hold within an hour, booked or not.';
comment on column clinic.clinics.max_offers is 'Offers one login may have open at once, of those that chatbots make.';
comment on column clinic.clinics.max_waitlist_offers is 'So many times is somebody on the waiting list asked; then their wish ends.';
comment on column clinic.clinics.offer_duration is 'How long a free time is held for who waits for one; by night, from when quiet hours end.';
comment on column clinic.clinics.offer_lead is 'Under so long before a start nobody on the waiting list is asked any more.';
comment on column clinic.clinics.max_upcoming is 'Appointments a patient may have ahead, holds included, by booking without the desk.';
comment on column clinic.clinics.cancel_grace is 'So long after booking may a patient cancel or move, whatever the notice.';

create index clinics_time_zone_idx on clinic.clinics (time_zone);

create trigger learn_time_zone before insert or update of time_zone on clinic.clinics
for each row execute function clinic.learn_time_zone();

alter table clinic.clinics enable row level security;

create policy clinics_are_public on clinic.clinics
  for select to anon, authenticated
  using (true);
grant select on clinic.clinics to anon, authenticated, service_role;

create view api.clinics
with (security_invoker = true) as
  select
    c.id,
    c.slug,
    c.name,
    c.time_zone,
    c.slot_interval,
    c.hold_duration,
    c.min_notice,
    c.booking_horizon,
    c.cancellation_notice,
    c.max_active_holds,
    c.max_holds_per_hour,
    c.max_chatbot_bookings_per_hour,
    c.max_offers,
    c.max_waitlist_offers,
    c.offer_duration,
    c.offer_lead,
    c.max_upcoming,
    c.cancel_grace,
    c.phone,
    c.email,
    c.address,
    c.require_mfa,
    c.audit_retention,
    c.patient_retention,
    c.locale,
    c.quiet_from,
    c.quiet_until
  from clinic.clinics as c;
comment on view api.clinics is 'All clinics with their time zone, contact and booking policy. Public.';
grant select on api.clinics to anon, authenticated, service_role;
