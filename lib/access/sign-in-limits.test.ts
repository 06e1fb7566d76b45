import { expect, test } from '@jest/globals';
import { blockOf } from './sign-in-limits.ts';

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['unknown', 'unknown'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::3:4:5:6:7', '2001:db8:0:3::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
])('blockOf maps the address %s to %s', (address, block) => {
  expect(blockOf(address)).toBe(block);
});
