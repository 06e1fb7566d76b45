import { describe, expect, test } from '@jest/globals';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { csv, csvForSpreadsheets } from './csv.ts';

const column = (name: string) => ({ name, type: 'text', base: 'text', nullable: true });
const header = (...names: string[]) => csv(plainCsv).prologue(names.map(column)).toString();

describe('the header', () => {
  test('is quoted where COPY quotes', () => {
    expect(header('id', 'a,b', 'say "x"', 'two\nlines', ' spaced ')).toBe(
      'id,"a,b","say ""x""","two\nlines", spaced \n',
    );
  });
  test('of a lone \\. is quoted, or it would end the data', () => {
    expect(header('\\.')).toBe('"\\."\n');
    expect(header('\\.', 'x')).toBe('\\.,x\n');
  });
  test('for spreadsheets has no formula, and is quoted where one may take a sign for the end of a field', () => {
    const names = ['id', '=1', '\n+1', '\uff1d1', '\uff201', 'a;b', 'a\tb', 'x-1'];
    expect(csvForSpreadsheets('UTC', plainCsv).prologue(names.map(column)).toString()).toBe(
      `\ufeffid,'=1,"'\n+1",'\uff1d1,'\uff201,"a;b","a\tb",x-1\n`,
    );
  });
});
