import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** Schemas of this file's own: one with an ordinary name, and others whose names are easily confused with it. */
const own = `names_${Date.now()}`;
const source = sourceUrl('sales');

/** Each relation has one row with its name. */
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

test('every dataset has a unique name', async () => {
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

test("a dataset's name selects only that dataset, and the signed manifest has schema and relation separately", async () => {
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

test("another spelling of a dataset's name is rejected", async () => {
  for (const dataset of [`${own}.b.c`, `"${own}".contacts`, `public.${own}.contacts`]) {
    const answer = await call('POST', '/exports', {
      headers: asDemo,
      body: { sources: ['sales'], dataset, format: 'csv' },
    });
    expect(answer.problem()).toMatchObject({ status: 422, code: 'invalid_request' });
  }
});

test("the histogram accepts a dataset's name", async () => {
  for (const [, , name] of relations) {
    const path = `/sources/sales/datasets/${encodeURIComponent(name)}/histogram`;
    expect((await call('GET', path, { headers: asDemo })).status).toBe(200);
  }
});
