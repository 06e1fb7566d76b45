-- Up Migration

-- The ETag of the completed object: only that object is delivered. Null: completed before this column existed.
alter table exports add column object_etag text;

-- A browser with a download cookie keeps it for further downloads.
create index tickets_by_cookie on tickets (cookie_hash) where cookie_hash is not null;
