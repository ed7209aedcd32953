// The embedded stack's mailbox: takes whatever is mailed or texted, shows it in a browser, and passes nothing on.
//
// MailDev, run as a library. Mails come over SMTP. Text messages come as the worker's documented HTTP request, signed
// as Standard Webhooks say, and lie between the mails, to NUMBER@sms.local. Settings come as JSON in CHAIRTIME_MAILBOX.

import { flushCompileCache } from "node:module";
import { createAPIServer } from "@maildev/api";
import { FileStorage } from "@maildev/core";
import { createSMTPServer } from "@maildev/smtp";
import { registerUI } from "@maildev/ui/server";
import { createTransport } from "nodemailer";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

const settings = JSON.parse(process.env.CHAIRTIME_MAILBOX);
const host = "127.0.0.1";
const KEY = "x-idempotency-key";

const storage = new FileStorage({ mailDirectory: settings.mail_dir, maxEmails: 1000 });
const smtp = createSMTPServer({ host, port: settings.smtp_port, storage, mailDir: settings.mail_dir, logger: false });
// Other pages in the same browser read nothing here.
const api = createAPIServer({ host, port: settings.port, storage, smtp, cors: { origin: false, credentials: false } });
const post = createTransport({ host, port: settings.smtp_port });
const webhook = new Webhook(settings.sms_secret);

/** What was taken, by its key: the same key again is the same message. */
const taken = new Map();

const once = (key, deliver) => {
  if (!taken.has(key)) {
    taken.set(key, deliver().catch((error) => {
      taken.delete(key);
      throw error;
    }));
  }
  return taken.get(key);
};

const isText = (value) => typeof value === "string" && value !== "";

const deliver = async ({ to, from, sender_name: name, text }, key) => {
  const [first] = text.split("\n");
  const number = (value) => `${value.replace(/[^\w+.-]/g, "")}@sms.local`;
  await post.sendMail({
    from: { name: name ?? "", address: number(from ?? "clinic") },
    to: number(to),
    subject: first,
    text,
    headers: { [KEY]: key },
  });
  return { id: key };
};

const takeText = async (request, reply) => {
  let message;
  try {
    message = webhook.verify(request.body, request.headers);
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) return reply.code(400).send({ error: "This is no JSON." });
    return reply.code(401).send({ error: error.message });
  }
  if (!isText(message?.to) || !isText(message.text)) {
    return reply.code(400).send({ error: "A text message has `to` and `text`." });
  }
  const key = request.headers["idempotency-key"] ?? request.headers["webhook-id"];
  return once(key, () => deliver(message, key));
};

await storage.initialize();
await smtp.start();
await smtp.loadMailsFromDirectory();
for (const { headers } of await storage.getAll()) {
  if (headers[KEY]) taken.set(headers[KEY], Promise.resolve({ id: headers[KEY] }));
}
await api.registerPlugins();
await api.server.register(async (door) => {
  // The signature is of the text as it came.
  door.removeAllContentTypeParsers();
  door.addContentTypeParser("*", { parseAs: "string" }, (_, body, done) => done(null, body));
  door.post("/sms", takeText);
});
await registerUI(api.server);
await api.listen();
flushCompileCache(); // no later: it is ended by a signal
