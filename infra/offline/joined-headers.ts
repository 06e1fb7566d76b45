import diagnostics from 'node:diagnostics_channel';
import { IncomingMessage } from 'node:http';

/**
 * Joins headers that were sent more than once, as API Gateway does: "Duplicate headers are combined with commas"
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html). Without
 * this serverless-offline would pass only the last value to the functions.
 */
export function joinRepeatedHeaders(): void {
  diagnostics.subscribe('http.server.request.start', (message) => {
    if (typeof message !== 'object' || message === null || !('request' in message)) return;
    const { request } = message;
    if (request instanceof IncomingMessage) joinIn(request.rawHeaders);
  });
}

/**
 * Replaces each value of a repeated header with all its values, joined by commas. `rawHeaders` alternates names and
 * values; its length does not change, as Node stores it elsewhere, too. Cookies stay unchanged: commas do not join them.
 */
export function joinIn(rawHeaders: string[]): void {
  const valueIndexes = rawHeaders.flatMap((_, index) => (index % 2 === 1 ? [index] : []));
  const indexesByName = Map.groupBy(valueIndexes, (index) => rawHeaders[index - 1]?.toLowerCase());
  indexesByName.delete('cookie');
  for (const indexes of indexesByName.values()) {
    if (indexes.length === 1) continue;
    const joined = indexes.map((index) => rawHeaders[index]).join(',');
    for (const index of indexes) rawHeaders[index] = joined;
  }
}
