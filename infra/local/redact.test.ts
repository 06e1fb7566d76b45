import { expect, test } from '@jest/globals';
import { withoutSecrets } from './redact.ts';

const secret = 'YqAjBI6xPmiShzW_Q8MUL1ZN5FmTQuZ1UmMbE44EkgU';

test.each([
  [`path=/files/${secret}/orders.csv`, 'path=/files/…/orders.csv'],
  [`x-api-key: ssk_${secret}`, 'x-api-key: ssk_…'],
  [`ss_dl=${secret}; HttpOnly`, 'ss_dl=…; HttpOnly'],
  [`Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${secret}`, 'Bearer …'],
  [`postgres://streamsync:${secret}@127.0.0.1:5432/a`, 'postgres://streamsync:…@127.0.0.1:5432/a'],
  [`/key?X-Amz-Signature=${secret}&x-id=GetObject`, '/key?X-Amz-Signature=…&x-id=GetObject'],
])('%s', (text, shown) => {
  expect(withoutSecrets(text)).toBe(shown);
});

test('what is no secret stays', () => {
  const text =
    'path=/files/short/a.csv requestId=50f6b492befd7d46b09c18e1285946c2 url=http://a:80/b';
  expect(withoutSecrets(text)).toBe(text);
});
