// The Data API and Auth of the embedded stack: @supabase/lite, run as a library.
//
// Two apps on one port, because on Supabase they are two servers with a database role each: PostgREST logs in as
// `authenticator`, GoTrue as `supabase_auth_admin`. Settings come as JSON in CHAIRTIME_LITE; cli/local/lite.py
// writes them.

import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { errors, jwtVerify } from "jose";
import { CompiledQuery } from "kysely";
import { Database } from "./driver.mjs";

const settings = JSON.parse(process.env.CHAIRTIME_LITE);
const secret = new TextEncoder().encode(settings.auth.jwt_secret);

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

const app = (url, connections, middlewares) =>
  new App({
    connection: new PostgrestDatabase(url, connections),
    auth: { enabled: true, ...settings.auth },
    api: settings.api,
    options: { server: { apiKeys: false, disableStudio: true, disableFallback: true, middlewares } },
  }).init();

const auth = await app(settings.auth_url, 5);
const rest = await app(settings.rest_url, 20, [verifyToken]);

// Like PostgREST, learn of a changed schema from the notification that follows it.
await rest.connection.listen("pgrst", () => rest.connection.reload());
await rest.connection.reload();

serve({
  hostname: "127.0.0.1",
  port: settings.port,
  fetch: (request) => {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/rest/v1/")) return rest.fetch(withProfile(request));
    if (pathname.startsWith("/auth/v1/")) return auth.fetch(request);
    return new Response("ok");
  },
});
console.log(`listening on port ${settings.port}`);
