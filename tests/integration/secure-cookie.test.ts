import { afterAll, expect, test } from '@jest/globals';
import { applicationEnvironment } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home/home.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { createExport, ended, monthOfOrders, ticketFor } from '../support/api.ts';
import { home, stack } from '../support/stack.ts';

/**
 * NGINX speaks only HTTP here. This test calls the authorization of downloads in this process, with https in its
 * setting and the catalogue of the stack.
 */
const own = openHome({ STREAMSYNC_HOME: home() });
const settings = applicationEnvironment(own, openSecrets(own), {
  url: 'https://streamsync.example',
  postgres: new URL(stack.postgres.catalogue).host,
  kafka: stack.kafka.brokers.join(','),
  s3Endpoint: stack.s3.endpoint,
});
Object.assign(process.env, settings);
const { authorizeDownload } = await import('../../lib/delivery/tickets.ts');

afterAll(() => catalogue().end());

test('the download cookie is Secure if the stack has an https address', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const secret = new URL(await ticketFor(id)).pathname.split('/')[2] ?? '';
  const { cookie } = await authorizeDownload(secret, 'GET', () => undefined);
  expect(cookie).toMatch(/^ss_dl=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/files\/; Secure$/);
});
