-- What the superuser makes in this database, from now on and in any schema, anybody may read. The exports'
-- role gets no grant of its own.
alter default privileges grant select on tables to public;
alter default privileges grant usage on schemas to public;
