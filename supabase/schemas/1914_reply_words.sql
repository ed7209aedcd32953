-- What people mean by what they text back, and what they are answered, in each language.

create function clinic.reply_key(body text)
returns text
language plpgsql
immutable
set search_path = ''
as $$
declare
  -- Letters and their marks apart, whatever their width; then the marks away (of Latin and Arabic, not of kana).
  v_key text := normalize(
    regexp_replace(normalize(body, nfkd), '[\u0300-\u036F\u0640\u064B-\u065F\u0670]', '', 'g'), nfkc
  );
begin
  v_key := translate(lower(v_key), '٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹ىة', '01234567890123456789يه');
  -- What asks, and pictures that say no: whoever adds them may not mean the word.
  v_key := translate(v_key, '؟¿❓❔❌❎✖✗✘⛔👎🚫🛑🙅', repeat('?', 14));
  -- Spaces, punctuation and other pictures, as code points: \W means what the server's locale says.
  v_key := regexp_replace(
    v_key,
    '[\u0001-/:->@\[-`{-\u00BF\u00D7\u060C\u061B-\u061E\u06D4\u2000-\u2BFF\u3000-\u3004\u3008-\u3020\u3030\u30FB\uFE00-\uFE0F\uFEFF'
    '\U0001F000-\U0001FAFF]+',
    ' ', 'g'
  );
  return btrim(v_key, ' ');
end
$$;
comment on function clinic.reply_key is
'A reply as its words are looked up: lower case, no accents, no other spellings of one letter, one digit, one width; words with single spaces between.';
grant execute on function clinic.reply_key to anon, authenticated, service_role;

create table clinic.reply_words (
  word text not null,
  means text not null,
  locale text,
  constraint reply_words_pkey primary key (word),
  constraint reply_words_locale_fkey foreign key (locale) references clinic.locales (locale),
  constraint reply_words_means_is_known check (means in ('confirm', 'cancel', 'stop', 'start', 'help')),
  constraint reply_words_word_is_a_key check (word = clinic.reply_key(word) and length(word) between 1 and 40)
);
comment on table clinic.reply_words is
'Whole replies that are understood, as clinic.reply_key writes them, and in which language they are; null when several have the word.
A word that could mean two things is not here: a person at the desk reads it.';
create index reply_words_by_locale on clinic.reply_words (locale);
alter table clinic.reply_words enable row level security;

create policy reply_words_are_public on clinic.reply_words
  for select to anon, authenticated
  using (true);
grant select on clinic.reply_words to anon, authenticated, service_role;

insert into clinic.reply_words (word, means, locale)
select distinct
  clinic.reply_key(w.word) as word,
  v.means,
  v.locale
