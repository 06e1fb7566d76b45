import { afterAll, expect, test } from '@jest/globals';
import { applicationEnvironment } from '../../infra/local/environment.ts';
import { openHome, openSecrets } from '../../infra/local/home.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { createExport, ended, monthOfOrders, ticketFor } from '../stack/api.ts';
import { home, stack } from '../stack/stack.ts';

/**
 * NGINX here speaks HTTP alone. What a deployment behind https does is asked of the code of the download in this
 * process, with that one setting changed and the catalogue of the stack.
 */
const own = openHome({ STREAMSYNC_HOME: home() });
const portOf = (url: string): number => Number(new URL(url).port);
const settings = applicationEnvironment(own, openSecrets(own), {
  url: 'https://streamsync.example',
  postgresPort: portOf(stack.postgres.catalogue),
  kafkaPort: Number(stack.kafka.brokers[0]?.split(':')[1]),
  s3Port: portOf(stack.s3.endpoint),
});
Object.assign(process.env, settings);
const { authorizeDownload } = await import('../../lib/delivery/tickets.ts');

afterAll(() => catalogue().end());

test('behind https the cookie of a download is sent by https alone', async () => {
  const { id } = await createExport(monthOfOrders);
  await ended(id);
  const secret = new URL(await ticketFor(id)).pathname.split('/')[2] ?? '';
  const { cookie } = await authorizeDownload(secret, 'GET', () => undefined);
  expect(cookie).toMatch(/^ss_dl=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/files\/; Secure$/);
});
