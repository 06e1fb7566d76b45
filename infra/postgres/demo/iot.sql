create table series (
  series text primary key,
  unit text not null,
  site text not null,
  attributes jsonb not null
);

create table readings (
  series text not null,
  at timestamptz not null,
  value double precision,
  attributes jsonb
) partition by range (at);

create table readings_2025_11 partition of readings for values from ('2025-11-01 00:00Z') to ('2025-12-01 00:00Z');
create table readings_2025_12 partition of readings for values from ('2025-12-01 00:00Z') to ('2026-01-01 00:00Z');
create table readings_other partition of readings default;
