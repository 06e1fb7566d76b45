import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, download, ended } from '../stack/api.ts';
import { sourceUrl, sql } from '../stack/stack.ts';

/** Schemas of this file's own: one with a name as any, and those whose names are hard to tell from it. */
const own = `names_${Date.now()}`;
const source = sourceUrl('sales');

/** Each has one row, which says which one it is. */
const relations: readonly [schema: string, relation: string, name: string][] = [
  [own, 'contacts', `${own}.contacts`],
  ['public', `${own}.contacts`, `"${own}.contacts"`],
  [`${own}.b`, 'c', `"${own}.b".c`],
  [own, 'b.c', `${own}."b.c"`],
  [own, 'say "so"', `${own}.say "so"`],
  [own, 'say."so"', `${own}."say.""so"""`],
  ['public', `"${own}"`, `"""${own}"""`],
  [own, 'Two Words', `${own}.Two Words`],
];
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

beforeAll(async () => {
  const tables = relations.map(
    ([schema, relation]) =>
      `create table ${quoted(schema)}.${quoted(relation)} as select '${schema}|${relation}' as which`,
  );
  await sql(
    source,
    `create schema ${quoted(own)}; create schema ${quoted(`${own}.b`)}; ${tables.join(';')}`,
  );
});
afterAll(async () => {
  const inPublic = relations.filter(([schema]) => schema === 'public');
  await sql(
    source,
    `drop schema ${quoted(own)} cascade; drop schema ${quoted(`${own}.b`)} cascade;
     ${inPublic.map(([, relation]) => `drop table ${quoted(relation)}`).join(';')}`,
  );
});

test('every dataset has a name of its own', async () => {
  const { sources } = (await call('GET', '/sources', { headers: asDemo })).json(sourceListSchema);
  for (const { datasets } of sources) {
    const names = datasets.map(({ name }) => name);
    expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
  }
  const names = sources.find(({ name }) => name === 'sales')?.datasets.map(({ name }) => name);
  expect(names?.filter((name) => name.includes(own)).toSorted()).toEqual(
    relations.map(([, , name]) => name).toSorted(),
  );
});

test('by which it, and no other, is exported; the signed manifest has schema and relation apart', async () => {
  const exports = await Promise.all(
    relations.map(async ([schema, relation, dataset]) => {
      const { id } = await createExport({ sources: ['sales'], dataset, format: 'json' });
      return { id, schema, relation, dataset };
    }),
  );
  for (const { id, schema, relation, dataset } of exports) {
    expect((await ended(id)).status).toBe('ready');
    const rows: unknown = JSON.parse((await download(id)).bytes.toString());
    expect(rows).toEqual([{ which: `${schema}|${relation}` }]);
    const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
    const manifest = answer.json(manifestSchema);
    expect(manifest.request.dataset).toBe(dataset);
    expect(manifest.sources).toMatchObject([{ name: 'sales', schema, relation }]);
  }
});

test('no other spelling is taken for one', async () => {
  for (const dataset of [`${own}.b.c`, `"${own}".contacts`, `public.${own}.contacts`]) {
    const answer = await call('POST', '/exports', {
      headers: asDemo,
      body: { sources: ['sales'], dataset, format: 'csv' },
    });
    expect(answer.problem()).toMatchObject({ status: 422, code: 'refused_request' });
  }
});

test('the histogram is found by the name, too', async () => {
  for (const [, , name] of relations) {
    const path = `/sources/sales/datasets/${encodeURIComponent(name)}/histogram`;
    expect((await call('GET', path, { headers: asDemo })).status).toBe(200);
  }
});
