// The part of GoTrue that lite lacks and Chairtime's administrators need: /auth/v1/admin/users.
//
// Paths, bodies, answers and error codes are GoTrue's. It works with lite's own tables and rendering of a user,
// which come with each request as `env.service`.

import bcrypt from "bcryptjs";
import { Hono } from "hono";
import { jwtVerify } from "jose";
import { sql } from "kysely";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const DURATION = { h: 3600, m: 60, s: 1 };
const COST = 10;
const MAX_PASSWORD_BYTES = 72; // bcrypt reads no more
const MAX_PER_PAGE = 1000;

export class Refusal extends Error {
  constructor(status, code, message, details) {
    super(message);
    Object.assign(this, { status, code, details });
  }
}

const invalid = (message, status = 400) => new Refusal(status, "validation_failed", message);
const notFound = () => new Refusal(404, "user_not_found", "User not found");
const taken = () => new Refusal(422, "email_exists", "A user with this email address has already been registered");

/** What the database refuses is the request's fault, or a rule's: a trigger speaks as the API does. */
export const fromDatabase = (error) => {
  if (error.code === "23505") return taken();
  if (error.code === "PGRST") {
    const told = JSON.parse(error.message);
    return new Refusal(JSON.parse(error.detail ?? "{}").status ?? 422, told.code, told.message);
  }
  if (/^(22|23)/.test(error.code ?? "")) return invalid("The database does not accept these values", 422);
  return undefined;
};

export const answer = (context, { status, code, message, details }) => {
  context.header("X-Sb-Error-Code", code);
  return context.json({ code: status, error_code: code, msg: message, ...details }, status);
};

const KINDS = {
  string: (value) => typeof value === "string" && !value.includes("\0"),
  boolean: (value) => typeof value === "boolean",
  object: (value) => typeof value === "object" && !Array.isArray(value),
};
const FIELDS = {
  ...{ id: "string", email: "string", phone: "string", password: "string", role: "string", ban_duration: "string" },
  ...{ email_confirm: "boolean", phone_confirm: "boolean", user_metadata: "object", app_metadata: "object" },
};

/** The body's known fields that are not null. */
const read = async (context) => {
  const body = await context.req.json().catch(() => undefined);
  if (!body || !KINDS.object(body)) throw new Refusal(400, "bad_json", "Could not parse request body as a JSON object");
  const given = Object.entries(body).filter(([name, value]) => name in FIELDS && value !== null);
  const wrong = given.find(([name, value]) => !KINDS[FIELDS[name]](value));
  if (wrong) throw invalid(`${wrong[0]} must be a ${FIELDS[wrong[0]]}`);
  return Object.fromEntries(given);
};

const until = (duration) => {
  if (duration === "none") return null;
  const parts = [...duration.matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  if (!parts.length || parts.map(([all]) => all).join("") !== duration) throw invalid("invalid format for ban_duration");
  const seconds = parts.reduce((sum, [, number, unit]) => sum + number * DURATION[unit], 0);
  if (seconds > 1e10) throw invalid("ban_duration is too long");
  return new Date(Date.now() + seconds * 1000).toISOString();
};

const hash = (password, settings) => {
  const least = settings.minimum_password_length ?? 6;
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw invalid(`Password cannot be longer than ${MAX_PASSWORD_BYTES} bytes`);
  }
  if (password.length < least) {
    const details = { weak_password: { reasons: ["length"] } };
    throw new Refusal(422, "weak_password", `Password should be at least ${least} characters.`, details);
  }
  return bcrypt.hash(password, COST);
};

const merged = (before, changes) =>
  Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value !== null));

/** The columns that a body asks for, of a new user or of one that there is. */
const columns = async (body, user, settings) => {
  const now = new Date().toISOString();
  if (body.email !== undefined && !EMAIL.test(body.email)) {
    throw invalid("Unable to validate email address: invalid format");
  }
  return {
    ...(body.email && { email: body.email.toLowerCase() }),
    ...(body.email_confirm && { email_confirmed_at: user?.email_confirmed_at ?? now }),
    ...(body.phone && { phone: body.phone.replace(/^\+/, "") }),
    ...(body.phone_confirm && { phone_confirmed_at: user?.phone_confirmed_at ?? now }),
    ...(body.password && { encrypted_password: await hash(body.password, settings) }),
    ...(body.role && { role: body.role }),
    ...(body.ban_duration && { banned_until: until(body.ban_duration) }),
    ...(body.user_metadata && { raw_user_meta_data: merged(user?.raw_user_meta_data, body.user_metadata) }),
    ...(body.app_metadata && { raw_app_meta_data: merged(user?.raw_app_meta_data, body.app_metadata) }),
  };
};

