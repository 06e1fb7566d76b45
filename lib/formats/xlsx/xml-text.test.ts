import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { inlineString, xmlText } from './xml-text.ts';

/** Decodes like any reader: XML entities first, then escapes from left to right. */
const read = (xml: string): string =>
  xml
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, digits: string) =>
      String.fromCharCode(Number.parseInt(digits, 16)),
    );

// The characters that XML 1.0 allows (section 2.2), without CR.
const allowed = /^[\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

describe('xmlText', () => {
  test('encodes any text without a loss, in characters that XML allows', () => {
    const hostile = fc.string({
      unit: fc.constantFrom('_', 'x', '0', '4', '1', 'F', '\u0001', '\r', '\n', '\uffff', '&', 'é'),
    });
    const any = fc.string({ unit: 'binary', maxLength: 20 });
    fc.assert(
      fc.property(fc.oneof(hostile, any), (text) => {
        expect(xmlText(text)).toMatch(allowed);
        expect(xmlText(text)).not.toMatch(/[<>]/);
        expect(read(xmlText(text))).toBe(text);
      }),
      { numRuns: 5_000 },
    );
  });

  test.each([
    ['a\u0000b', 'a_x0000_b'],
    ['_x0041_', '_x005F_x0041_'],
    ['_x0041_x0042_', '_x005F_x0041_x005F_x0042_'],
    ['_x0041\u0001', '_x005F_x0041_x0001_'],
    ['_x004_', '_x004_'],
    ['\r\n', '_x000D_\n'],
    ['<&>"\'', '&lt;&amp;&gt;"\''],
  ])('encodes %j as %s', (text, xml) => {
    expect(xmlText(text)).toBe(xml);
  });

  test('is marked by inlineString to keep its spaces', () => {
    expect(inlineString(' a')).toBe('<is><t xml:space="preserve"> a</t></is>');
    expect(inlineString('a b')).toBe('<is><t>a b</t></is>');
  });
});
