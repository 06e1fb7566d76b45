-- Up Migration

-- A grant is the right to one dataset of a source, or, as '*', to every dataset of it that has no grant of its own.
-- `columns` has what is done to columns that are not plainly allowed, `where` the conditions that every row has to meet.
alter table grants
  add column dataset text not null default '*',
  add column columns jsonb not null default '{}',
  add column "where" jsonb not null default '[]';
alter table grants drop constraint grants_pkey, add primary key (account_id, source, dataset);

-- What an account may see of the dataset of a request. Equal texts are equal rights: '' is every row and every column.
-- NULL: it has no grant of the dataset in one of the sources.
create function policy_of(account uuid, request json) returns text stable parallel safe
return (
  select case
    when count(*) <> count(applied.rules) then null
    when bool_and(applied.rules = '[{}, []]') then ''
    else encode(sha256(convert_to(
      jsonb_agg(jsonb_build_array(requested.source, applied.rules) order by requested.n)::text, 'UTF8')), 'hex')
  end
  from json_array_elements_text(request->'sources') with ordinality requested (source, n)
  left join lateral (
    select jsonb_build_array(
      coalesce((
        select jsonb_object_agg(c.key, c.value) from jsonb_each_text(g.columns) c where c.value <> 'allow'), '{}'),
      g."where") as rules
    from grants g
    where g.account_id = account and g.source = requested.source
      and g.dataset in (request->>'dataset', '*')
    order by g.dataset = '*' limit 1
  ) applied on true);

-- The policy under which the file of an export is read: that of the request, and again of each rerun.
alter table exports add column policy text not null default '';
