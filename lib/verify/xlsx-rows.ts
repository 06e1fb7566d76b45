import type { ZipFile } from 'yauzl';

const row = Buffer.from('<row ');
/** The start of a comment, CDATA section or document type, in which `<row ` would be text. */
const markup = Buffer.from('<!');

/** Returns the rows of all sheets (ECMA-376 part 1, 18.3.1.73), without the header of each. Closes the archive. */
export async function countXlsxRows(zip: ZipFile): Promise<number> {
  let [sheets, rows] = [0, 0];
  try {
    for await (const entry of zip.eachEntry()) {
      if (!/^xl\/worksheets\/[^/]+\.xml$/.test(entry.fileName)) continue;
      sheets++;
      rows += (await countSheetRows(await zip.openReadStreamPromise(entry))) - 1;
    }
  } finally {
    zip.close();
  }
  if (sheets === 0) throw new Error('it has no sheet');
  return rows;
}

async function countSheetRows(xml: AsyncIterable<Buffer>): Promise<number> {
  let rows = 0;
  let carried = Buffer.alloc(0);
  for await (const chunk of xml) {
    // A tag may be cut in two; the bytes carried over are too few for a whole one.
    const bytes = Buffer.concat([carried, chunk]);
    if (bytes.includes(markup)) throw new Error('a sheet has markup other than tags');
    for (let at = bytes.indexOf(row); at !== -1; at = bytes.indexOf(row, at + row.length)) rows++;
    carried = bytes.subarray(1 - row.length);
  }
  return rows;
}
