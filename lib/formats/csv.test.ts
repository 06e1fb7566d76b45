import { Readable } from 'node:stream';
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

/** What an encoder gives of pieces, and how many rows it counts. */
async function encoded(...pieces: Buffer[]): Promise<{ rows: number; bytes: Buffer }> {
  const encoder = csv.encoder([], 'none');
  const out: Buffer[] = [];
  for await (const piece of encoder.encode(Readable.from(pieces))) out.push(piece);
  return { rows: encoder.rows, bytes: Buffer.concat(out) };
}

describe('the rows', () => {
  const body = Buffer.from('1,plain\n2,"line\nfeed"\n3,"a ""quoted"" word"\n4,"\r\n"\n5,""\n6,\n');

  test('are counted the same wherever the bytes are cut, which are passed as they are', async () => {
    for (let first = 0; first <= body.length; first += 1) {
      for (let second = first; second <= body.length; second += 3) {
        const cut = [body.subarray(0, first), body.subarray(first, second), body.subarray(second)];
        const { rows, bytes } = await encoded(...cut.filter(({ length }) => length > 0));
        expect(rows).toBe(6);
        expect(bytes.equals(body)).toBe(true);
      }
    }
  });

  test('that end inside a row are none', async () => {
    for (const cut of ['1,"open', '1,half', '1,a\n2,"x"'])
      await expect(encoded(Buffer.from(cut))).rejects.toThrow('inside a row');
  });

  test('may be none', async () => {
    expect((await encoded()).rows).toBe(0);
  });
});
