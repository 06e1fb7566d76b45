-- Up Migration

-- The trace of the request, which the units of the export belong to: they are dispatched by whichever function runs.
alter table exports add column traceparent text;
