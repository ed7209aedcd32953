// What Auth mails: handed to the stack's mailbox, as any mail server would get it.

import { createTransport } from "nodemailer";

const FROM = { name: "Chairtime", address: "accounts@chairtime.test" };

/** A driver of lite's, which gives it each mail to send. */
export class Post {
  #transport;

  constructor(url) {
    this.#transport = createTransport({ url, greetingTimeout: 5000, socketTimeout: 10_000 });
  }

  async send({ to, subject, text }) {
    await this.#transport.sendMail({ from: FROM, to, subject, text });
  }
}
