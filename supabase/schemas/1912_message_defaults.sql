-- The words of messages where a clinic has none of its own, in each language.

create table clinic.message_defaults (
  kind text not null,
  channel text not null,
  locale text not null,
  subject text,
  body text not null,
  constraint message_defaults_pkey primary key (kind, channel, locale),
  constraint message_defaults_locale_fkey foreign key (locale) references clinic.locales (locale),
  constraint message_defaults_kind_is_known check (kind = any (clinic.message_kinds())),
  constraint message_defaults_channel_is_known check (channel = any (clinic.message_channels())),
  constraint message_defaults_only_emails_have_subjects check ((subject is not null) = (channel = 'email')),
  constraint message_defaults_placeholders_are_known check (
    clinic.unknown_placeholders(concat(subject, body)) = '{}'
  )
);
comment on table clinic.message_defaults is
'What is sent unless a clinic has a text of its own. {patient} may be a child and the reader its guardian, so texts say for whom a visit is.
Short ones keep to the characters of GSM-7 where the language lets them, and Arabic lines begin in Arabic, for that makes them run from the right.';
create index message_defaults_by_locale on clinic.message_defaults (locale);
alter table clinic.message_defaults enable row level security;

create policy message_defaults_are_public on clinic.message_defaults
  for select to anon, authenticated
  using (true);
grant select on clinic.message_defaults to anon, authenticated, service_role;

