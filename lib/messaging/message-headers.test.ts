import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { headersByName, readHeaders, storedHeaders } from './message-headers.ts';

const names = fc.oneof(
  fc.string({ unit: 'binary' }).map((name) => name.toWellFormed()),
  fc.constantFrom('', '__proto__', 'constructor', 'a\u0000b', '10'),
);
const headers = fc.array(
  fc.record({
    key: names,
    value: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)),
  }),
);

test('readHeaders returns what storedHeaders stored, with repeats and in order', () => {
  fc.assert(
    fc.property(headers, (sent) => {
      const stored = storedHeaders(sent);
      expect(stored).not.toContain('\\u0000');
      expect(readHeaders(JSON.parse(stored))).toEqual(sent);
    }),
  );
});

test('headersByName keeps every value and makes each name an own property', () => {
  fc.assert(
    fc.property(headers, (sent) => {
      const byName = headersByName(sent);
      expect(Object.keys(byName).toSorted()).toEqual(
        [...new Set(sent.map(({ key }) => key))].toSorted(),
      );
      for (const [name, values] of Object.entries(byName))
        expect(values).toEqual(sent.filter(({ key }) => key === name).map(({ value }) => value));
    }),
  );
});
