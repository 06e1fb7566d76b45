import type { Queryable } from '../runtime/catalogue.ts';
import type { SourceDataset } from './datasets.ts';

/**
 * `active`: whether policies filter the rows of a dataset. They apply to a table for the connected role, and to the
 * relations below a view for the role with whose rights the view reads them. A materialized view was filtered when it
 * was refreshed.
 * https://www.postgresql.org/docs/current/ddl-rowsecurity.html
 */
const rowSecuritySql = `
  with recursive own as (
    select oid from pg_roles where rolname = current_user
  ), below as (
    select c.oid, own.oid as role from pg_class c, own where c.oid = $1
    union
    select d.refobjid, case when coalesce((
        select option_value::boolean from pg_options_to_table(v.reloptions) where option_name = 'security_invoker'
      ), false) then own.oid else v.relowner end
    from own, below b join pg_class v on v.oid = b.oid and v.relkind = 'v'
    join pg_rewrite w on w.ev_class = v.oid
    join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
      and d.refclassid = 'pg_class'::regclass and d.refobjid <> v.oid
  )
  select exists (
    select from below b join pg_class c on c.oid = b.oid join pg_roles r on r.oid = b.role
    where c.relrowsecurity and not r.rolsuper and not r.rolbypassrls
      and (c.relforcerowsecurity or not pg_has_role(r.oid, c.relowner, 'usage'))) as active`;

export async function isRowSecurityActive(
  client: Queryable,
  dataset: SourceDataset,
): Promise<boolean> {
  const { rows } = await client.query<{ active: boolean }>(rowSecuritySql, [dataset.oid]);
  return rows[0]?.active === true;
}
