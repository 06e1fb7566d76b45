/** SQL: the units that wait or run. Each half has an index of its own; most units are done. */
export const unfinishedUnits = `(
  select * from units where state = 'queued'
  union all select * from units where state in ('dispatched', 'running'))`;
