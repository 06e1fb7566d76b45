import { createHmac } from 'node:crypto';
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientSecretBasic,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  fetchUserInfo,
  None,
} from 'openid-client';
import { z } from 'zod';
import { emailSchema } from '../contracts/accounts.ts';
import type { OidcCallback, OidcStart } from '../contracts/oidc.ts';
import { config, type OidcSettings } from '../runtime/config.ts';
import { AppError, errorCode, errorMessage } from '../runtime/errors.ts';
import { FairLimiter } from '../runtime/fair-limiter.ts';
import { logger } from '../runtime/logger.ts';
import { newSecret } from './secrets.ts';
import { blockOf } from './sign-in-limits.ts';

/** Whom the provider says that a person is. */
export interface Identity {
  issuer: string;
  subject: string;
  /** Null: the provider does not say that it belongs to the person. */
  verifiedEmail: string | null;
}

/** Sign-ins that call the provider at a time. */
const calls = new FairLimiter({ running: 8, waiting: 64, waitingOfCaller: 8 });
const timeoutSeconds = 10;
/** The page to which the provider sends the browser. */
const redirectUri = (): string => `${config().url}/sign-in/callback`;

/** Starts a sign-in with the provider. Throws `not_found` without one, and `unavailable` if it does not answer. */
export async function startOidc(address: string): Promise<OidcStart> {
  const provider = await calls.run(blockOf(address), configuration);
  const secret = newSecret();
  const { state, nonce, verifier } = derivedFrom(secret);
  const url = buildAuthorizationUrl(provider, {
    redirect_uri: redirectUri(),
    scope: 'openid email',
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  return { url: url.href, secret };
}

/**
 * Completes a sign-in: exchanges the code, and checks state, nonce, issuer, audience and signature of the answer. Throws
 * `unauthenticated`, and what `startOidc` throws.
 */
export async function finishOidc(
  { secret, ...parameters }: OidcCallback,
  address: string,
): Promise<Identity> {
  const provider = await calls.run(blockOf(address), configuration);
  const { state, nonce, verifier } = derivedFrom(secret);
  const currentUrl = new URL(redirectUri());
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) currentUrl.searchParams.set(name, value);
  try {
    const tokens = await calls.run(blockOf(address), () =>
      authorizationCodeGrant(provider, currentUrl, {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: verifier,
        idTokenExpected: true,
      }),
    );
    const claims = tokens.claims();
    if (!claims) throw new Error('the provider sent no ID token');
    const { access_token } = tokens;
    const about =
      claims.email === undefined && access_token !== undefined
        ? await fetchUserInfo(provider, access_token, claims.sub)
        : claims;
    return { issuer: claims.iss, subject: claims.sub, verifiedEmail: verifiedEmailOf(about) };
  } catch (error) {
    if (error instanceof AppError) throw error;
    logger.warn('a sign-in with the provider failed', { reason: errorMessage(error) });
    if (isUnreachable(error)) throw providerUnavailable();
    throw new AppError(
      'unauthenticated',
      'The sign-in was not completed, or took too long. Start again.',
    );
  }
}

/** Returns whether the provider did not answer. `fetch` throws a TypeError for a connection that fails. */
function isUnreachable(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'TypeError' || code === 'OAUTH_TIMEOUT') return true;
  return (
    typeof error === 'object' && error !== null && 'cause' in error && isUnreachable(error.cause)
  );
}

const providerUnavailable = (): AppError =>
  new AppError('unavailable', 'The OpenID provider does not answer. Try again later.');

const aboutSchema = z.object({ email: emailSchema, email_verified: z.literal(true) });

function verifiedEmailOf(about: unknown): string | null {
  const read = aboutSchema.safeParse(about);
  return read.success ? read.data.email : null;
}

/**
 * State, nonce and PKCE verifier of one sign-in. All follow from the secret that only its browser has, so nothing is
 * stored, and another browser cannot complete it.
 */
function derivedFrom(secret: string): { state: string; nonce: string; verifier: string } {
  const derive = (use: string): string =>
    createHmac('sha256', secret).update(use).digest('base64url');
  return { state: derive('state'), nonce: derive('nonce'), verifier: derive('verifier') };
}

/** After this time the metadata of the provider are read again. */
const metadataMs = 3_600_000;
let known: { until: number; provider: Promise<Configuration> } | undefined;

function configuration(): Promise<Configuration> {
  const settings = config().oidc;
  if (!settings) throw new AppError('not_found', 'This deployment has no OpenID provider.');
  if (known && known.until > Date.now()) return known.provider;
  const provider = discover(settings);
  known = { until: Date.now() + metadataMs, provider };
  provider.catch(() => {
    known = undefined;
  });
  return provider;
}

async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<Configuration> {
  const authentication = clientSecret === undefined ? None() : ClientSecretBasic(clientSecret);
  try {
    return await discovery(new URL(issuer), clientId, undefined, authentication, {
      timeout: timeoutSeconds,
      // The configuration accepts it only for a provider on this machine.
      execute: issuer.startsWith('http:') ? [allowInsecureRequests] : [],
    });
  } catch (error) {
    logger.error('the OpenID provider does not answer', { reason: errorMessage(error) });
    throw providerUnavailable();
  }
}
