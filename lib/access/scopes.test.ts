import { describe, expect, test } from '@jest/globals';
import { openApi } from '../contracts/openapi.ts';
import { basePath } from '../contracts/route.ts';
import { routes } from '../contracts/routes.ts';
import { type Scope, scopes, scopesOf } from '../contracts/scopes.ts';
import { requireRouteScope } from './scopes.ts';

const withScopes = (...own: Scope[]) => ({ role: 'analyst' as const, scopes: own });

describe('requireRouteScope', () => {
  test.each(routes)('a caller of $method $path needs the scope of the route', (route) => {
    const key = `${route.method.toUpperCase()} ${basePath}${route.path}`;
    const { scope } = route;
    const others = scopes.filter((other) => other !== scope);
    const check = (...own: Scope[]) => requireRouteScope(withScopes(...own), key);
    if (scope === null) return expect(check).not.toThrow();
    if (scope === 'all') {
      expect(() => check(...scopesOf('analyst'))).not.toThrow();
      for (const missing of scopesOf('analyst'))
        expect(() => check(...scopes.filter((own) => own !== missing))).toThrow(missing);
      return;
    }
    expect(() => check(scope)).not.toThrow();
    expect(() => check(...others)).toThrow(scope);
  });

  test('a key of an administrator needs admin where all scopes are needed', () => {
    const keyOfAdmin = { role: 'admin' as const, scopes: scopesOf('analyst') };
    const route = routes.find(({ scope }) => scope === 'all');
    if (!route) throw new Error('no route needs all scopes');
    const key = `${route.method.toUpperCase()} ${basePath}${route.path}`;
    expect(() => requireRouteScope(keyOfAdmin, key)).toThrow('admin');
  });

  test('an unknown route is an error, not a permission', () => {
    expect(() => requireRouteScope(withScopes(...scopes), 'GET /api/v1/unknown')).toThrow('scope');
  });
});

test('every route for accounts has a scope, unless it only tells a caller about itself', () => {
  const without = routes.filter(({ caller, scope }) => caller !== 'public' && scope === null);
  expect(without.map(({ operationId }) => operationId).toSorted()).toEqual(['endSession', 'getMe']);
  const publicWith = routes.filter(({ caller, scope }) => caller === 'public' && scope !== null);
  expect(publicWith).toEqual([]);
});

test('OpenAPI names the scope that a key needs', () => {
  expect(openApi.paths?.['/exports']?.post?.security).toContainEqual({ apiKey: ['exports:write'] });
  expect(openApi.paths?.['/exports']?.post?.responses).toHaveProperty('403');
});
