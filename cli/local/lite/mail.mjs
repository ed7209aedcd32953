// The embedded stack's letter box: a mail is a file in a folder, and goes nowhere else.

import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const KEPT = 100; // the newest; they hold addresses and keys

const line = (text) => text.replace(/[\r\n]+/g, " ");

/** A driver of lite's, which gives it each mail to send. */
export class Folder {
  #path;

  constructor(path) {
    this.#path = path;
  }

  async send({ to, subject, text }) {
    const now = new Date();
    const head = [`To: ${line(to)}`, `Subject: ${line(subject)}`, `Date: ${now.toUTCString()}`];
    const mail = [...head, "Content-Type: text/plain; charset=utf-8", "", text, ""].join("\n");
    const name = `${now.toISOString().replaceAll(":", "-")}-${crypto.randomUUID().slice(0, 8)}.eml`;
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#path, name), mail, { mode: 0o600 });
    const old = (await readdir(this.#path)).filter((each) => each.endsWith(".eml")).sort().slice(0, -KEPT);
    await Promise.all(old.map((each) => rm(join(this.#path, each), { force: true })));
  }
}
