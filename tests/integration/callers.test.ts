import { expect, test } from '@jest/globals';
import { createExport, ended, monthOfOrders } from '../support/api.ts';
import { listenersOf } from '../support/processes.ts';
import { ownCaller } from '../support/secrets.ts';
import { readStack, stack } from '../support/stack.ts';
import { sweep } from '../support/sweep.ts';

const invocation = '/2015-03-31/functions/streamsync-local-sweep/invocations';

async function portsOfFunctions(): Promise<number[]> {
  const found = (await readStack()).processes.find(({ name }) => name === 'functions');
  if (!found) throw new Error('stack.json names no process of the functions');
  const listeners = await listenersOf([found.pid]);
  return listeners.map(({ address }) => Number.parseInt(address.split(':')[1] ?? '', 16));
}

test('the ports of the functions answer only calls with the secret of the door', async () => {
  const ports = await portsOfFunctions();
  // HTTP API and Lambda.
  expect(ports.length).toBeGreaterThanOrEqual(2);
  expect(ports).toContain(Number(new URL(stack.lambda).port));
  const paths = ['/api/v1/health', '/internal/authorize-download', invocation];
  const others = [{}, { origin: 'http://evil.example' }, { 'x-door-secret': 'a'.repeat(43) }];
  for (const port of ports)
    for (const path of paths)
      for (const method of ['GET', 'POST', 'OPTIONS'])
        for (const headers of others) {
          const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers });
          const text = await response.text();
          expect([port, path, method, response.status]).toEqual([port, path, method, 403]);
          expect(response.headers.get('access-control-allow-origin')).toBeNull();
          expect(text).not.toMatch(/\.(js|ts):|node_modules/);
        }
});

test('the functions reject a call from a page, even with the secret', async () => {
  const headers = await ownCaller();
  for (const extra of [{ origin: 'http://localhost' }, { 'sec-fetch-site': 'same-site' }]) {
    const response = await fetch(stack.lambda + invocation, {
      method: 'POST',
      headers: { ...headers, ...extra },
      body: '{"passes":1}',
    });
    expect(response.status).toBe(403);
  }
});

test('NGINX and the sweep can call the functions', async () => {
  await sweep();
  expect((await ended((await createExport(monthOfOrders)).id)).status).toBe('ready');
});
