import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, URL-safe: 43 characters. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** How a secret of 256 random bits is kept. */
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** API keys carry a prefix by which scanners for leaked secrets can know them. */
export const newApiKey = (): string => `ssk_${newSecret()}`;
