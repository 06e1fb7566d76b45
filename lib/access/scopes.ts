import { basePath } from '../contracts/route.ts';
import { routes } from '../contracts/routes.ts';
import { type RouteScope, type Scope, scopesOf } from '../contracts/scopes.ts';
import { AppError } from '../runtime/errors.ts';
import type { Account } from './accounts.ts';

type Caller = Pick<Account, 'role' | 'scopes'>;

/** By route key, as API Gateway has it: `GET /api/v1/exports/{id}`. */
const scopesByRoute: ReadonlyMap<string, RouteScope> = new Map(
  routes.map(({ method, path, scope }) => [`${method.toUpperCase()} ${basePath}${path}`, scope]),
);

/** Throws `forbidden` unless the caller has the scope of the route. A route that is not in the table is an error. */
export function requireRouteScope(caller: Caller, routeKey: string): void {
  const scope = scopesByRoute.get(routeKey);
  if (scope === undefined) throw new Error(`the route ${routeKey} has no scope`);
  if (scope === 'all') requireAllScopes(caller);
  else if (scope !== null) requireScope(caller, scope);
}

/** Throws `forbidden` unless the caller has the scope. */
export function requireScope({ scopes }: Caller, scope: Scope): void {
  if (!scopes.includes(scope))
    throw new AppError('forbidden', `The API key does not have the scope ${scope}.`);
}

function requireAllScopes({ role, scopes }: Caller): void {
  const missing = scopesOf(role).filter((scope) => !scopes.includes(scope));
  if (missing.length > 0)
    throw new AppError(
      'forbidden',
      `Only a session, or an API key with all scopes, may do this. This key does not have ${missing.join(', ')}.`,
    );
}
