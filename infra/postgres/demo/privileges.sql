-- What the superuser makes in this database, from now on and in any schema, may be read by whoever may connect to
-- it: the reader of this source, which gets no grant of its own.
alter default privileges grant select on tables to public;
alter default privileges grant usage on schemas to public;
