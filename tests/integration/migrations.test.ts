import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { readSchema, withFreshCatalogue } from '../../infra/postgres/fresh.ts';
import { migrate } from '../../infra/postgres/migrate.ts';
import { sql, stack } from '../stack/stack.ts';

const file = 'infra/postgres/catalogue.sql';
const committed = await readFile(file, 'utf8');

/** Lines of one text that the other has not. */
const only = (one: string, other: string): string[] => {
  const known = new Set(other.split('\n'));
  return one.split('\n').filter((line) => !known.has(line));
};

function requireCommitted(what: string, schema: string, command: string): void {
  if (schema === committed) return;
  const lines = [
    `${what} is not what ${file} says. ${command}`,
    ...only(committed, schema).map((line) => `- ${line}`),
    ...only(schema, committed).map((line) => `+ ${line}`),
  ];
  throw new Error(lines.join('\n'));
}

test('the committed schema is what the migrations make from nothing; again, they change nothing', async () => {
  await withFreshCatalogue(stack.postgres.catalogue, async (url, migrations) => {
    expect(migrations[0]).toBe('0001_catalogue');
    const write = 'Beside a running npm start: npm run schema';
    requireCommitted('The schema after all migrations', await readSchema(url), write);

    const before = await sql(url, 'select name, run_on from migrations order by id');
    expect(await migrate(url)).toEqual([]);
    expect(await sql(url, 'select name, run_on from migrations order by id')).toEqual(before);
    requireCommitted('The schema after migrating twice', await readSchema(url), write);
  });
});

test('the catalogue of the stack has the committed schema', async () => {
  requireCommitted(
    'The catalogue of the stack',
    await readSchema(stack.postgres.catalogue),
    'Migrations run at the start; one that was changed after it had run needs: npm run reset',
  );
});