from (
  values
  ('confirm', null, array['c', 'ok', 'okay', 'yes', 'si', 'confirme']),
  ('confirm', 'en', array['y', 'yep', 'yeah', 'confirm', 'confirmed', 'i confirm', 'yes confirm', 'yes please', 'yes thanks', 'yes thank you', 'ok thanks', 'ok thank you', 'i will be there', 'i ll be there', 'see you then']),
  ('confirm', 'de', array['j', 'ja', 'ja bitte', 'ja danke', 'ja gerne', 'bestätigt', 'bestaetigt', 'bestätigen', 'bestaetigen', 'bestätige', 'bestaetige', 'ich bestätige', 'ich bestaetige', 'ich komme', 'ja ich komme', 'passt', 'in ordnung', 'einverstanden']),
  ('confirm', 'es', array['sí gracias', 'sí confirmo', 'confirmo', 'confirmar', 'confirmado', 'confirmada', 'vale', 'de acuerdo', 'allí estaré', 'ahí estaré']),
  ('confirm', 'fr', array['oui', 'oui merci', 'oui je confirme', 'je confirme', 'confirmer', 'd''accord', 'je serai là', 'je viendrai']),
  ('confirm', 'ja', array['はい', 'はい、お願いします', 'はいお願いします', '確認', '確認しました', '確定', '了解', '了解です', '了解しました', '承知しました', '行きます', '伺います', '予約通り伺います']),
  ('confirm', 'ar', array['نعم', 'نعم شكرا', 'أيوه', 'تأكيد', 'أؤكد', 'نعم أؤكد', 'أكيد', 'مؤكد', 'موافق', 'موافقة', 'حسنا', 'سأحضر', 'تمام']),
  ('cancel', null, array['x', 'no', 'n']),
  ('cancel', 'en', array['nope', 'cancel', 'canceled', 'cancelled', 'cancel it', 'cancel please', 'please cancel', 'cancel appointment', 'cancel my appointment', 'please cancel my appointment', 'i cancel', 'i can''t come', 'i cannot come', 'can''t come', 'can''t make it', 'i can''t make it']),
  ('cancel', 'de', array['nein', 'nein danke', 'absage', 'absagen', 'bitte absagen', 'ich sage ab', 'abgesagt', 'termin absagen', 'bitte termin absagen', 'stornieren', 'storno', 'ich komme nicht', 'ich kann nicht', 'ich kann nicht kommen']),
  ('cancel', 'es', array['cancelar', 'cancelo', 'cancele', 'cancelada', 'cancelado', 'cancelar cita', 'cancelar la cita', 'quiero cancelar', 'anular', 'anulo', 'no puedo', 'no puedo ir', 'no iré', 'no voy']),
  ('cancel', 'fr', array['non', 'annuler', 'annulé', 'annule', 'annulation', 'j''annule', 'je veux annuler', 'annuler le rendez-vous', 'je ne viendrai pas', 'je ne peux pas venir']),
  ('cancel', 'ja', array['いいえ', 'キャンセル', 'キャンセルします', 'キャンセルで', 'キャンセルでお願いします', 'キャンセルお願いします', 'キャンセルしてください', '取消', '取消し', '取り消し', '取り消します', '行けません', '伺えません']),
  ('cancel', 'ar', array['لا', 'إلغاء', 'الغاء', 'ألغي', 'ألغوا الموعد', 'إلغاء الموعد', 'الغاء الموعد', 'أريد الإلغاء', 'أريد الالغاء', 'أعتذر عن الحضور', 'لن أحضر', 'لن أتمكن من الحضور']),
  ('stop', null, array['stop', 'stop sms']),
  ('stop', 'en', array['stop all', 'stopall', 'unsubscribe', 'end', 'quit', 'opt out', 'optout']),
  ('stop', 'de', array['stopp', 'sms abmelden', 'sms abbestellen', 'keine sms mehr']),
  ('stop', 'es', array['alto', 'baja', 'dar de baja', 'darme de baja', 'no más sms']),
  ('stop', 'fr', array['arrêt', 'arrêter', 'arrêtez', 'désabonner', 'désinscrire', 'désinscription', 'plus de sms']),
  ('stop', 'ja', array['停止', '配信停止', '配信停止希望', 'ストップ']),
  ('stop', 'ar', array['إيقاف', 'أوقف', 'أوقفوا', 'توقف', 'قف', 'إيقاف الرسائل', 'إلغاء الاشتراك', 'الغاء الاشتراك']),
  ('start', null, array['start']),
  ('start', 'en', array['unstop', 'subscribe', 'resume', 'opt in', 'optin']),
  ('start', 'de', array['starten', 'fortsetzen']),
  ('start', 'es', array['alta', 'dar de alta', 'darme de alta', 'reanudar']),
  ('start', 'fr', array['démarrer', 'réabonner', 'me réabonner']),
  ('start', 'ja', array['再開', '配信再開', '開始', '配信開始', 'スタート']),
  ('start', 'ar', array['بدء', 'استئناف', 'اشتراك']),
  ('help', null, array['help', 'info']),
  ('help', 'en', array['information']),
  ('help', 'de', array['hilfe', 'hilfe bitte']),
  ('help', 'es', array['ayuda']),
  ('help', 'fr', array['aide']),
  ('help', 'ja', array['ヘルプ', '使い方']),
  ('help', 'ar', array['مساعدة', 'المساعدة', 'معلومات'])
) as v (means, locale, words)
cross join unnest(v.words) as w (word);

