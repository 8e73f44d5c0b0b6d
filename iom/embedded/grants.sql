-- What every database of the panel holds before its first migration. Run by a superuser, as often as one likes;
-- the embedded launcher and docker-compose.yml use this same file.

CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
-- Behind row-level security the planner uses an index only for operators that tell nothing of rows which the policy
-- withholds. Similarity answers yes or no and raises no error that depends on its text, so the duplicate check may use
-- its index (docs/duplicates.md). Without this line it compares everybody of the scheme: right, and slower.
ALTER FUNCTION similarity_op(text, text) LEAKPROOF;

-- A page asks much in one statement (iom/together.py). Together its parts look dear enough to be compiled to machine
-- code first, which takes longer than running them. Said of each database by itself: two may be prepared at once.
DO $$
BEGIN
    EXECUTE format('ALTER ROLE iom_app IN DATABASE %I SET jit = off', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO iom_app', current_database());
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO iom_owner;
GRANT USAGE ON SCHEMA public TO iom_app;

-- Only rows: the application cannot empty, alter or make a table, nor switch a trigger off.
ALTER DEFAULT PRIVILEGES FOR ROLE iom_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO iom_app;
ALTER DEFAULT PRIVILEGES FOR ROLE iom_owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO iom_app;
