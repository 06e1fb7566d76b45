import { type IncomingMessage, request } from 'node:http';
import { expect } from '@jest/globals';
import { asDemo } from './api.ts';

/**
 * Requests a file, runs `meanwhile` when the head of the answer has arrived, then reads the rest. `whole` is true if all
 * of it arrived.
 */
export async function slowDownload(
  url: string,
  meanwhile: () => Promise<unknown>,
): Promise<{ whole: boolean; bytes: Buffer }> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, { headers: asDemo, timeout: 60_000 }, resolve);
    sent.once('error', reject).end();
  });
  expect(response.statusCode).toBe(200);
  await meanwhile();
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch {
    // The transfer broke off, as `complete` says.
  }
  return { whole: response.complete, bytes: Buffer.concat(chunks) };
}
