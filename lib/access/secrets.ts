import { createHash, randomBytes } from 'node:crypto';

/** Returns 256 random bits as 43 URL-safe characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** Returns the hash by which a secret is stored. SHA-256 suffices for 256 random bits. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Returns the beginning of an API key, by which its owner recognises it. It leaves more than 200 random bits secret. */
export const prefixOf = (apiKey: string): string => apiKey.slice(0, 9);

/** Returns an API key. Scanners for leaked secrets recognise its prefix. */
export const newApiKey = (): string => `ssk_${newSecret()}`;
