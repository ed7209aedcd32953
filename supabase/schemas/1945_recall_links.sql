-- The link of a recall: who has it books the visit that they are due for, as its patient may; then it is that visit's link.

create function clinic.linked_recall(link clinic.message_links)
returns clinic.recall_types
language plpgsql
stable
set search_path = ''
as $$
declare
  v_type clinic.recall_types;
begin
  select * into v_type from clinic.recall_types as t where t.id = link.recall_type_id and t.clinic_id = link.clinic_id;
  return v_type;
end
$$;
comment on function clinic.linked_recall is 'What the patient of a link is due for.';

create function clinic.recall_actions(link clinic.message_links)
returns text []
language plpgsql
stable
set search_path = ''
as $$
declare
  v_type clinic.recall_types := clinic.linked_recall(link);
  v_bookable clinic.bookable;
begin
  if not clinic.has_visit_ahead(link.patient_id, v_type) then
    begin
      v_bookable := clinic.bookable(v_type.book_type_id);
    exception
      when sqlstate 'PGRST' then null; -- nobody does this any more
    end;
  end if;
  return array_remove(array[
    case when (v_bookable.type).id is not null and clinic.offer_code(v_bookable, 'patient', link.patient_id) is null then 'book' end,
    'stop', 'not_me'
  ], null);
end
$$;
comment on function clinic.recall_actions is 'What may be done through a link of a recall now.';

create function clinic.describe_recall(link clinic.message_links)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_type clinic.recall_types := clinic.linked_recall(link);
begin
  return clinic.link_frame(link) || (
    select jsonb_build_object(
      'appointment', null,
      'recall', jsonb_build_object(
        'state', case when clinic.has_visit_ahead(p.id, v_type) then 'met' else 'due' end,
        'patient', split_part(p.full_name, ' ', 1), 'visit', t.name, 'appointment_type_id', t.id,
        'due_on', (
          select r.due_on from clinic.recalls as r
          where r.patient_id = p.id and r.clinic_id = p.clinic_id and r.recall_type_id = v_type.id
        ),
        'bookable_until', clinic.later(clock_timestamp(), (clinic.own_rules(c, t)).booking_horizon)
      ),
      'actions', to_jsonb(clinic.recall_actions(link))
    )
    from clinic.clinics as c
    inner join clinic.patients as p on c.id = p.clinic_id and p.id = link.patient_id
    inner join clinic.appointment_types as t on c.id = t.clinic_id and t.id = v_type.book_type_id
    where c.id = link.clinic_id
  );
end
$$;
comment on function clinic.describe_recall is 'What who has a recall''s link sees: what is due, and of its patient the first name.';

create function clinic.require_due(link clinic.message_links)
returns clinic.recall_types
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types := clinic.linked_recall(link);
begin
  if clinic.has_visit_ahead(link.patient_id, v_type) then
    perform clinic.refuse('invalid_transition', 'There is a visit ahead already.', hint => 'Call the clinic to move it.');
  end if;
  return v_type;
end
$$;
comment on function clinic.require_due is 'Passes a link whose patient has no such visit ahead. Errors: invalid_transition.';

create function clinic.recall_slots(link clinic.message_links, from_day date, to_day date)
returns api.slot []
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_type clinic.recall_types := clinic.require_due(link);
  v_bookable clinic.bookable := clinic.bookable(v_type.book_type_id);
  v_slots api.slot [];
begin
  perform clinic.require_offered(v_bookable, 'patient', link.patient_id);
  v_slots := clinic.free_slots(
    row(v_bookable, clinic.slot(v_bookable, (v_bookable.leaders)[1], null, link.patient_id), false, '{}', null)::clinic.wish,
    from_day, to_day
  );
  if cardinality(v_slots) > clinic.max_rows() then
    perform clinic.refuse_long_answer(v_slots, v_bookable.policy, to_day);
  end if;
  return v_slots;
end
$$;
comment on function clinic.recall_slots is 'When a recall''s visit can be booked, with whom. Errors: invalid_transition, not_found, not_offered, booking_limit, invalid_argument.';

create function clinic.book_by_link(link clinic.message_links, starts_at timestamptz, dentist_id uuid)
returns clinic.message_links
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_link clinic.message_links;
  v_type clinic.recall_types;
  v_bookable clinic.bookable;
  v_now timestamptz;
  v_row api.appointments;
begin
  if link.appointment_id is not null or link.reservation_id is not null then
    if (clinic.linked_visit(link)).starts_at <> book_by_link.starts_at or link.recall_type_id is null then
      perform clinic.refuse('invalid_transition', 'There is a visit already.', hint => 'Move it instead.');
    end if;
    return link; -- sent twice, because no answer came
  end if;
  v_type := clinic.linked_recall(link);
  v_bookable := clinic.locked_bookable(v_type.book_type_id, book_by_link.dentist_id, book_by_link.starts_at);
  v_now := clock_timestamp();
  perform clinic.lock_record(link.patient_id, link.clinic_id);
  perform clinic.lock_contact(link.patient_id, link.clinic_id);
  -- By now, perhaps, the same link has booked it.
  select * into v_link from clinic.message_links as l where l.token_hash = link.token_hash;
  if v_link.appointment_id is not null then
    return clinic.book_by_link(v_link, book_by_link.starts_at, book_by_link.dentist_id);
  end if;
  perform clinic.require_due(link);
  v_row := clinic.place_appointment(
    v_bookable, clinic.requested_slot(
      v_bookable, book_by_link.dentist_id, book_by_link.starts_at, link.patient_id, 'patient', v_now
    ), null, 'patient', false, v_now
  );
  update clinic.message_links as l
  set appointment_id = v_row.id, expires_at = greatest(l.expires_at, v_row.ends_at + interval '1 day')
  where l.token_hash = link.token_hash
  returning l.* into v_link;
  return v_link;
end
$$;
comment on function clinic.book_by_link is
'Books what a recall''s patient is due for, as they might themselves; the link is that visit''s from then on. Errors: invalid_transition, those of booking.';
