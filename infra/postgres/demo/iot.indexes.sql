-- After the rows: building an index once is quicker than row by row.

alter table readings add unique (series, at);
create index readings_at on readings (at);

set local default_statistics_target = 20; -- a sample of 6,000 rows a table; autovacuum's own, of 30,000, takes most of a second here
analyze series, readings;
