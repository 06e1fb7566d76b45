-- Up Migration

-- What one export of the account may be, by the operator's word; null: no limit.
alter table accounts
  add column max_rows bigint check (max_rows > 0),
  add column max_bytes bigint check (max_bytes > 0);
