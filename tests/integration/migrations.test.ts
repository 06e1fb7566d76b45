import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { migrate } from '../../infra/postgres/migrate.ts';
import { readSchema, withScratchCatalogue } from '../../infra/postgres/scratch-database.ts';
import { sql, stack } from '../support/stack.ts';

const file = 'infra/postgres/catalogue.sql';
const committed = await readFile(file, 'utf8');

/** Returns the lines that only the first text has. */
const linesOnlyIn = (one: string, other: string): string[] => {
  const known = new Set(other.split('\n'));
  return one.split('\n').filter((line) => !known.has(line));
};

function assertCommitted(what: string, schema: string, command: string): void {
  if (schema === committed) return;
  const lines = [
    `${what} is not what ${file} says. ${command}`,
    ...linesOnlyIn(committed, schema).map((line) => `- ${line}`),
    ...linesOnlyIn(schema, committed).map((line) => `+ ${line}`),
  ];
  throw new Error(lines.join('\n'));
}

test('the migrations create the committed schema, and change nothing when they run again', async () => {
  await withScratchCatalogue(stack.postgres.catalogue, async (url, migrations) => {
    expect(migrations[0]).toBe('0001_catalogue');
    const write = 'If the schema has changed on purpose, run npm run schema while npm start runs.';
    assertCommitted('The schema after all migrations', await readSchema(url), write);

    const before = await sql(url, 'select name, run_on from migrations order by id');
    expect(await migrate(url)).toEqual([]);
    expect(await sql(url, 'select name, run_on from migrations order by id')).toEqual(before);
    assertCommitted('The schema after migrating twice', await readSchema(url), write);
  });
});

test('the catalogue of the stack has the committed schema', async () => {
  assertCommitted(
    'The catalogue of the stack',
    await readSchema(stack.postgres.catalogue),
    'Migrations run at the start; one that was changed after it had run needs: npm run reset',
  );
});
