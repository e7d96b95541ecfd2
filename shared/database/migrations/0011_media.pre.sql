-- Pictures that people here uploaded. The files lie apart, so that what only names a picture reads no file.
CREATE TABLE media (
    id          bigint PRIMARY KEY,
    account_id  bigint NOT NULL REFERENCES accounts (actor_id) ON DELETE CASCADE,
    status_id   bigint,                               -- the post that it hangs on; null: on none
    place       text NOT NULL DEFAULT '',             -- avatar, header: where else it is shown
    token       text NOT NULL UNIQUE,                 -- its address, which nobody can guess
    media_type  text NOT NULL,
    width       integer NOT NULL,
    height      integer NOT NULL,
    blurhash    text NOT NULL,
    description text NOT NULL DEFAULT '',
    focus       double precision[],                   -- x and y from -1 to 1
    loose_since timestamptz DEFAULT now()             -- since when nothing shows it; null: something does
);
CREATE INDEX media_status ON media (status_id) WHERE status_id IS NOT NULL;
CREATE INDEX media_account ON media (account_id);
CREATE INDEX media_loose ON media (loose_since) WHERE loose_since IS NOT NULL;

CREATE TABLE media_files (
    media_id   bigint NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    variant    text NOT NULL,                         -- original, preview
    media_type text NOT NULL,
    content    bytea NOT NULL,
    PRIMARY KEY (media_id, variant)
);
-- Pictures are compressed already.
ALTER TABLE media_files ALTER COLUMN content SET STORAGE EXTERNAL;
