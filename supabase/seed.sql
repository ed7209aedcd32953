-- Two clinics to try everything with: what the demo, the tests and the README's examples use.
-- Every user's password is chairtime-demo. Never load this into a project that real people use.

-- Users --------------------------------------------------------------------------------------------------------------

with people (id, email, full_name, phone) as (
  values
  ('a0000000-0000-4000-8000-000000000001'::uuid, 'admin@riverside.test', 'Alice Rivers', '+1 212 555 0101'),
  ('a0000000-0000-4000-8000-000000000002', 'desk@riverside.test', 'Dario Desk', '+1 212 555 0102'),
  ('a0000000-0000-4000-8000-000000000003', 'lee@riverside.test', 'Dr. Grace Lee', '+1 212 555 0103'),
  ('a0000000-0000-4000-8000-000000000004', 'bot@riverside.test', 'Riverside Assistant', null),
  ('a0000000-0000-4000-8000-000000000011', 'admin@sakura.test', 'Aiko Tanaka', '+81 3 5550 0111'),
  ('a0000000-0000-4000-8000-000000000012', 'desk@sakura.test', 'Daichi Mori', '+81 3 5550 0112'),
  ('a0000000-0000-4000-8000-000000000013', 'lee@sakura.test', 'Dr. Min-ji Lee', '+81 3 5550 0113'),
  ('a0000000-0000-4000-8000-000000000014', 'bot@sakura.test', 'Sakura Assistant', null),
  ('a0000000-0000-4000-8000-000000000021', 'ana@patients.test', 'Ana Ferreira', '+1 212 555 0121'),
  ('a0000000-0000-4000-8000-000000000022', 'ben@patients.test', 'Ben Okafor', '+1 212 555 0122')
),

users as (
  insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, raw_app_meta_data, raw_user_meta_data,
    created_at, updated_at, confirmation_token, recovery_token, email_change, email_change_token_new
  )
  select
    '00000000-0000-0000-0000-000000000000',
    p.id,
    'authenticated',
    'authenticated',
    p.email,
    '$2a$10$N9qo8uLOickgx2ZMRZoMyesfey.GxMDs2YQdhG3xM1dNeb53j2UsK',
    now(),
    '{"provider": "email", "providers": ["email"]}',
    jsonb_strip_nulls(jsonb_build_object('full_name', p.full_name, 'phone', p.phone)),
    now(),
    now(),
    '',
    '',
    '',
    ''
  from people as p
  returning id, email
)

