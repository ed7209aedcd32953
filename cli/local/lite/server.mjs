// The Data API or Auth of the embedded stack: @supabase/lite, run as a library.
//
// Two processes, because on Supabase they are two servers with a database role each: PostgREST logs in as
// `authenticator`, GoTrue as `supabase_auth_admin`; and hashing passwords must not make the Data API wait.
// Settings come as JSON in CHAIRTIME_LITE; cli/local/lite/__init__.py writes them.

import { flushCompileCache } from "node:module";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { errors, jwtVerify } from "jose";
import { CompiledQuery } from "kysely";
import { adminApp, answer, fromDatabase, Refusal } from "./auth_admin.mjs";
import { Database } from "./driver.mjs";
import { withGuests } from "./guests.mjs";
import { Post } from "./mail.mjs";

const settings = JSON.parse(process.env.CHAIRTIME_LITE);
const secret = new TextEncoder().encode(settings.auth.jwt_secret);

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Postgres as PostgREST uses it: what the request knows is set in one statement, and nothing is ever granted. */
class PostgrestDatabase extends Database {
  // lite would grant all on every table with row level security to anon, authenticated and service_role here.
  async ensureRlsContext() {
    return true;
  }

  async applyJwtSessionContext(db, { auth }) {
    const claims = auth?.jwt ?? { role: "anon" };
    await set(db, { role: claims.role, "request.jwt.claims": JSON.stringify(claims) });
  }

  async applyRpcRequestGucs(db, request) {
    await set(db, {
      "response.status": "",
      "response.headers": "",
      "request.method": request.method,
      "request.path": request.path,
      "request.headers": JSON.stringify(request.requestHeaders ?? {}),
    });
  }
}

const set = (db, values) => {
  const calls = Object.keys(values).map((_, n) => `set_config($${2 * n + 1}, $${2 * n + 2}, true)`);
  return db.executeQuery(CompiledQuery.raw(`select ${calls.join(", ")}`, Object.entries(values).flat()));
};

/** PostgREST's answer to a token that it does not accept. */
const refuse = (context, code, message) => {
  context.header("WWW-Authenticate", `Bearer error="invalid_token", error_description="${message}"`);
  return context.json({ code, message, details: null, hint: null }, 401);
};

/** Like PostgREST, believe a token that is signed with the secret, without asking the database about its user. */
const verifyToken = async (context, next) => {
  const token = context.req.header("Authorization")?.match(/^Bearer\s+(.+)$/i)?.[1];
  let claims = { role: "anon" };
  if (token) {
    try {
      claims = { role: "anon", ...(await jwtVerify(token, secret, { clockTolerance: 30 })).payload };
    } catch (error) {
      if (error instanceof errors.JWTExpired) return refuse(context, "PGRST303", "JWT expired");
      return refuse(context, "PGRST301", "No suitable key or wrong key type");
    }
    if (!["anon", "authenticated", "service_role"].includes(claims.role)) {
      return refuse(context, "PGRST301", `role "${claims.role}" is not permitted`);
    }
  }
  context.set("jwt", claims);
  context.set("userId", claims.sub ?? "none");
  context.set("sessionId", claims.session_id ?? "none"); // both set: lite looks neither up
  await next();
};

/** Without a profile PostgREST takes the first exposed schema, lite would take `public`. */
const withProfile = (request) => {
  const name = ["GET", "HEAD"].includes(request.method) ? "Accept-Profile" : "Content-Profile";
  if (request.headers.has(name)) return request;
  const headers = new Headers(request.headers);
  headers.set(name, settings.api.schemas[0]);
  return new Request(request, { headers });
};

/** What lite takes for granted of a body's fields, and would answer with 500. */
const TEXTS = ["email", "phone", "password", "token", "token_hash", "type", "refresh_token", "auth_code", "code_verifier"];
const onlyTexts = async (context, next) => {
  const text = ["POST", "PUT"].includes(context.req.method) ? await context.req.text() : "";
  const fields = text === "" ? {} : parse(text);
  const isObject = typeof fields === "object" && fields !== null && !Array.isArray(fields);
  context.set("fields", isObject ? fields : {});
  const wrong = isObject && TEXTS.find((name) => typeof (fields[name] ?? "") !== "string" || fields[name]?.includes("\0"));
  if (isObject && !wrong) return next();
  const message = wrong ? `${wrong} must be a string` : "Could not parse request body as a JSON object";
  return context.json({ code: 400, error_code: wrong ? "validation_failed" : "bad_json", msg: message }, 400);
};

