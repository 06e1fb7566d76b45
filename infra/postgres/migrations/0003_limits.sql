-- Up Migration

-- The maximum of one export of the account, set by an operator; null: no limit.
alter table accounts
  add column max_rows bigint check (max_rows > 0),
  add column max_bytes bigint check (max_bytes > 0);
