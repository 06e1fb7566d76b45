import { expect, test } from '@jest/globals';
import { renderTemplate } from './template.ts';

test('replaces every occurrence, and takes values literally', () => {
  expect(
    renderTemplate('listen {{port}}; # {{port}} in {{root}}', { port: 8080, root: '/a$&b' }),
  ).toBe('listen 8080; # 8080 in /a$&b');
});

test('a value may be empty', () => {
  expect(renderTemplate('a{{b}}c', { b: '' })).toBe('ac');
});

test('refuses a placeholder without a value, and a value without a placeholder', () => {
  expect(() => renderTemplate('{{port}} {{prot}}', { port: 1 })).toThrow(
    'placeholders without a value: prot',
  );
  expect(() => renderTemplate('{{port}}', { port: 1, root: '/' })).toThrow(
    'values without a placeholder: root',
  );
  expect(() => renderTemplate('{{toString}}', {})).toThrow(
    'placeholders without a value: toString',
  );
});