insert into clinic.message_defaults (kind, channel, locale, subject, body) values
('booked', 'email', 'en', 'Appointment for {patient}: {date}, {time}',
'Hello,

This is to confirm the appointment for {patient}:

{visit}
{date} at {time}
with {dentist}

To move or cancel it, or to add it to your calendar, please open this link:
{link}

We look forward to seeing you.

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'en', 'New time for {patient}: {date}, {time}',
'Hello,

The appointment for {patient} has been moved. The new time is:

{visit}
{date} at {time}
with {dentist}

The earlier time no longer applies. If the new one does not suit you, you can change it here:
{link}

We look forward to seeing you.

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'en', 'Cancelled: appointment for {patient}, {date}, {time}',
'Hello,

This appointment for {patient} has been cancelled:

{visit}
{date} at {time}
with {dentist}

If you would like a new appointment, you can book it here:
{link}

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'en', 'Reminder: appointment for {patient}, {date}, {time}',
'Hello,

This is a reminder of the appointment for {patient}:

{visit}
{date} at {time}
with {dentist}

Please let us know whether this time still suits you. You can confirm, move or cancel the appointment here:
{link}

We look forward to seeing you.

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'en', 'Time for the next appointment for {patient}: {visit}',
'Hello,

It is time for the next appointment for {patient}: {visit}.

You can choose a day and a time here:
{link}

If you have already booked, please disregard this message.

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'en', 'A free time for {patient}: {date}, {time}',
'Hello,

{patient} is on our waiting list, and this time has become free:

{visit}
{date} at {time}
with {dentist}

We are holding it for you until {until}. You can accept or decline it here:
{link}

After that, we will offer it to somebody else.

Kind regards,
{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'en', null,
'{clinic}: {visit} for {patient} is booked for {date} at {time}. {link}'),
('moved', 'sms', 'en', null,
'{clinic}: {visit} for {patient} is moved to {date} at {time}. {link}'),
('cancelled', 'sms', 'en', null,
'{clinic}: {visit} for {patient}, {date} at {time}, is cancelled. Rebook: {link}'),
('reminder', 'sms', 'en', null,
'{clinic}: reminder of {visit} for {patient} with {dentist}, {date} at {time}. Reply C to confirm, X to cancel.'),
('recall', 'sms', 'en', null,
'{clinic}: it is time for {visit} ({patient}). Choose a time: {link}'),
('offer', 'sms', 'en', null,
'{clinic}: a time is free for {patient}: {visit}, {date} at {time}. Held for you until {until}: {link}'),
('booked', 'email', 'de', 'Termin für {patient}: {date}, {time} Uhr',
'Guten Tag,

für {patient} ist folgender Termin eingetragen:

{visit}
{date}, {time} Uhr
bei {dentist}

Über diesen Link können Sie ihn verschieben, absagen oder in Ihren Kalender übernehmen:
{link}

Wir freuen uns auf Ihren Besuch.

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'de', 'Neuer Termin für {patient}: {date}, {time} Uhr',
'Guten Tag,

der Termin für {patient} wurde verschoben. Neu gilt:

{visit}
{date}, {time} Uhr
bei {dentist}

Der frühere Termin entfällt. Passt Ihnen der neue nicht, können Sie ihn hier ändern:
{link}

Wir freuen uns auf Ihren Besuch.

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'de', 'Abgesagt: Termin für {patient}, {date}, {time} Uhr',
'Guten Tag,

folgender Termin für {patient} wurde abgesagt:

{visit}
{date}, {time} Uhr
bei {dentist}

Einen neuen Termin können Sie hier buchen:
{link}

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'de', 'Erinnerung: Termin für {patient}, {date}, {time} Uhr',
'Guten Tag,

wir erinnern Sie an den Termin für {patient}:

{visit}
{date}, {time} Uhr
bei {dentist}

Bitte geben Sie uns kurz Bescheid. Hier können Sie den Termin bestätigen, verschieben oder absagen:
{link}

Wir freuen uns auf Ihren Besuch.

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'de', 'Zeit für den nächsten Termin für {patient}: {visit}',
'Guten Tag,

für {patient} ist es wieder Zeit für einen Termin: {visit}.

Hier können Sie einen passenden Tag und eine Uhrzeit auswählen:
{link}

Falls Sie bereits einen Termin vereinbart haben, ist diese Nachricht für Sie hinfällig.

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'de', 'Freier Termin für {patient}: {date}, {time} Uhr',
'Guten Tag,

{patient} steht auf unserer Warteliste, und dieser Termin ist frei geworden:

{visit}
{date}, {time} Uhr
bei {dentist}

Wir halten ihn für Sie frei bis: {until}. Hier können Sie ihn annehmen oder ablehnen:
{link}

Danach bieten wir ihn jemand anderem an.

Mit freundlichen Grüßen
{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'de', null,
'{clinic}: {visit} für {patient} ist gebucht: {date}, {time} Uhr. {link}'),
('moved', 'sms', 'de', null,
'{clinic}: {visit} für {patient} ist verschoben auf {date}, {time} Uhr. {link}'),
('cancelled', 'sms', 'de', null,
'{clinic}: {visit} für {patient}, {date}, {time} Uhr: abgesagt. Neu buchen: {link}'),
('reminder', 'sms', 'de', null,
'{clinic} erinnert: {visit} für {patient} bei {dentist}, {date}, {time} Uhr. Antwort: JA = bestätigen, NEIN = absagen.'),
('recall', 'sms', 'de', null,
'{clinic}: Für {patient} ist es Zeit für einen Termin: {visit}. Hier buchen: {link}'),
('offer', 'sms', 'de', null,
'{clinic}: Freier Termin für {patient}: {visit}, {date}, {time} Uhr. Für Sie reserviert bis {until}: {link}'),
('booked', 'email', 'es', 'Cita para {patient}: {date}, {time} h',
'Hola:

Le confirmamos esta cita para {patient}:

{visit}
{date}, a las {time} h
con {dentist}

Si necesita cambiarla o cancelarla, o desea añadirla a su calendario, puede hacerlo aquí:
{link}

Le esperamos.

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'es', 'Cita cambiada para {patient}: {date}, {time} h',
'Hola:

La cita para {patient} ha cambiado de fecha u hora. Ahora es:

{visit}
{date}, a las {time} h
con {dentist}

La cita anterior ya no es válida. Si la nueva no le viene bien, puede cambiarla aquí:
{link}

Le esperamos.

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'es', 'Cita cancelada para {patient}: {date}, {time} h',
'Hola:

Se ha cancelado esta cita para {patient}:

{visit}
{date}, a las {time} h
con {dentist}

Si desea una nueva cita, puede reservarla aquí:
{link}

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'es', 'Recordatorio de cita para {patient}: {date}, {time} h',
'Hola:

Le recordamos esta cita para {patient}:

{visit}
{date}, a las {time} h
con {dentist}

Por favor, díganos si le sigue viniendo bien. Puede confirmar, cambiar o cancelar la cita aquí:
{link}

Le esperamos.

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'es', 'Es hora de la próxima cita para {patient}: {visit}',
'Hola:

Ya es hora de reservar la próxima cita para {patient}: {visit}.

Puede elegir el día y la hora aquí:
{link}

Si ya ha reservado, no tenga en cuenta este mensaje.

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'es', 'Hora libre para {patient}: {date}, {time} h',
'Hola:

{patient} está en nuestra lista de espera y ha quedado libre esta hora:

{visit}
{date}, a las {time} h
con {dentist}

Se la reservamos hasta: {until}. Puede aceptarla o rechazarla aquí:
{link}

Después se la ofreceremos a otra persona.

Atentamente,
{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'es', null,
'{clinic}: cita para {patient} ({visit}) el {date}, a las {time} h. {link}'),
('moved', 'sms', 'es', null,
'{clinic}: la cita para {patient} ({visit}) pasa al {date}, a las {time} h. {link}'),
('cancelled', 'sms', 'es', null,
'{clinic}: cita cancelada: {patient} ({visit}), {date}, {time} h. Nueva cita: {link}'),
('reminder', 'sms', 'es', null,
'{clinic}: recuerde la cita de {patient} ({visit}), {date}, {time} h, con {dentist}. Responda SI para confirmar, NO para cancelar.'),
('recall', 'sms', 'es', null,
'{clinic}: es hora de reservar cita para {patient} ({visit}). Elija fecha: {link}'),
('offer', 'sms', 'es', null,
'{clinic}: hora libre para {patient} ({visit}), {date}, {time} h. Se la guardamos hasta: {until}. {link}'),
('booked', 'email', 'fr', 'Rendez-vous pour {patient} : {date} à {time}',
'Bonjour,

Nous vous confirmons le rendez-vous suivant pour {patient} :

{visit}
{date} à {time}
avec {dentist}

Pour le déplacer, l’annuler ou l’ajouter à votre agenda, suivez ce lien :
{link}

Au plaisir de vous recevoir.

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'fr', 'Rendez-vous déplacé pour {patient} : {date} à {time}',
'Bonjour,

Le rendez-vous pour {patient} a été déplacé. Voici la nouvelle date :

{visit}
{date} à {time}
avec {dentist}

L’ancienne date n’est plus valable. Si la nouvelle ne vous convient pas, vous pouvez la modifier ici :
{link}

Au plaisir de vous recevoir.

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'fr', 'Rendez-vous annulé pour {patient} : {date} à {time}',
'Bonjour,

Le rendez-vous suivant pour {patient} a été annulé :

{visit}
{date} à {time}
avec {dentist}

Si vous souhaitez un nouveau rendez-vous, vous pouvez le prendre ici :
{link}

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'fr', 'Rappel de rendez-vous pour {patient} : {date} à {time}',
'Bonjour,

Nous vous rappelons le rendez-vous suivant pour {patient} :

{visit}
{date} à {time}
avec {dentist}

Merci de nous dire s’il vous convient toujours. Vous pouvez le confirmer, le déplacer ou l’annuler ici :
{link}

Au plaisir de vous recevoir.

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'fr', 'Prochain rendez-vous pour {patient} : {visit}',
'Bonjour,

Il est temps de prendre le prochain rendez-vous pour {patient} : {visit}.

Vous pouvez choisir le jour et l’heure ici :
{link}

Si le rendez-vous est déjà pris, merci de ne pas tenir compte de ce message.

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'fr', 'Créneau libre pour {patient} : {date} à {time}',
'Bonjour,

{patient} figure sur notre liste d’attente et ce créneau vient de se libérer :

{visit}
{date} à {time}
avec {dentist}

Nous vous le réservons. Date limite de réponse : {until}. Vous pouvez l’accepter ou le refuser ici :
{link}

Passé ce délai, nous le proposerons à une autre personne.

Cordialement,
{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'fr', null,
'{clinic} : rendez-vous pour {patient} ({visit}) le {date} à {time}. {link}'),
('moved', 'sms', 'fr', null,
'{clinic} : rendez-vous pour {patient} ({visit}) déplacé au {date} à {time}. {link}'),
('cancelled', 'sms', 'fr', null,
'{clinic} : RDV annulé pour {patient} ({visit}), {date} à {time}. Autre RDV : {link}'),
('reminder', 'sms', 'fr', null,
'{clinic} : rappel RDV, {patient} ({visit}) le {date} à {time} avec {dentist}. Répondez OUI pour confirmer, NON pour annuler.'),
('recall', 'sms', 'fr', null,
'{clinic} : il est temps de prendre rendez-vous pour {patient} ({visit}). Choisir une date : {link}'),
('offer', 'sms', 'fr', null,
'{clinic} : créneau libre pour {patient} ({visit}), {date} à {time}. Réservé pour vous, à confirmer avant : {until}. {link}'),
('booked', 'email', 'ja', '【ご予約の確認】{patient}様 {date} {time}',
'この度は{clinic}にご予約いただき、誠にありがとうございます。

{patient}様のご予約を、次のとおり承りました。

日時：{date} {time}
内容：{visit}
担当：{dentist}

ご予約の変更やキャンセル、カレンダーへの追加は、こちらのページからお手続きいただけます。
{link}

ご来院をお待ちしております。

{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'ja', '【ご予約の変更】{patient}様 {date} {time}',
'いつも{clinic}をご利用いただき、ありがとうございます。

{patient}様のご予約が、次のとおり変更になりました。

日時：{date} {time}
内容：{visit}
担当：{dentist}

以前の日時は無効となります。新しい日時のご都合が悪い場合は、こちらのページから変更いただけます。
{link}

ご来院をお待ちしております。

{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'ja', '【ご予約のキャンセル】{patient}様 {date} {time}',
'いつも{clinic}をご利用いただき、ありがとうございます。

{patient}様の次のご予約は、キャンセルとなりました。

日時：{date} {time}
内容：{visit}
担当：{dentist}

改めてのご予約は、こちらのページから承っております。
{link}

{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'ja', '【ご予約日のお知らせ】{patient}様 {date} {time}',
'いつも{clinic}をご利用いただき、ありがとうございます。

{patient}様のご予約日が近づいてまいりましたので、お知らせいたします。

日時：{date} {time}
内容：{visit}
担当：{dentist}

お手数ですが、ご都合に変わりがないかお知らせください。ご予約の確認、変更、キャンセルは、こちらのページからお手続きいただけます。
{link}

ご来院をお待ちしております。

{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'ja', '【次回ご来院のご案内】{patient}様 {visit}',
'いつも{clinic}をご利用いただき、ありがとうございます。

{patient}様の次回のご来院（{visit}）の時期になりましたので、ご案内いたします。

ご都合のよい日時を、こちらのページからお選びください。
{link}

すでにご予約がお済みの場合は、行き違いですのでご容赦ください。

{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'ja', '【空き時間のご案内】{patient}様 {date} {time}',
'いつも{clinic}をご利用いただき、ありがとうございます。

キャンセル待ちをいただいている{patient}様に、ご案内できるお時間ができました。

日時：{date} {time}
内容：{visit}
担当：{dentist}

このお時間は{until}までお取りしております。ご希望の有無を、こちらのページからお知らせください。
{link}

期限を過ぎますと、ほかの方にご案内いたします。

{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'ja', null,
'{clinic}：{patient}様のご予約（{visit}）を{date} {time}に承りました。
{link}'),
('moved', 'sms', 'ja', null,
'{clinic}：{patient}様のご予約（{visit}）は{date} {time}に変更となりました。
{link}'),
('cancelled', 'sms', 'ja', null,
'{clinic}：{patient}様の{date} {time}のご予約（{visit}）はキャンセルとなりました。再予約はこちら：
{link}'),
('reminder', 'sms', 'ja', null,
'{clinic}：{patient}様のご予約は{date} {time}（{visit}、担当 {dentist}）です。ご来院は「はい」、取り消しは「キャンセル」とご返信ください。'),
('recall', 'sms', 'ja', null,
'{clinic}：{patient}様の次回のご来院（{visit}）の時期です。ご予約はこちら：
{link}'),
('offer', 'sms', 'ja', null,
'{clinic}：{patient}様、{date} {time}（{visit}）に空きが出ました。{until}までお取りしております。お返事はこちら：
{link}'),
('booked', 'email', 'ar', 'حجز موعد باسم {patient}: {date}، {time}',
'تحية طيبة،

تم حجز الموعد التالي باسم {patient}:

الزيارة: {visit}
الموعد: {date}، الساعة {time}
مع: {dentist}

لتغيير الموعد أو إلغائه أو إضافته إلى التقويم، يرجى استخدام هذا الرابط:
{link}

يسعدنا استقبالكم.

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('moved', 'email', 'ar', 'تغيير موعد باسم {patient}: {date}، {time}',
'تحية طيبة،

تم تغيير الموعد المحجوز باسم {patient}. الموعد الجديد هو:

الزيارة: {visit}
الموعد: {date}، الساعة {time}
مع: {dentist}

لم يعد الموعد السابق قائمًا. إذا لم يناسبكم الموعد الجديد، فيمكنكم تغييره من هنا:
{link}

يسعدنا استقبالكم.

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('cancelled', 'email', 'ar', 'إلغاء موعد باسم {patient}: {date}، {time}',
'تحية طيبة،

تم إلغاء الموعد التالي المحجوز باسم {patient}:

الزيارة: {visit}
الموعد: {date}، الساعة {time}
مع: {dentist}

إذا رغبتم في موعد جديد، فيمكنكم حجزه من هنا:
{link}

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('reminder', 'email', 'ar', 'تذكير بموعد باسم {patient}: {date}، {time}',
'تحية طيبة،

نود تذكيركم بالموعد التالي المحجوز باسم {patient}:

الزيارة: {visit}
الموعد: {date}، الساعة {time}
مع: {dentist}

يرجى إعلامنا إن كان الموعد لا يزال مناسبًا. يمكنكم تأكيده أو تغييره أو إلغاؤه من هنا:
{link}

يسعدنا استقبالكم.

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('recall', 'email', 'ar', 'حان وقت الموعد القادم باسم {patient}: {visit}',
'تحية طيبة،

حان وقت حجز الموعد القادم باسم {patient}: {visit}.

يمكنكم اختيار اليوم والساعة من هنا:
{link}

إذا كان الموعد محجوزًا بالفعل، فيرجى تجاهل هذه الرسالة.

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('offer', 'email', 'ar', 'موعد متاح باسم {patient}: {date}، {time}',
'تحية طيبة،

الاسم {patient} مدرج في قائمة الانتظار لدينا، وقد أصبح هذا الموعد متاحًا:

الزيارة: {visit}
الموعد: {date}، الساعة {time}
مع: {dentist}

نحتفظ به لكم حتى {until}. يمكنكم قبوله أو رفضه من هنا:
{link}

بعد ذلك سنعرضه على شخص آخر.

مع أطيب التحيات،
{clinic}
{clinic_address}
{clinic_phone}'),
('booked', 'sms', 'ar', null,
'تم حجز موعد باسم {patient} ({visit}) لدى {clinic}: {date}، {time}.
{link}'),
('moved', 'sms', 'ar', null,
'تم تغيير الموعد باسم {patient} ({visit}) لدى {clinic} إلى {date}، {time}.
{link}'),
('cancelled', 'sms', 'ar', null,
'تم إلغاء الموعد باسم {patient} ({visit}) لدى {clinic} يوم {date}، {time}. لحجز موعد جديد:
{link}'),
('reminder', 'sms', 'ar', null,
'تذكير من {clinic}: موعد باسم {patient} ({visit}) يوم {date}، الساعة {time}، مع {dentist}. للتأكيد يرجى الرد بكلمة نعم، وللإلغاء بكلمة إلغاء.'),
('recall', 'sms', 'ar', null,
'حان وقت حجز موعد باسم {patient} ({visit}) لدى {clinic}. لاختيار الوقت:
{link}'),
('offer', 'sms', 'ar', null,
'موعد متاح باسم {patient} ({visit}) لدى {clinic}: {date}، {time}. محجوز لكم حتى {until}. للرد:
{link}');