/** lite's Auth knows no refusal but its own, and no database that refuses or is away: it would answer with 500. */
const sayWhatTheDatabaseSays = async (context, next) => {
  await next();
  if (!context.error) return;
  const refusal = context.error instanceof Refusal ? context.error : fromDatabase(context.error);
  const told = context.error.getResponse?.() ?? (refusal && answer(context, refusal));
  if (told) context.res = told;
};

/** What GoTrue knows of a body and lite does not: a phone number is no guest, and `email` is a code from any mail. */
const beyondLite = async (context, next) => {
  const { authService, fields } = context.var;
  const asked = context.req.method === "POST" && context.req.path.slice("/auth/v1/".length);
  if (asked === "signup" && fields?.phone && !fields.email) {
    return answer(context, new Refusal(400, "phone_provider_disabled", "Phone signups are disabled"));
  }
  if (asked !== "verify" || fields?.type !== "email") return next();
  return context.json(await authService.verifyOtp({ ...fields, type: "magiclink" }));
};

const lite = (connection, middlewares) =>
  new App({
    connection,
    auth: { enabled: true, ...settings.auth },
    api: settings.api,
    options: {
      server: { apiKeys: false, disableStudio: true, disableFallback: true, middlewares },
      drivers: { email: new Post(settings.smtp_url) },
    },
  }).init();

/** lite answers any path that ends with a slash with a description of no API at all. */
const noPath = () => {
  const message = "Invalid path specified in request URL";
  return Response.json({ code: "PGRST125", message, details: null, hint: null }, { status: 404 });
};

/** A string for a json argument is a JSON string, as for PostgREST; lite would take its text for the JSON. */
const withStrings = async (request, functions) => {
  const called = request.method === "POST" && new URL(request.url).pathname.match(/\/rpc\/([^/]+)$/)?.[1];
  const isJson = ({ arg_types }, n) => /^jsonb?$/.test(arg_types[n]);
  const names = functions.filter(({ name }) => name === called).flatMap((f) => f.arg_names.filter((_, n) => isJson(f, n)));
  if (!names.length) return request;
  const text = await request.text();
  const given = parse(text) ?? {};
  const strings = names.filter((name) => typeof given[name] === "string");
  const quoted = Object.fromEntries(strings.map((name) => [name, JSON.stringify(given[name])]));
  const body = strings.length ? JSON.stringify({ ...given, ...quoted }) : text;
  return new Request(request.url, { method: request.method, headers: request.headers, body });
};

/** The Data API: the base of its paths, and how it is served. */
const rest = async () => {
  const app = await lite(new PostgrestDatabase(settings.url, 20), [verifyToken]);
  // Like PostgREST, learn of a changed schema from the notification that follows it.
  await app.connection.listen("pgrst", settings.listen_url, () => app.connection.reload());
  await app.connection.reload();
  return async (request) => {
    if (request.url.split("?")[0].endsWith("/")) return noPath();
    return app.fetch(withProfile(await withStrings(request, app.connection.introspection.functions)));
  };
};

/** Auth, with the part that lite lacks. */
const auth = async () => {
  const database = new PostgrestDatabase(settings.url, 5);
  const admin = adminApp(database, settings.auth, secret);
  const administer = (context, next) =>
    context.req.path.startsWith("/auth/v1/admin/")
      ? admin.fetch(context.req.raw, { service: context.var.authService })
      : onlyTexts(context, next);
  const welcomeGuests = (context, next) => {
    const redirect = context.req.query("redirect_to");
    context.set("authService", withGuests(context.var.authService, settings.auth, secret, redirect));
    return next();
  };
  const app = await lite(database, [sayWhatTheDatabaseSays, welcomeGuests, administer, beyondLite]);
  return (request) => app.fetch(request);
};

const base = `/${settings.part}/v1/`;
const serveRequest = await { rest, auth }[settings.part]();
serve({
  hostname: "127.0.0.1",
  port: settings.port,
  fetch: (request) => (new URL(request.url).pathname.startsWith(base) ? serveRequest(request) : new Response("ok")),
});
console.log(`${settings.part} listens on port ${settings.port}`);
flushCompileCache(); // no later: it is ended by a signal
