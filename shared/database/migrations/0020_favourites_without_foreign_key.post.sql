-- The constraint looked the post up once more for every like, which cost as much as storing the like. Who stores
-- likes now holds their posts, all of a batch at once, and who deletes posts deletes their likes.
ALTER TABLE favourites DROP CONSTRAINT favourites_status_id_fkey;
