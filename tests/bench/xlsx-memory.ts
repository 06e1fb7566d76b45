import { XlsxEncoder } from '../../lib/formats/xlsx/encoder.ts';

/**
 * `node --max-semi-space-size=8 tests/bench/xlsx-memory.ts`: measures workbooks of 100,000 and 1,000,000 rows without
 * a stack. Both should need about the same resident memory. The option limits V8's young generation, which otherwise
 * grows by 90 MB of garbage.
 */
const types = [
  'bigint',
  'integer',
  'timestamp with time zone',
  'double precision',
  'numeric',
  'text',
  'jsonb',
];
const columns = types.map((type, n) => ({
  name: `column ${n + 1}`,
  type,
  base: type,
  nullable: true,
}));

const line = (n: number): string => {
  const at = new Date(1_700_000_000_000 + n * 61_003).toISOString();
  const values = [
    n + 1,
    n % 10_000,
    `${at.slice(0, 10)} ${at.slice(11, 23)}${String(n % 1_000).padStart(3, '0')}`,
    Math.sin(n) * 1_000,
    ((n * 7_919) % 10_000_000) / 100,
    `text number ${n} of all`,
    `{"n": ${n}, "tag": "t${n % 97}"}`,
  ];
  return `${values.join('\t')}\n`;
};

async function* copyRows(rows: number): AsyncGenerator<Buffer> {
  for (let n = 0; n < rows; n += 500)
    yield Buffer.from(
      Array.from({ length: Math.min(500, rows - n) }, (_, i) => line(n + i)).join(''),
    );
}

async function drain(chunks: AsyncIterable<Buffer>): Promise<number> {
  let bytes = 0;
  for await (const chunk of chunks) bytes += chunk.length;
  return bytes;
}

for (const rows of [100_000, 1_000_000]) {
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  const startedAt = performance.now();
  const bytes = await drain(new XlsxEncoder(columns).encode(copyRows(rows)));
  const seconds = (performance.now() - startedAt) / 1_000;
  clearInterval(watch);
  console.log(
    `${rows} rows: ${(bytes / 1e6).toFixed(1)} MB, ${Math.round(rows / seconds)} rows/s, peak ${Math.round(peak / 1e6)} MB resident`,
  );
}
