-- What messages are made of: kinds and channels, languages and how they write dates, placeholders, and how a text goes by SMS.

create function clinic.message_kinds()
returns text []
language sql
immutable
set search_path = ''
as $$
  select '{booked,moved,cancelled,reminder,recall,offer}'::text [];
$$;
comment on function clinic.message_kinds is 'What messages are about.';
grant execute on function clinic.message_kinds to anon, authenticated, service_role;

create function clinic.message_channels()
returns text []
language sql
immutable
set search_path = ''
as $$
  select '{email,sms}'::text [];
$$;
comment on function clinic.message_channels is 'How messages reach people.';
grant execute on function clinic.message_channels to anon, authenticated, service_role;


-- Locales ------------------------------------------------------------------------------------------------------------

create table clinic.locales (
  locale text not null,
  name text not null,
  days text [] not null,
  months text [] not null,
  date_pattern text not null,
  time_pattern text not null,
  am text not null,
  pm text not null,
  is_rtl boolean not null default false,
  constraint locales_pkey primary key (locale),
  constraint locales_locale_is_a_language check (locale ~ '^[a-z]{2,3}$'),
  constraint locales_weeks_have_seven_days check (cardinality(days) = 7),
  constraint locales_years_have_twelve_months check (cardinality(months) = 12)
);
comment on table clinic.locales is
'The languages of messages, and how each writes dates, by Unicode CLDR: wide names of days (Monday first) and months, the full date, the short time.
Narrow and no-break spaces are plain ones here, for they would make an SMS UCS-2. Digits are Western in all of them, as CLDR has it.';
alter table clinic.locales enable row level security;

create policy locales_are_public on clinic.locales
  for select to anon, authenticated
  using (true);
grant select on clinic.locales to anon, authenticated, service_role;

insert into clinic.locales (locale, name, days, months, date_pattern, time_pattern, am, pm, is_rtl) values
(
  'en', 'English',
  '{Monday,Tuesday,Wednesday,Thursday,Friday,Saturday,Sunday}',
  '{January,February,March,April,May,June,July,August,September,October,November,December}',
  'EEEE, MMMM d, y', 'h:mm a', 'AM', 'PM', false
),
(
  'de', 'Deutsch',
  '{Montag,Dienstag,Mittwoch,Donnerstag,Freitag,Samstag,Sonntag}',
  '{Januar,Februar,März,April,Mai,Juni,Juli,August,September,Oktober,November,Dezember}',
  'EEEE, d. MMMM y', 'HH:mm', 'AM', 'PM', false
),
(
  'es', 'español',
  '{lunes,martes,miércoles,jueves,viernes,sábado,domingo}',
  '{enero,febrero,marzo,abril,mayo,junio,julio,agosto,septiembre,octubre,noviembre,diciembre}',
  'EEEE, d ''de'' MMMM ''de'' y', 'H:mm', 'a. m.', 'p. m.', false
),
(
  'fr', 'français',
  '{lundi,mardi,mercredi,jeudi,vendredi,samedi,dimanche}',
  '{janvier,février,mars,avril,mai,juin,juillet,août,septembre,octobre,novembre,décembre}',
  'EEEE d MMMM y', 'HH:mm', 'AM', 'PM', false
),
(
  'ja', '日本語',
  '{月曜日,火曜日,水曜日,木曜日,金曜日,土曜日,日曜日}',
  '{1月,2月,3月,4月,5月,6月,7月,8月,9月,10月,11月,12月}',
  'y年M月d日EEEE', 'H:mm', '午前', '午後', false
),
(
  'ar', 'العربية',
  '{الاثنين,الثلاثاء,الأربعاء,الخميس,الجمعة,السبت,الأحد}',
  '{يناير,فبراير,مارس,أبريل,مايو,يونيو,يوليو,أغسطس,سبتمبر,أكتوبر,نوفمبر,ديسمبر}',
  'EEEE، d MMMM y', 'h:mm a', 'ص', 'م', true
);

create view api.locales
with (security_invoker = true)
as select
  l.locale,
  l.name,
  l.is_rtl
from clinic.locales as l;
comment on view api.locales is 'The languages in which messages can be written, each by its own name. Public.';
grant select on api.locales to anon, authenticated, service_role;

