import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader, type JWTPayload, SignJWT } from 'jose';
import { z } from 'zod';
import { sessionSchema } from '../../lib/contracts/sessions.ts';
import { call } from './api.ts';
import { home, type Person } from './stack.ts';

/** The headers of a call of a session. */
export interface BySession extends Record<string, string> {
  authorization: string;
}

/** Signs in, and returns the headers of calls of the new session. */
export async function signIn({ email, password }: Omit<Person, 'apiKey'>): Promise<BySession> {
  const answer = await call('POST', '/sessions', { body: { email, password } });
  return { authorization: `Bearer ${answer.json(sessionSchema).token}` };
}

/** Returns the status of a call that every account may make. */
export const statusOf = async (headers: Record<string, string>): Promise<number> =>
  (await call('GET', '/me', { headers })).status;

const keysSchema = z.object({
  keys: z.array(z.object({ kty: z.string(), crv: z.string(), x: z.string(), d: z.string() })),
});

/** Returns a token with other claims, signed by the key of the stack. */
export async function signAgain(token: string, claims: JWTPayload): Promise<string> {
  const text = await readFile(join(home(), 'signing-keys.json'), 'utf8');
  const [key] = keysSchema.parse(JSON.parse(text)).keys;
  if (!key) throw new Error('the stack has no signing key');
  return new SignJWT({ ...decodeJwt(token), ...claims })
    .setProtectedHeader({ alg: 'Ed25519', ...decodeProtectedHeader(token) })
    .sign(key);
}
