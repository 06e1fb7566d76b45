import { sourceUrl, sql } from './stack.ts';

interface Gate {
  open: () => Promise<void>;
  close: () => Promise<void>;
}

/**
 * Creates a closed gate in an existing schema of `sales`: a query that calls `<schema>.wait()` ends only when the gate
 * is open. So an export can be interrupted before its end, however slow the machine is.
 */
export async function createGate(schema: string): Promise<Gate> {
  const set = async (value: number): Promise<void> => {
    await sql(sourceUrl('sales'), `select setval('${schema}.gate', ${value})`);
  };
  // A session sees the value of a sequence whatever its snapshot is.
  await sql(
    sourceUrl('sales'),
    `create sequence ${schema}.gate;
     create function ${schema}.wait() returns text language plpgsql security definer as $$
       begin
         while (select last_value from ${schema}.gate) < 2 loop perform pg_sleep(0.02); end loop;
         return '';
       end $$`,
  );
  return { open: () => set(2), close: () => set(1) };
}