insert into auth.identities (id, provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select
  gen_random_uuid(),
  u.id::text,
  u.id,
  jsonb_build_object('sub', u.id, 'email', u.email, 'email_verified', true),
  'email',
  now(),
  now(),
  now()
from users as u;


-- Clinics ------------------------------------------------------------------------------------------------------------

insert into clinic.clinics (id, slug, name, time_zone, phone, email, address) values
(
  'c0000000-0000-4000-8000-000000000001', 'riverside', 'Riverside Dental', 'America/New_York', '+1 212 555 0100',
  'hello@riverside.test', '12 River Street, New York'
),
(
  'c0000000-0000-4000-8000-000000000002', 'sakura', 'Sakura Dental Clinic', 'Asia/Tokyo', '+81 3 5550 0100',
  'hello@sakura.test', '1-2-3 Sakura, Tokyo'
);

-- Both write by e-mail, Riverside by text message, too; Sakura in Japanese.
select clinic.add_default_rules(c.id) from clinic.clinics as c;
insert into clinic.message_rules (clinic_id, kind, channel, lead) values
('c0000000-0000-4000-8000-000000000001', 'reminder', 'sms', '1 day');
update clinic.clinics set locale = 'ja'
where slug = 'sakura';

insert into clinic.staff (clinic_id, user_id, role) values
('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000001', 'admin'),
('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000002', 'receptionist'),
('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000003', 'dentist'),
('c0000000-0000-4000-8000-000000000001', 'a0000000-0000-4000-8000-000000000004', 'chatbot'),
('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000011', 'admin'),
('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000012', 'receptionist'),
('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000013', 'dentist'),
('c0000000-0000-4000-8000-000000000002', 'a0000000-0000-4000-8000-000000000014', 'chatbot');

insert into clinic.dentists (id, clinic_id, user_id, full_name, profession, specialty, bio) values
(
  'd0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001',
  'a0000000-0000-4000-8000-000000000003', 'Dr. Grace Lee', 'dentist', 'General dentistry',
  'Looks after whole families, and has never hurried anybody.'
),
(
  'd0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001',
  null, 'Dr. Marcus Webb', 'dentist', 'Endodontics', 'Saves teeth that others would pull.'
),
(
  'd0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000001',
  null, 'Dr. Priya Nair', 'dentist', 'Paediatric dentistry', 'Children ask when they may come again.'
),
(
  'd0000000-0000-4000-8000-000000000004', 'c0000000-0000-4000-8000-000000000001',
  null, 'Hannah Cole', 'hygienist', 'Prevention', 'Finds the kind word, and the last bit of plaque.'
),
(
  'd0000000-0000-4000-8000-000000000011', 'c0000000-0000-4000-8000-000000000002',
  'a0000000-0000-4000-8000-000000000013', 'Dr. Min-ji Lee', 'dentist', 'General dentistry', 'Speaks Japanese, Korean and English.'
),
(
  'd0000000-0000-4000-8000-000000000012', 'c0000000-0000-4000-8000-000000000002',
  null, 'Dr. Kenji Sato', 'dentist', 'Periodontology', 'Thirty years of healthy gums.'
);

insert into clinic.patients (id, clinic_id, full_name, phone, email) values
('e0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', 'Walter Inman', '+1 212 555 0131', null),
('e0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001', 'Rosa Delgado', '+1 212 555 0132', 'rosa@patients.test'),
('e0000000-0000-4000-8000-000000000011', 'c0000000-0000-4000-8000-000000000002', 'Yuki Nakamura', '+81 3 5550 0131', null);


-- Schedule -----------------------------------------------------------------------------------------------------------

insert into clinic.appointment_types (id, clinic_id, name, duration, buffer_before, buffer_after) values
('b0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', 'Check-up', '30 minutes', '0', '0'),
('b0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001', 'Cleaning', '60 minutes', '0', '0'),
(
  'b0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000001', 'Root canal', '90 minutes',
  '15 minutes', '15 minutes'
),
('b0000000-0000-4000-8000-000000000011', 'c0000000-0000-4000-8000-000000000002', 'Check-up', '30 minutes', '0', '0'),
('b0000000-0000-4000-8000-000000000012', 'c0000000-0000-4000-8000-000000000002', 'Cleaning', '45 minutes', '0', '15 minutes'),
(
  'b0000000-0000-4000-8000-000000000013', 'c0000000-0000-4000-8000-000000000002', 'Root canal', '90 minutes',
  '15 minutes', '15 minutes'
);

-- Riverside sees its patients twice a year.
insert into clinic.recall_types (id, clinic_id, name, after_type_ids, every, book_type_id) values
(
  '90000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', 'Check-up',
  '{b0000000-0000-4000-8000-000000000001}', '6 months', 'b0000000-0000-4000-8000-000000000001'
);

-- Riverside has two chairs for four people, and one X-ray unit; Sakura keeps no book of its chairs.
insert into clinic.resources (id, clinic_id, kind, name) values
('f0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', 'chair', 'Chair 1'),
('f0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001', 'chair', 'Chair 2'),
('f0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000001', 'equipment', 'X-ray unit');

-- Dentists do everything but, at Riverside, Cleanings: the hygienist leads those.
insert into clinic.dentist_types (clinic_id, dentist_id, appointment_type_id)
select
  d.clinic_id,
  d.id as dentist_id,
  t.id as type_id
from clinic.dentists as d
inner join clinic.appointment_types as t on d.clinic_id = t.clinic_id
where (d.profession = 'hygienist') = (t.id = 'b0000000-0000-4000-8000-000000000002');

insert into clinic.type_parts (appointment_type_id, clinic_id, part, needs, only_resources, starts_after, lasts) values
('b0000000-0000-4000-8000-000000000001', 'c0000000-0000-4000-8000-000000000001', 1, 'chair', null, '0', null),
('b0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001', 1, 'chair', null, '0', null),
('b0000000-0000-4000-8000-000000000002', 'c0000000-0000-4000-8000-000000000001', 2, 'dentist', null, '40 minutes', '10 minutes'),
('b0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000001', 1, 'chair', null, '0', null),
(
  'b0000000-0000-4000-8000-000000000003', 'c0000000-0000-4000-8000-000000000001', 2, 'equipment',
  '{f0000000-0000-4000-8000-000000000003}', '0', '30 minutes'
);

insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)
select
  d.clinic_id,
  d.id,
  w.weekday,
  h.opens,
  h.closes
from clinic.dentists as d
cross join generate_series(1, 5) as w (weekday)
cross join (
  values ('09:00'::time, '12:00'::time), ('13:00', '17:00')
) as h (opens, closes);

-- Dr. Nair also works on Saturdays.
insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes) values
('c0000000-0000-4000-8000-000000000001', 'd0000000-0000-4000-8000-000000000003', 6, '10:00', '14:00');
