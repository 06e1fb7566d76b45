import { openPromise } from 'yauzl';

const row = Buffer.from('<row ');
/** Of a comment, a CDATA section or a document type, in which `<row ` would be text. */
const markup = Buffer.from('<!');

/** The rows of all sheets (ECMA-376 part 1, 18.3.1.73) behind the header of each. */
export async function rowsOfWorkbook(path: string): Promise<number> {
  const zip = await openPromise(path);
  let [sheets, rows] = [0, 0];
  try {
    for await (const entry of zip.eachEntry()) {
      if (!/^xl\/worksheets\/[^/]+\.xml$/.test(entry.fileName)) continue;
      sheets++;
      rows += (await rowsOfSheet(await zip.openReadStreamPromise(entry))) - 1;
    }
  } finally {
    zip.close();
  }
  if (sheets === 0) throw new Error('it has no sheet');
  return rows;
}

async function rowsOfSheet(xml: AsyncIterable<Buffer>): Promise<number> {
  let rows = 0;
  let carried = Buffer.alloc(0);
  for await (const piece of xml) {
    // A tag may be cut in two; what is carried over is too short to hold a whole one.
    const bytes = Buffer.concat([carried, piece]);
    if (bytes.includes(markup)) throw new Error('a sheet has markup other than tags');
    for (let at = bytes.indexOf(row); at !== -1; at = bytes.indexOf(row, at + row.length)) rows++;
    carried = bytes.subarray(1 - row.length);
  }
  return rows;
}
