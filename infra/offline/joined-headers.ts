import diagnostics from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';

/**
 * Joins headers that were sent more than once, as API Gateway does: "Duplicate headers are combined with commas"
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html). Without
 * this serverless-offline would give functions the last one of them.
 */
export function joinRepeatedHeaders(): void {
  diagnostics.subscribe('http.server.request.start', (message) => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    const { request } = message;
    if (request instanceof IncomingMessage) joinIn(request.rawHeaders);
  });
}

/**
 * Gives every header of a name the values of all of them. `rawHeaders` has names and values in turns, and keeps its
 * length, which Node remembers elsewhere. Cookies are left as they are: they are not joined by commas.
 */
export function joinIn(rawHeaders: string[]): void {
  const places = rawHeaders.flatMap((_, at) => (at % 2 === 1 ? [at] : []));
  const valuesOf = Map.groupBy(places, (at) => rawHeaders[at - 1]?.toLowerCase());
  valuesOf.delete('cookie');
  for (const sent of valuesOf.values()) {
    if (sent.length === 1) continue;
    const all = sent.map((at) => rawHeaders[at]).join(',');
    for (const at of sent) rawHeaders[at] = all;
  }
}
