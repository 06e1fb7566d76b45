-- Every role that may connect to this database may read what the superuser creates in it from now on, in any schema.
-- That is the reader of this source, which needs no grants of its own.
alter default privileges grant select on tables to public;
alter default privileges grant usage on schemas to public;
