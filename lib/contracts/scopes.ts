import { z } from 'zod';

/** What an API key may do. A session, and a key with all of them, may do what its account may. */
export const scopes = [
  'exports:read',
  'exports:write',
  'files:read',
  'readings:read',
  'readings:write',
  'admin',
] as const;
export const scopeSchema = z.enum(scopes);
export type Scope = z.infer<typeof scopeSchema>;

/** Returns the scopes that an account of a role can have at most. */
export const scopesOf = (role: 'analyst' | 'admin'): readonly Scope[] =>
  role === 'admin' ? scopes : scopes.filter((scope) => scope !== 'admin');

/**
 * The scope that a route needs. `all`: all scopes that the role of the account has, because the route changes the
 * credentials of the account. Null: none.
 */
export type RouteScope = Scope | 'all' | null;
