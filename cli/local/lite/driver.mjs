// lite on Postgres through `pg`, where a lost connection costs the request that used it and nobody else.
//
// lite's own driver, `postgres`, ends the process when a reserved connection drops (porsager/postgres#1208) and can
// leave its query waiting for ever (#1154). Here each query is settled: what Postgres says goes on to lite as it is,
// and what a lost or refused connection means is said in the form of an error that lite turns into a 503.

import { PostgresConnection } from "@supabase/lite/postgres";
import { Kysely, PostgresDialect } from "kysely";
import pg from "pg";

const PATIENCE = 30_000; // ms that a request waits for a connection
const pause = () => new Promise((resolve) => setTimeout(resolve, 500)); // between two attempts

/** lite's connection to Postgres, with a pool of `pg`'s. Values arrive as PostgREST writes them. */
export class Database extends PostgresConnection {
  constructor(url, connections) {
    super({ url }); // its driver is made, and never connects
    this.url = url;
    this.changes = 0; // of the schema
    this.reading = null; // the schema, at the moment
    this.types = new Types();
    this.pool = new pg.Pool({
      connectionString: url,
      max: connections,
      types: this.types,
      idleTimeoutMillis: 0,
      connectionTimeoutMillis: PATIENCE,
      keepAlive: true,
      application_name: "lite",
    });
    // The pool drops a lost connection itself. Without a listener, the event would end the process.
    this.pool.on("error", () => {});
    this.pool.on("connect", (client) => client.on("error", () => {}));
    this.kysely = new Kysely({ dialect: new PostgresDialect({ pool: { connect: () => this.#lend(), end: () => this.pool.end() } }) });
  }

  async #lend() {
    const client = await settled(this.pool.connect());
    return {
      query: (text, values) => settled(client.query(text, values)),
      release: () => client.release(),
    };
  }

  /** Return the schema as it was read last; read it where there is none, once for all who ask meanwhile. */
  async introspect(options) {
    if (options?.useCache && this.introspection) return this.introspection;
    return (this.reading ??= this.#read(options).finally(() => (this.reading = null)));
  }

  /** Read the schema anew, until that succeeds. Requests go on with the one before. */
  async reload() {
    this.changes += 1;
    while (!(await this.introspect().catch(() => null))) await pause();
  }

  async #read(options) {
    let changes, found;
    do {
      changes = this.changes;
      await this.types.load(this.pool);
      found = await super.introspect({ ...options, useCache: false });
      if (!found.functions) throw unavailable(); // lite takes a lost connection for an empty schema
    } while (changes !== this.changes);
    return found;
  }

  /** Call `onNotice` for each notification at `url`, and after each pause in which one could have been missed. */
  async listen(channel, url, onNotice) {
    const client = new pg.Client({ connectionString: url, keepAlive: true, application_name: "lite listens" });
    client.on("error", () => {});
    client.on("notification", () => this.#follow(client).then(onNotice, onNotice));
    client.once("end", () => pause().then(() => this.listen(channel, url, onNotice)).then(onNotice, () => {}));
    await client.connect();
    await client.query(`listen ${client.escapeIdentifier(channel)}`);
  }

  /** Wait until this database, if it is a replica, has what the one of `client` has written so far. */
  async #follow(client) {
    const { rows } = await client.query("select pg_current_wal_lsn() as written");
    const query = "select not pg_is_in_recovery() or pg_last_wal_replay_lsn() >= $1::pg_lsn as here";
    while (!(await this.pool.query(query, [rows[0].written])).rows[0].here) await pause();
  }

  async close() {
    await this.pool.end();
  }
}

// "2026-12-01 10:00:00.5+00" is Postgres' way; PostgREST and GoTrue say "2026-12-01T10:00:00.5+00:00".
const iso = (text) => text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");

const number = (text) => (String(Number(text)) === text ? Number(text) : text);
const bigint = (text) => (Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text));
const { BOOL, BYTEA, INT2, INT4, INT8, OID, FLOAT4, FLOAT8, NUMERIC, JSON: JSON_, JSONB, TIMESTAMP, TIMESTAMPTZ } =
  pg.types.builtins;

/** How values are read. What is not named here, or an array, is text. */
class Types {
  #parsers = new Map([
    ...[BOOL, BYTEA, INT2, INT4, OID, FLOAT4, FLOAT8].map((oid) => [oid, pg.types.getTypeParser(oid)]),
    ...[JSON_, JSONB].map((oid) => [oid, JSON.parse]),
    ...[TIMESTAMP, TIMESTAMPTZ].map((oid) => [oid, iso]),
    [INT8, bigint],
    [NUMERIC, number],
  ]);

  getTypeParser(oid, format) {
    return format === "binary" ? pg.types.getTypeParser(oid, format) : (this.#parsers.get(oid) ?? String);
  }

  async load(pool) {
    const query = "select oid::int4 as element, typarray::int4 as array from pg_catalog.pg_type where typarray <> 0";
    const { rows } = await settled(pool.query(query));
    for (const { element, array } of rows) {
      const parse = this.getTypeParser(element);
      this.#parsers.set(array, (text) => pg.types.arrayParser.create(text, parse).parse());
    }
  }
}

/** Wait for an answer of Postgres; make of every failure an error that lite can answer with, and log in a line. */
const settled = async (answer) => {
  try {
    return await answer;
  } catch (error) {
    const told = isLost(error) ? unavailable() : error;
    told[Symbol.for("nodejs.util.inspect.custom")] = () => line(error);
    throw told;
  }
};

// Only Postgres' own errors have a severity. These classes of them say that there is no server for this request.
const isLost = (error) => !error.severity || /^(08|53|57P)/.test(error.code);

const AWAY = { code: "PGRST001", message: "The database does not answer", details: null, hint: "Try again in a moment." };
const AWAY_STATUS = { status: 503, headers: { "Retry-After": "1" } };

/** PostgREST's answer to a database that is away: as `raise sqlstate 'PGRST'` would make it, and for Hono. */
const unavailable = () =>
  Object.assign(new Error(), {
    code: "PGRST",
    message: JSON.stringify(AWAY),
    detail: JSON.stringify(AWAY_STATUS),
    getResponse: () => Response.json(AWAY, AWAY_STATUS),
  });

/** Say an error in a line, for the log. */
const line = (error) => {
  const when = new Date().toISOString();
  if (error.code === "PGRST") return `${when} refused: ${parsed(error.message).code ?? error.message}`;
  return `${when} ${error.severity ?? "lost"} ${error.code ?? ""}: ${error.message.split("\n")[0]}`;
};

const parsed = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
};
