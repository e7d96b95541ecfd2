-- Actors are never deleted, only marked as gone, and whoever writes one of these rows has read the actor in the
-- same transaction: there is nothing for these constraints to find. Each looks its actor up once more for every
-- row, and locks and rewrites the actor's row to do so, which was a third of what a Follow cost the database.
ALTER TABLE follows DROP CONSTRAINT follows_follower_id_fkey, DROP CONSTRAINT follows_followee_id_fkey;
ALTER TABLE notifications
    DROP CONSTRAINT notifications_account_id_fkey, DROP CONSTRAINT notifications_actor_id_fkey;
ALTER TABLE favourites DROP CONSTRAINT favourites_actor_id_fkey;
