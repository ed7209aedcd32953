// What GoTrue does and lite does not: anonymous sign-in, and links that lead where they were asked to.
//
// A guest is a user without an address, whose tokens say `is_anonymous`. With an address of their own (PUT /user) a guest
// becomes an account that can be come back to. Bodies, answers and codes are GoTrue's.

import { decodeJwt, SignJWT } from "jose";
import { identity, Refusal } from "./auth_admin.mjs";

const isGuest = (row) => Boolean(row.is_anonymous);

/** lite's tokens do not tell a guest from an account. */
const signed = async (session, secret) => {
  const claims = { ...decodeJwt(session.access_token), is_anonymous: session.user.is_anonymous };
  session.access_token = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(secret);
  return session;
};

const signUpGuest = async (service, data) => {
  const guest = { id: crypto.randomUUID(), is_anonymous: true, raw_app_meta_data: {}, raw_user_meta_data: data ?? {} };
  const session = await service.createSessionForUser(service.repo.parseUserJson(await service.repo.createUser(guest)), [], "signup");
  return { user: session.user, session };
};

/** The guest gets the address at once: where sign-ups need no confirmation, this one needs none. */
const becomeAccount = async (service, lite, id, changes) => {
  // lite checks the address and the password, and would write to a new address first.
  const quiet = Object.create(service, { mailer: { value: { sendEmailChange: async () => {} } } });
  await lite.updateUser.call(quiet, id, changes);
  const changed = await service.repo.updateUser(id, {
    email: changes.email.toLowerCase(),
    confirmed_at: new Date().toISOString(),
    is_anonymous: false,
    raw_app_meta_data: { provider: "email", providers: ["email"] },
    ...{ email_change: null, email_change_token_current: null, email_change_token_new: null, email_change_sent_at: null },
  });
  await service.repo.createIdentity(identity(changed));
  return service.getUser(id);
};

/** lite's Auth for one request, `lite`, with what it lacks. `redirect` is where the request wants mailed links to lead. */
export const withGuests = (lite, settings, secret, redirect) => {
  const service = Object.create(lite);
  const mailer = Object.create(lite.mailer);
  mailer.render = (kind, email, hash, token, more) =>
    lite.mailer.render(kind, email, hash, token, { ...more, redirectTo: lite.resolveEmailRedirect(redirect) });
  return Object.assign(service, {
    mailer,
    mapUserToResponse: (row, ...more) => ({ ...lite.mapUserToResponse(row, ...more), is_anonymous: isGuest(row) }),
    createSessionForUser: async (...given) => signed(await lite.createSessionForUser.apply(service, given), secret),
    createRefreshResponse: async (...given) => signed(await lite.createRefreshResponse.apply(service, given), secret),
    signUp: async (email, password, data) => {
      const isSigningUp = email || password || settings.enable_signup === false || !settings.enable_anonymous_sign_ins;
      return isSigningUp ? lite.signUp.call(service, email, password, data) : signUpGuest(service, data);
    },
    updateUser: async (id, changes) => {
      const row = await service.repo.findUserById(id);
      if (!row || !isGuest(row)) return lite.updateUser.call(service, id, changes);
      if (changes.email) return becomeAccount(service, lite, id, changes);
      if (!changes.password) return lite.updateUser.call(service, id, changes);
      const message = "Updating password of an anonymous user without an email or phone is not allowed";
      throw new Refusal(422, "validation_failed", message);
    },
  });
};
