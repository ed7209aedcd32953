create table public.members (
  topic text not null,
  user_id uuid not null,
  may_send boolean not null,
  primary key (topic, user_id)
);
grant select on public.members to authenticated;

create policy members_read on realtime.messages for select to authenticated
using (exists (select from public.members where topic = realtime.topic() and user_id = auth.uid()));

create policy members_send on realtime.messages for insert to authenticated
with check (exists (select from public.members where topic = realtime.topic() and user_id = auth.uid() and may_send));

create policy anyone_watches on realtime.messages for select to anon
using (realtime.topic() like 'open:%' and extension = 'broadcast');

create policy headers_count on realtime.messages for select to authenticated
using (current_setting('request.headers', true)::json ->> 'x-chairtime-test' = realtime.topic());

create policy some_policies_fail on realtime.messages for select to authenticated
using (realtime.topic() like 'failing:%' and realtime.topic()::uuid is not null);

create policy some_see_presence_only on realtime.messages for select to authenticated
using (realtime.topic() like 'present:%' and extension = 'presence');