create function clinic.reply_meaning(body text)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_key text := case when length(body) <= 100 then clinic.reply_key(body) end;
  v_asks boolean := strpos(v_key, '?') > 0;
  v_parts text [];
  v_choice integer;
  v_means text;
  v_locale text;
begin
  v_key := btrim(regexp_replace(v_key, '[? ]+', ' ', 'g'), ' ');
  -- 2, 2 c, c2, c 2
  v_parts := regexp_match(v_key, '^([^0-9]*?) ?(0?[1-9]|[1-9][0-9]) ?([^0-9]*)$');
  if v_parts is not null and '' in (v_parts[1], v_parts[3]) then
    v_choice := v_parts[2]::integer;
    v_key := v_parts[1] || v_parts[3];
  end if;
  select w.means, w.locale into v_means, v_locale from clinic.reply_words as w where w.word = v_key;
  v_means := case
    -- Is it a question, what is not a request for help?
    when v_asks and v_means is distinct from 'help' then 'unknown'
    when v_choice is null then coalesce(v_means, 'unknown')
    when v_key = '' then 'choice'
    -- No. 2 is number two, and no is no.
    when v_means in ('confirm', 'cancel') and v_parts[1] not in ('no', 'n', 'non', 'nein') then v_means
    else 'unknown'
  end;
  return jsonb_build_object(
    'means', v_means,
    'choice', case when v_means <> 'unknown' then v_choice end,
    'locale', case when v_means <> 'unknown' then v_locale end
  );
end
$$;
comment on function clinic.reply_meaning is
'What a reply says: {means, choice, locale}. means is confirm, cancel, stop, start, help, choice (a number alone, 1 to 99) or unknown; a number can
stand beside confirm and cancel. Only whole replies count; one that asks, or says more, is unknown, and for a person to read.';
grant execute on function clinic.reply_meaning to anon, authenticated, service_role;

create table clinic.reply_texts (
  kind text not null,
  locale text not null,
  body text not null,
  constraint reply_texts_pkey primary key (kind, locale),
  constraint reply_texts_locale_fkey foreign key (locale) references clinic.locales (locale),
  constraint reply_texts_kind_is_known check (
    kind in ('confirmed', 'cancelled', 'too_late', 'nothing', 'which', 'stopped', 'started', 'help', 'desk')
  ),
  constraint reply_texts_placeholders_are_known check (
    clinic.unknown_placeholders(body) <@ case kind when 'which' then '{visits}' else '{}' end::text []
  )
);
comment on table clinic.reply_texts is 'What a reply is answered with. Placeholders as in messages; which has {visits} besides, one a line with its number.';
create index reply_texts_by_locale on clinic.reply_texts (locale);
alter table clinic.reply_texts enable row level security;

create policy reply_texts_are_public on clinic.reply_texts
  for select to anon, authenticated
  using (true);
grant select on clinic.reply_texts to anon, authenticated, service_role;