const render = (service, row, identities) => ({
  ...service.mapUserToResponse(service.repo.parseUserJson(row), identities, "user"),
  ...(row.banned_until && { banned_until: row.banned_until }),
});

const find = async (context) => {
  const id = context.req.param("id");
  if (!UUID.test(id)) throw new Refusal(404, "validation_failed", "user_id must be an UUID");
  const row = await context.env.service.repo.findUserById(id);
  if (!row) throw notFound();
  return row;
};

const show = async (context, row) => {
  const { service } = context.env;
  return context.json(render(service, row, await service.repo.findIdentitiesByUserId(row.id)));
};

/** The address of a user, as what they sign in with. */
export const identity = (user) => {
  const told = { sub: user.id, email: user.email, email_verified: Boolean(user.email_confirmed_at), phone_verified: false };
  return { id: crypto.randomUUID(), provider: "email", provider_id: user.id, user_id: user.id, identity_data: told };
};

const list = async (context, kysely) => {
  const { service } = context.env;
  const [page, perPage] = ["page", "per_page"].map((name) => Number(context.req.query(name) || 0));
  if (![page, perPage].every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw invalid("Bad Pagination Parameters");
  }
  const size = Math.min(perPage || 50, MAX_PER_PAGE);
  const { rows: counted } = await sql`select count(*)::int as total from auth.users`.execute(kysely);
  const { rows } = await sql`
    select * from auth.users order by created_at desc, id
    limit ${size} offset ${(Math.max(page, 1) - 1) * size}`.execute(kysely);
  const ids = rows.map((row) => row.id);
  const { rows: identities } = await sql`
    select * from auth.identities where user_id = any (${`{${ids}}`}::uuid[])`.execute(kysely);
  const users = rows.map((row) => render(service, row, identities.filter(({ user_id }) => user_id === row.id)));
  context.header("X-Total-Count", String(counted[0].total));
  return context.json({ users, aud: "authenticated" });
};

const create = async (context, settings) => {
  const { repo } = context.env.service;
  const body = await read(context);
  if (!body.email && !body.phone) throw invalid("Cannot create a user without either an email or phone");
  if (body.id !== undefined && !UUID.test(body.id)) throw invalid("ID must be a valid UUID");
  const asked = await columns({ user_metadata: {}, app_metadata: {}, ...body }, undefined, settings);
  if (asked.email && (await repo.findUserByEmail(asked.email))) throw taken();
  const provider = asked.email ? "email" : "phone";
  const user = {
    id: body.id ?? crypto.randomUUID(),
    ...asked,
    raw_app_meta_data: { provider, providers: [provider], ...asked.raw_app_meta_data },
  };
  const row = await repo.createUser(user);
  if (user.email) await repo.createIdentity(identity(user));
  return show(context, row);
};

const update = async (context, settings) => {
  const { repo } = context.env.service;
  const row = await find(context);
  const changes = await columns(await read(context), repo.parseUserJson(row), settings);
  return show(context, Object.keys(changes).length ? await repo.updateUser(row.id, changes) : row);
};

const remove = async (context, kysely) => {
  const row = await find(context);
  await sql`delete from auth.users where id = ${row.id}`.execute(kysely);
  return context.json({});
};

/** The secret key is the only one that may: the gateway turns it into a token of the role. */
const onlyService = (secret) => async (context, next) => {
  const token = context.req.header("Authorization")?.match(/^Bearer\s+(.+)$/i)?.[1];
  if (!token) throw new Refusal(401, "no_authorization", "This endpoint requires a valid Bearer token");
  const { payload } = await jwtVerify(token, secret).catch(() => {
    throw new Refusal(403, "bad_jwt", "invalid JWT: unable to parse or verify signature");
  });
  if (payload.role !== "service_role") throw new Refusal(403, "not_admin", "User not allowed");
  await next();
};

/** Return an app whose environment is `{ service }`: lite's Auth, with whose tables it works. */
export const adminApp = (connection, settings, secret) => {
  const { kysely } = connection;
  return new Hono()
    .basePath("/auth/v1/admin")
    .onError((error, context) => {
      const refusal = error instanceof Refusal ? error : fromDatabase(error);
      if (refusal) return answer(context, refusal);
      console.error("Auth admin:", error);
      return answer(context, new Refusal(500, "unexpected_failure", "Something went wrong here"));
    })
    .notFound((context) => answer(context, new Refusal(404, "not_found", "There is no such endpoint here")))
    .use(onlyService(secret))
    .get("/users", (context) => list(context, kysely))
    .post("/users", (context) => create(context, settings))
    .get("/users/:id", async (context) => show(context, await find(context)))
    .put("/users/:id", (context) => update(context, settings))
    .delete("/users/:id", (context) => remove(context, kysely));
};
