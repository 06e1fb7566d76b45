-- Up Migration

-- The ETag of the object when it was completed: only that object is delivered. Null: completed before this was kept.
alter table exports add column object_etag text;

-- A browser that comes with a cookie of ours keeps it for further downloads.
create index tickets_by_cookie on tickets (cookie_hash) where cookie_hash is not null;