create function clinic.known_locale(variadic wanted text [])
returns text
language plpgsql
stable
set search_path = ''
as $$
begin
  return coalesce(
    (
      select l.locale from unnest(known_locale.wanted) with ordinality as w (tag, n)
      inner join clinic.locales as l on l.locale = lower(split_part(replace(w.tag, '_', '-'), '-', 1))
      order by w.n
      limit 1
    ),
    'en'
  );
end
$$;
comment on function clinic.known_locale is 'The first of the language tags whose language has messages (de-CH: de), else en.';
grant execute on function clinic.known_locale to anon, authenticated, service_role;

create function clinic.write_pattern(pattern text, wall timestamp, locale clinic.locales)
returns text
language plpgsql
immutable
set search_path = ''
as $$
begin
  return (
    select string_agg(
      case f.field[1]
        when 'EEEE' then (locale.days)[extract(isodow from wall)::integer]
        when 'MMMM' then (locale.months)[extract(month from wall)::integer]
        when 'M' then to_char(wall, 'FMMM')
        when 'd' then to_char(wall, 'FMDD')
        when 'y' then to_char(wall, 'YYYY')
        when 'HH' then to_char(wall, 'HH24')
        when 'H' then to_char(wall, 'FMHH24')
        when 'h' then to_char(wall, 'FMHH12')
        when 'mm' then to_char(wall, 'MI')
        when 'a' then case when extract(hour from wall) < 12 then locale.am else locale.pm end
        else btrim(f.field[1], '''')
      end,
      '' order by f.n
    )
    from regexp_matches(pattern, '''[^'']*''|E+|M+|d+|y+|H+|h+|m+|a|[^EMdyHhma'']+', 'g') with ordinality as f (field, n)
  );
end
$$;
comment on function clinic.write_pattern is
'A wall time by a CLDR pattern: of its fields those that clinic.locales uses (EEEE, MMMM, M, d, y, HH, H, h, mm, a), and quoted words.';
grant execute on function clinic.write_pattern to anon, authenticated, service_role;

create function clinic.format_day(at timestamptz, time_zone text, locale text)
returns text
language sql
stable
set search_path = ''
as $$
  select clinic.write_pattern(l.date_pattern, format_day.at at time zone format_day.time_zone, l)
  from clinic.locales as l where l.locale = clinic.known_locale(format_day.locale);
$$;
comment on function clinic.format_day is 'The day of an instant in a zone, as the language writes it out: Monday, January 5, 2026.';
grant execute on function clinic.format_day to anon, authenticated, service_role;

create function clinic.format_time(at timestamptz, time_zone text, locale text)
returns text
language sql
stable
set search_path = ''
as $$
  select clinic.write_pattern(l.time_pattern, format_time.at at time zone format_time.time_zone, l)
  from clinic.locales as l where l.locale = clinic.known_locale(format_time.locale);
$$;
comment on function clinic.format_time is 'The time of an instant on a zone''s clock, as the language writes it: 9:30 AM, 09:30.';
grant execute on function clinic.format_time to anon, authenticated, service_role;


-- Placeholders -------------------------------------------------------------------------------------------------------

create function clinic.placeholders()
returns text []
language sql
immutable
set search_path = ''
as $$
  select '{clinic,clinic_phone,clinic_address,patient,dentist,visit,date,time,link,until}'::text [];
$$;
comment on function clinic.placeholders is 'What a template may name, written {date}; {{ and }} are braces.';
grant execute on function clinic.placeholders to anon, authenticated, service_role;

create function clinic.template_tokens(line text)
returns table (token text, name text, n bigint)
language plpgsql
immutable
set search_path = ''
as $$
begin
  return query
  select m.found[1], case when m.found[1] like '{_%' then substring(m.found[1] from '^\{([a-z_]+)\}$') end, m.n
  from regexp_matches(line, '\{\{|\}\}|\{[^{}\n]*\}|[^{}]+|[{}]', 'g') with ordinality as m (found, n);
end
$$;
comment on function clinic.template_tokens is
'A template cut up, in order: text, {{ and }}, braces alone, and what stands between braces; name, if that can be a placeholder''s.';
grant execute on function clinic.template_tokens to anon, authenticated, service_role;

create function clinic.unknown_placeholders(template text)
returns text []
language plpgsql
immutable
set search_path = ''
as $$
begin
  return array(
    select coalesce(substring(t.token from '^\{(.*)\}$'), t.token)
    from clinic.template_tokens(unknown_placeholders.template) as t
    where t.token ~ '^[{}]' and t.token not in ('{{', '}}') and (t.name = any (clinic.placeholders())) is not true
    group by 1
    order by min(t.n)
  );
end
$$;
comment on function clinic.unknown_placeholders is
'What a template has between braces that is no placeholder, in order; { and } are braces that nothing closes or opens. Empty when all is well.';
grant execute on function clinic.unknown_placeholders to anon, authenticated, service_role;

create function clinic.fill_in(template text, said jsonb)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- What can be named, and what is said of it: nothing, if nothing is.
  v_said jsonb := (select jsonb_object_agg(p.name, null) from unnest(clinic.placeholders()) as p (name)) || coalesce(said, '{}');
begin
  return coalesce(
    (
      select string_agg(coalesce(f.text, l.line), E'\n' order by l.n)
      from unnest(string_to_array(template, E'\n')) with ordinality as l (line, n)
      cross join lateral (
        select
          string_agg(
            case
              when t.name is not null and v_said ? t.name then coalesce(v_said ->> t.name, '')
              when t.token in ('{{', '}}') then left(t.token, 1)
              else t.token
            end,
            '' order by t.n
          ) as text,
          -- Nothing but placeholders, and nothing in them.
          bool_and(
            t.token ~ '^[ \t]*$'
            or t.name is not null and v_said ? t.name and clinic.trimmed(v_said ->> t.name) is null
          ) as vanishes
        from clinic.template_tokens(l.line) as t where l.line ~ '[{}]'
      ) as f
      where f.vanishes is not true
    ),
    left(template, 0)
  );
end
$$;
comment on function clinic.fill_in is
'The template with its placeholders replaced by what is said of them, in one pass: no value is ever read as a template. Null says nothing, and a
line that has nothing but placeholders of which nothing is said goes away. What is no placeholder stays as it is written.';
grant execute on function clinic.fill_in to anon, authenticated, service_role;


-- SMS ----------------------------------------------------------------------------------------------------------------

create function clinic.gsm_characters()
returns text
language sql
immutable
set search_path = ''
as $$
  select E'@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&''()*+,-./0123456789:;<=>?'
    '¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
$$;
comment on function clinic.gsm_characters is 'The default alphabet of 3GPP TS 23.038 (GSM-7): one unit each.';
grant execute on function clinic.gsm_characters to anon, authenticated, service_role;

create function clinic.gsm_extension()
returns text
language sql
immutable
set search_path = ''
as $$
  select E'\f^{}\\[~]|€';
$$;
comment on function clinic.gsm_extension is 'The extension table of 3GPP TS 23.038: an escape and a character, two units each.';
grant execute on function clinic.gsm_extension to anon, authenticated, service_role;

create function clinic.sms_size(text text)
returns jsonb
language plpgsql
immutable
strict
set search_path = ''
as $$
declare
  v_is_gsm boolean := translate(sms_size.text, clinic.gsm_characters() || clinic.gsm_extension(), '') = '';
  v_extension text := clinic.gsm_extension();
  v_room integer := case when v_is_gsm then 153 else 67 end;
  v_character text;
  v_size integer;
  v_units integer := 0;
  v_filled integer := 0;
  v_segments integer := 0;
begin
  foreach v_character in array string_to_array(sms_size.text, null) loop
    v_size := 1 + (case when v_is_gsm then strpos(v_extension, v_character) > 0 else octet_length(v_character) = 4 end)::integer;
    v_units := v_units + v_size;
    -- No character of two units is cut: its segment ends one short.
    if v_segments = 0 or v_filled + v_size > v_room then
      v_segments := v_segments + 1;
      v_filled := 0;
    end if;
    v_filled := v_filled + v_size;
  end loop;
  return jsonb_build_object(
    'encoding', case when v_is_gsm then 'GSM-7' else 'UCS-2' end,
    'units', v_units,
    'segments', case when v_units <= case when v_is_gsm then 160 else 70 end then least(v_segments, 1) else v_segments end
  );
end
$$;
comment on function clinic.sms_size is
'How a text goes by SMS: {encoding, units, segments}. GSM-7 if it has all characters, 160 units alone or 153 a segment; else UCS-2, UTF-16 units,
70 or 67. As phones put it together: a character of two units is in one segment.';
grant execute on function clinic.sms_size to anon, authenticated, service_role;
