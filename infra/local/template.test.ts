import { expect, test } from '@jest/globals';
import { renderTemplate } from './template.ts';

test('renderTemplate replaces every occurrence and inserts values literally', () => {
  expect(
    renderTemplate('listen {{port}}; # {{port}} in {{root}}', { port: 8080, root: '/a$&b' }),
  ).toBe('listen 8080; # 8080 in /a$&b');
});

test('renderTemplate accepts an empty value', () => {
  expect(renderTemplate('a{{b}}c', { b: '' })).toBe('ac');
});

test('renderTemplate throws for a placeholder without a value and for a value without a placeholder', () => {
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
