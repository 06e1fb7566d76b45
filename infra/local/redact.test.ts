import { describe, expect, test } from '@jest/globals';
import { redactAddresses, redactSecrets } from './redact.ts';

const secret = 'YqAjBI6xPmiShzW_Q8MUL1ZN5FmTQuZ1UmMbE44EkgU';

test.each([
  [`path=/files/${secret}/orders.csv`, 'path=/files/…/orders.csv'],
  [`x-api-key: ssk_${secret}`, 'x-api-key: ssk_…'],
  [`ss_dl=${secret}; HttpOnly`, 'ss_dl=…; HttpOnly'],
  [`Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${secret}`, 'Bearer …'],
  [`postgres://streamsync:${secret}@127.0.0.1:5432/a`, 'postgres://streamsync:…@127.0.0.1:5432/a'],
  [`/key?X-Amz-Signature=${secret}&x-id=GetObject`, '/key?X-Amz-Signature=…&x-id=GetObject'],
])('redactSecrets hides the secret in %s', (text, redacted) => {
  expect(redactSecrets(text)).toBe(redacted);
});

test('redactSecrets keeps texts without secrets', () => {
  const text =
    'path=/files/short/a.csv requestId=50f6b492befd7d46b09c18e1285946c2 url=http://a:80/b';
  expect(redactSecrets(text)).toBe(text);
});

describe("redactAddresses, for a line of NGINX's error log,", () => {
  const encoded = Buffer.from(secret).toString('hex').replaceAll(/../g, '%$&');
  const line = (request: string) =>
    `2026/11/27 04:43:21 [error] 7#7: *9 open() "web/${secret}" failed, client: 127.0.0.1, server: _, request: "${request}`;

  test.each([
    `POST /files/${secret}/x HTTP/1.1", host: "localhost:8080"`,
    `GET /fi%6ces/${secret}/x HTTP/1.1"`,
    `GET //files//${secret}/x?a=${secret} HTTP/1.1"`,
    `GET /files/${encoded}/x HTTP/1.1"`,
    `GET /a/../files/${secret}/x HTTP/1.1"`,
    `GET /api/v1/../../files/${secret}/x HTTP/1.1"`,
    `GET /"/files/${secret}/x HTTP/1.1"`,
    `GET http://h/files/${secret}/x HTTP/1.1"`,
    `${secret}"`,
    `GET /slice HTTP/1.0", subrequest: "/x", upstream: "http://127.0.0.1:1/b/k?X-Amz-Signature=${secret}"`,
    `GET / HTTP/1.1", referrer: "http://localhost:8080/files/${secret}/x"`,
    // Cut off by NGINX, in the middle of the secret.
    `GET /files/${secret.slice(0, 30)}`,
    `GET / HTTP/1.1", referrer: "http://localhost:8080/files/${secret.slice(0, 30)}`,
  ])('hides the secret in %s', (request) => {
    const redacted = redactAddresses(line(request));
    expect(redacted).not.toContain(secret.slice(0, 20));
    expect(redacted).not.toContain(encoded.slice(0, 20));
    expect(redacted).toMatch(/^2026\/11\/27 04:43:21 \[error\] 7#7: \*9 open\(\)/);
  });

  test('keeps the path of an API request without its query', () => {
    const path = '/api/v1/exports/01a21b5a-c142-700b-bc85-9c985f593ec4/manifest';
    expect(redactAddresses(line(`GET ${path}?a=b HTTP/1.1", host: "h"`))).toMatch(
      new RegExp(`request: "GET ${path}", host: "h"$`),
    );
  });

  test('replaces control characters', () => {
    expect(redactAddresses(line('GET /\u001b[2J\u009b HTTP/1.1"'))).not.toMatch(/\p{Cc}/u);
  });
});
