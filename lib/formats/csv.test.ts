import { describe, expect, test } from '@jest/globals';
import { csv } from './csv.ts';

const column = (name: string) => ({ name, type: 'text', nullable: true });
const header = (...names: string[]) => csv.prologue(names.map(column)).toString();

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
});

describe('the row counter', () => {
  const body = Buffer.from('1,plain\n2,"line\nfeed"\n3,"a ""quoted"" word"\n4,"\r\n"\n5,""\n6,\n');

  test('counts the same wherever the bytes are cut', () => {
    for (let first = 0; first <= body.length; first++) {
      for (let second = first; second <= body.length; second++) {
        const counter = csv.encoder();
        counter.encode(body.subarray(0, first));
        counter.encode(body.subarray(first, second));
        counter.encode(body.subarray(second));
        counter.end();
        expect(counter.rows).toBe(6);
      }
    }
  });

  test('knows a body that ends inside a row', () => {
    for (const cut of ['1,"open', '1,half', '1,a\n2,"x"']) {
      const counter = csv.encoder();
      counter.encode(Buffer.from(cut));
      expect(() => counter.end()).toThrow('inside a row');
    }
  });

  test('no rows is whole', () => {
    const counter = csv.encoder();
    counter.end();
    expect(counter.rows).toBe(0);
  });
});
