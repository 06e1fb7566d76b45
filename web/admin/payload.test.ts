import { expect, test } from '@jest/globals';
import { asHex, asText } from './payload.ts';

const base64 = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');

test('a payload is its text, with control characters as escapes', () => {
  expect(asText(base64('{"é": 1}\n'))).toBe('{"é": 1}\n');
  expect(asText(base64('a\u0000b\u001B[31m\u202Ec'))).toBe(String.raw`a\u0000b\u001b[31m\u202ec`);
  expect(asText(base64(Buffer.from([0xff, 0x41])))).toBe('�A');
});

test('a payload in hexadecimal digits has 16 bytes a line', () => {
  expect(asHex(base64(''))).toBe('');
  expect(asHex(base64(Buffer.from([0, 255, 16])))).toBe('00 ff 10');
  expect(asHex(base64(Buffer.alloc(17, 1))).split('\n')).toHaveLength(2);
});