insert into clinic.reply_texts (kind, locale, body) values
('confirmed', 'en', 'Thank you. Confirmed: {visit} for {patient}, {date} at {time}.
{clinic}'),
('cancelled', 'en', 'Cancelled: {visit} for {patient}, {date} at {time}. To book again, please contact us.
{clinic}
{clinic_phone}'),
('too_late', 'en', '{visit} for {patient}, {date} at {time}, can no longer be cancelled by message. Please call us.
{clinic}
{clinic_phone}'),
('nothing', 'en', 'We found no upcoming appointment for this number. If you have a question, please call us.
{clinic}
{clinic_phone}'),
('which', 'en', 'Which appointment do you mean? Please reply with its number:
{visits}
{clinic}'),
('stopped', 'en', 'You will get no more text messages from us. Reply START to get them again.
{clinic}'),
('started', 'en', 'You will get text messages from us again. Reply STOP to end them.
{clinic}'),
('help', 'en', 'Reply C to confirm your appointment, X to cancel it, STOP to end text messages. For anything else, please call us.
{clinic}
{clinic_phone}'),
('desk', 'en', 'Thank you for your message. Our team will read it and get back to you.
{clinic}
{clinic_phone}'),
('confirmed', 'de', 'Vielen Dank. Bestätigt: {visit} für {patient}, {date}, {time} Uhr.
{clinic}'),
('cancelled', 'de', 'Abgesagt: {visit} für {patient}, {date}, {time} Uhr. Für einen neuen Termin melden Sie sich gerne bei uns.
{clinic}
{clinic_phone}'),
('too_late', 'de', '{visit} für {patient}, {date}, {time} Uhr, lässt sich nicht mehr per Nachricht absagen. Bitte rufen Sie uns an.
{clinic}
{clinic_phone}'),
('nothing', 'de', 'Zu dieser Nummer haben wir keinen bevorstehenden Termin gefunden. Bei Fragen rufen Sie uns bitte an.
{clinic}
{clinic_phone}'),
('which', 'de', 'Welchen Termin meinen Sie? Bitte antworten Sie mit seiner Nummer:
{visits}
{clinic}'),
('stopped', 'de', 'Sie erhalten keine SMS mehr von uns. Mit START erhalten Sie sie wieder.
{clinic}'),
('started', 'de', 'Sie erhalten wieder SMS von uns. Mit STOPP beenden Sie das.
{clinic}'),
('help', 'de', 'JA bestätigt Ihren Termin, NEIN sagt ihn ab, STOPP beendet unsere SMS. Für alles andere rufen Sie uns bitte an.
{clinic}
{clinic_phone}'),
('desk', 'de', 'Vielen Dank für Ihre Nachricht. Unser Team liest sie und meldet sich bei Ihnen.
{clinic}
{clinic_phone}'),
('confirmed', 'es', 'Gracias. Cita confirmada para {patient} ({visit}), {date}, {time} h.
{clinic}'),
('cancelled', 'es', 'Cita cancelada para {patient} ({visit}), {date}, {time} h. Si desea otra, contacte con nosotros.
{clinic}
{clinic_phone}'),
('too_late', 'es', 'La cita para {patient} ({visit}), {date}, {time} h, ya no se puede cancelar por mensaje. Le rogamos que nos llame.
{clinic}
{clinic_phone}'),
('nothing', 'es', 'No encontramos ninguna cita pendiente con este teléfono. Si tiene alguna duda, le rogamos que nos llame.
{clinic}
{clinic_phone}'),
('which', 'es', 'Tiene varias citas. Responda con la cifra de la que corresponda:
{visits}
{clinic}'),
('stopped', 'es', 'Ya no le enviaremos SMS. Responda ALTA si desea recibirlos de nuevo.
{clinic}'),
('started', 'es', 'Le enviaremos SMS de nuevo. Responda BAJA si no desea recibirlos.
{clinic}'),
('help', 'es', 'Responda SI para confirmar su cita, NO para cancelarla, BAJA para no recibir SMS. Para otras consultas, le rogamos que nos llame.
{clinic}
{clinic_phone}'),
('desk', 'es', 'Gracias por su mensaje. Nuestro equipo lo lee y le responde en cuanto pueda.
{clinic}
{clinic_phone}'),
('confirmed', 'fr', 'Merci. Rendez-vous confirmé pour {patient} ({visit}), {date} à {time}.
{clinic}'),
('cancelled', 'fr', 'Rendez-vous annulé pour {patient} ({visit}), {date} à {time}. Pour en prendre un autre, contactez-nous.
{clinic}
{clinic_phone}'),
('too_late', 'fr', 'Le rendez-vous pour {patient} ({visit}), {date} à {time}, ne peut plus s''annuler par message. Merci de nous appeler.
{clinic}
{clinic_phone}'),
('nothing', 'fr', 'Nous n''avons trouvé aucun rendez-vous à venir pour ce numéro. Pour toute question, merci de nous appeler.
{clinic}
{clinic_phone}'),
('which', 'fr', 'De quel rendez-vous s''agit-il ? Merci de répondre par son numéro :
{visits}
{clinic}'),
('stopped', 'fr', 'Vous ne recevrez plus de SMS de notre part. Répondez START pour en recevoir à nouveau.
{clinic}'),
('started', 'fr', 'Vous recevrez à nouveau nos SMS. Répondez STOP pour ne plus en recevoir.
{clinic}'),
('help', 'fr', 'Répondez OUI pour confirmer votre rendez-vous, NON pour l''annuler, STOP pour ne plus recevoir de SMS. Sinon, merci de nous appeler.
{clinic}
{clinic_phone}'),
('desk', 'fr', 'Merci pour votre message. Notre équipe le lira et vous répondra.
{clinic}
{clinic_phone}'),
('confirmed', 'ja', 'ありがとうございます。{patient}様の{date} {time}のご予約（{visit}）を確認いたしました。
{clinic}'),
('cancelled', 'ja', '{patient}様の{date} {time}のご予約（{visit}）をキャンセルいたしました。改めてのご予約は、当院までご連絡ください。
{clinic}
{clinic_phone}'),
('too_late', 'ja', '{patient}様の{date} {time}のご予約（{visit}）は、メッセージでのキャンセルの期限を過ぎております。お電話でご連絡ください。
{clinic}
{clinic_phone}'),
('nothing', 'ja', 'この番号での今後のご予約は見つかりませんでした。ご不明な点は、お電話でお問い合わせください。
{clinic}
{clinic_phone}'),
('which', 'ja', 'どちらのご予約でしょうか。番号でご返信ください。
{visits}
{clinic}'),
('stopped', 'ja', '今後はSMSをお送りしません。再開をご希望の場合は「再開」とご返信ください。
{clinic}'),
('started', 'ja', 'SMSの配信を再開いたします。停止をご希望の場合は「停止」とご返信ください。
{clinic}'),
('help', 'ja', 'ご予約の確認は「はい」、取り消しは「キャンセル」、SMSの停止は「停止」とご返信ください。そのほかのご用件は、お電話でお問い合わせください。
{clinic}
{clinic_phone}'),
('desk', 'ja', 'メッセージをありがとうございます。スタッフが確認のうえ、ご連絡いたします。
{clinic}
{clinic_phone}'),
('confirmed', 'ar', 'شكرًا لكم. تم تأكيد الموعد باسم {patient} ({visit})، {date}، {time}.
{clinic}'),
('cancelled', 'ar', 'تم إلغاء الموعد باسم {patient} ({visit})، {date}، {time}. لحجز موعد آخر يرجى التواصل معنا.
{clinic}
{clinic_phone}'),
('too_late', 'ar', 'لم يعد ممكنًا إلغاء الموعد باسم {patient} ({visit})، {date}، {time}، برسالة. يرجى الاتصال بنا.
{clinic}
{clinic_phone}'),
('nothing', 'ar', 'لم نجد موعدًا قادمًا لهذا الرقم. للاستفسار يرجى الاتصال بنا.
{clinic}
{clinic_phone}'),
('which', 'ar', 'أي موعد تقصدون؟ يرجى الرد برقمه:
{visits}
{clinic}'),
('stopped', 'ar', 'لن نرسل إليكم رسائل نصية بعد الآن. لاستقبالها من جديد يرجى الرد بكلمة بدء.
{clinic}'),
('started', 'ar', 'سنرسل إليكم الرسائل النصية من جديد. لإيقافها يرجى الرد بكلمة إيقاف.
{clinic}'),
('help', 'ar', 'يرجى الرد بكلمة نعم لتأكيد موعدكم، أو إلغاء لإلغائه، أو إيقاف لإيقاف الرسائل النصية. لأي أمر آخر يرجى الاتصال بنا.
{clinic}
{clinic_phone}'),
('desk', 'ar', 'شكرًا على رسالتكم. سيقرؤها فريقنا ويرد عليكم.
{clinic}
{clinic_phone}');
