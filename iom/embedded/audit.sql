-- The audit (security.md, section 5): a schema with an owner of its own, into which the application can only append.
-- Run by a superuser beside grants.sql, as often as one likes: what is there stays, functions are made anew.
--
-- An event waits in `pending` until its transaction ends, and is chained then: the head row of the scheme is locked last,
-- for as short as can be. Chain 0 is the installation's own: what belongs to no scheme.

CREATE SCHEMA IF NOT EXISTS audit AUTHORIZATION iom_audit;
ALTER SCHEMA audit OWNER TO iom_audit;
REVOKE ALL ON SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit TO iom_app, iom_owner;

SET ROLE iom_audit;

CREATE TABLE IF NOT EXISTS audit.event (
    scheme_id bigint NOT NULL,
    sequence bigint NOT NULL,
    hash bytea NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (scheme_id, sequence)
);
CREATE INDEX IF NOT EXISTS event_subjects ON audit.event USING gin ((body -> 'subjects'));
CREATE INDEX IF NOT EXISTS event_object ON audit.event (scheme_id, (body ->> 'object'), (body ->> 'ref'));

CREATE TABLE IF NOT EXISTS audit.head (
    scheme_id bigint PRIMARY KEY,
    sequence bigint NOT NULL DEFAULT 0,
    hash bytea NOT NULL DEFAULT '\x',
    at bigint NOT NULL DEFAULT 0
);

CREATE UNLOGGED TABLE IF NOT EXISTS audit.pending (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    scheme_id bigint NOT NULL,
    body jsonb NOT NULL,
    -- Whether the end of the transaction is told of it. Of many that are added at once one tells it for all.
    rings boolean NOT NULL DEFAULT true,
    PRIMARY KEY (transaction, id)
);
ALTER TABLE audit.pending ADD COLUMN IF NOT EXISTS rings boolean NOT NULL DEFAULT true;

-- Who acts in this transaction, as the application said; nobody is NULL.
CREATE OR REPLACE FUNCTION audit.who() RETURNS jsonb
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT nullif(current_setting('iom.who', true), '')::jsonb $$;

-- The scheme whose rows this transaction may touch; NULL is none.
CREATE OR REPLACE FUNCTION audit.scheme() RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT nullif(current_setting('iom.scheme', true), '')::bigint $$;

-- Sequence, time and hash are set here and nowhere else. The hash covers the hash before and the canonical bytes of the
-- body: jsonb text, keys in its own fixed order, the time as whole microseconds: the same under any TimeZone or DateStyle.
CREATE OR REPLACE FUNCTION audit.chain_pending() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    waiting record;
    tip audit.head;
    whole jsonb;
    hashes bytea[] := '{}';
    bodies jsonb[] := '{}';
BEGIN
    -- Chained with an earlier one: told by its own row, since looking for others would pass by all that were deleted.
    IF NOT EXISTS (SELECT FROM audit.pending WHERE transaction = NEW.transaction AND id = NEW.id) THEN
        RETURN NULL;
    END IF;
    FOR waiting IN
        SELECT scheme_id, body FROM audit.pending
        WHERE transaction = pg_current_xact_id() ORDER BY scheme_id, id
    LOOP
        IF tip.scheme_id IS DISTINCT FROM waiting.scheme_id OR cardinality(hashes) = 500 THEN
            INSERT INTO audit.event (scheme_id, sequence, hash, body)
            SELECT tip.scheme_id, tip.sequence - cardinality(hashes) + place, hash, body
            FROM unnest(hashes, bodies) WITH ORDINALITY AS chained (hash, body, place);
            hashes := '{}';
            bodies := '{}';
        END IF;
        IF tip.scheme_id IS DISTINCT FROM waiting.scheme_id THEN
            IF tip.scheme_id IS NOT NULL THEN
                UPDATE audit.head SET sequence = tip.sequence, hash = tip.hash, at = tip.at
                WHERE scheme_id = tip.scheme_id;
            END IF;
            INSERT INTO audit.head (scheme_id) VALUES (waiting.scheme_id) ON CONFLICT DO NOTHING;
            SELECT * INTO STRICT tip FROM audit.head WHERE scheme_id = waiting.scheme_id FOR UPDATE;
        END IF;
        tip.sequence := tip.sequence + 1;
        tip.at := greatest(tip.at, floor(extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
        whole := waiting.body
            || jsonb_build_object('scheme', waiting.scheme_id, 'sequence', tip.sequence, 'at', tip.at);
        tip.hash := sha256(tip.hash || convert_to(whole::text, 'UTF8'));
        hashes := array_append(hashes, tip.hash);
        bodies := array_append(bodies, whole);
    END LOOP;
    IF tip.scheme_id IS NOT NULL THEN
        INSERT INTO audit.event (scheme_id, sequence, hash, body)
        SELECT tip.scheme_id, tip.sequence - cardinality(hashes) + place, hash, body
        FROM unnest(hashes, bodies) WITH ORDINALITY AS chained (hash, body, place);
        UPDATE audit.head SET sequence = tip.sequence, hash = tip.hash, at = tip.at
        WHERE scheme_id = tip.scheme_id;
        DELETE FROM audit.pending WHERE transaction = pg_current_xact_id();
    END IF;
    RETURN NULL;
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = 'chain_at_the_end' AND tgqual IS NOT NULL) THEN
        DROP TRIGGER IF EXISTS chain_at_the_end ON audit.pending;
        CREATE CONSTRAINT TRIGGER chain_at_the_end AFTER INSERT ON audit.pending
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.rings) EXECUTE FUNCTION audit.chain_pending();
        ALTER TABLE audit.pending ENABLE ALWAYS TRIGGER chain_at_the_end;
    END IF;
END
$$;

-- The one door for the application. What the caller says of the actor is overlaid by what the transaction says, and the
-- role that signed in to the database is added.
CREATE OR REPLACE FUNCTION audit.append(scheme bigint, event jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO audit.pending (scheme_id, body)
    VALUES (coalesce(scheme, 0), coalesce(audit.who(), '{}') || event || jsonb_build_object('role', session_user));
END
$$;

-- The same of many at once, in their order. The end of the transaction is told once: told of each, a hundred thousand
-- events would be looked for a hundred thousand times.
CREATE OR REPLACE FUNCTION audit.append_all(scheme bigint, events jsonb[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO audit.pending (scheme_id, body, rings)
    SELECT
        coalesce(scheme, 0),
        coalesce(audit.who(), '{}') || event || jsonb_build_object('role', session_user),
        place = 1
    FROM unnest(events) WITH ORDINALITY AS said (event, place)
    ORDER BY place;
END
$$;


-- Every statement that writes to a personal table, whatever path it came by (security.md U5): which rows, which fields, and
-- keyed digests of the values. A hundred rows or more make one event with their count and one digest (U6). Arguments of the
-- trigger: columns that are left out, because they are large or change with every look.
CREATE OR REPLACE FUNCTION audit.rows_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    secret text := coalesce(current_setting('iom.key', true), '');
    who jsonb := audit.who();
    without text[] := coalesce(TG_ARGV, '{}');
    olds jsonb[];
    news jsonb[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(NULL::jsonb), array_agg(to_jsonb(n) - without) INTO olds, news FROM new_rows n;
    ELSIF TG_OP = 'UPDATE' THEN
        SELECT array_agg(to_jsonb(o) - without), array_agg(to_jsonb(n) - without) INTO olds, news
        FROM old_rows o JOIN new_rows n USING (id) WHERE to_jsonb(o) - without <> to_jsonb(n) - without;
    ELSE
        SELECT array_agg(to_jsonb(o) - without), array_agg(NULL::jsonb) INTO olds, news FROM old_rows o;
    END IF;
    IF news IS NULL THEN
        RETURN NULL;
    END IF;
    IF who IS NULL AND NOT pg_has_role(session_user, 'iom_owner', 'MEMBER') THEN
        RAISE EXCEPTION 'a write to % without an actor', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO audit.pending (scheme_id, body)
    SELECT
        per_scheme.scheme,
        coalesce(who, '{}') || jsonb_strip_nulls(jsonb_build_object(
            'kind', 'rows',
            'verb', lower(TG_OP),
            'object', TG_TABLE_NAME,
            'ref', CASE WHEN per_scheme.count = 1 THEN per_scheme.first END,
            'count', per_scheme.count,
            'rows', CASE WHEN per_scheme.count < 100 THEN per_scheme.listed END,
            'digest', CASE WHEN per_scheme.count >= 100
                THEN encode(sha256(convert_to(secret || per_scheme.listed::text, 'UTF8')), 'hex') END,
            'subjects', CASE WHEN per_scheme.count < 100 THEN per_scheme.subjects END,
            'role', session_user
        ))
    FROM (
        SELECT
            coalesce((was.line ->> 'scheme_id')::bigint, audit.scheme(), 0) AS scheme,
            count(*) AS count,
            min(was.line ->> 'id') AS first,
            jsonb_agg(
                jsonb_build_object('id', was.line -> 'id') || CASE
                    WHEN pair.o IS NULL OR pair.n IS NULL THEN jsonb_build_object(
                        'digest', left(encode(sha256(convert_to(secret || was.line::text, 'UTF8')), 'hex'), 24))
                    ELSE jsonb_build_object('fields', (
                        SELECT jsonb_object_agg(
                            field.key, left(encode(sha256(convert_to(secret || field.value::text, 'UTF8')), 'hex'), 24))
                        FROM jsonb_each(pair.n) AS field
                        WHERE field.value IS DISTINCT FROM pair.o -> field.key))
                END
            ) AS listed,
            jsonb_agg(DISTINCT subject.token) FILTER (WHERE subject.token IS NOT NULL) AS subjects
        FROM unnest(olds, news) AS pair (o, n)
        CROSS JOIN LATERAL (SELECT coalesce(pair.n, pair.o) AS line) AS was
        LEFT JOIN LATERAL (
            SELECT coalesce(
                'P' || CASE WHEN TG_TABLE_NAME = 'offenders_offender' THEN was.line ->> 'id'
                    ELSE was.line ->> 'offender_id' END,
                'C' || CASE WHEN TG_TABLE_NAME = 'offenders_case' THEN was.line ->> 'id' ELSE was.line ->> 'case_id' END,
                'R' || (was.line ->> 'referral_id')) AS token
        ) AS subject ON true
        GROUP BY 1
    ) AS per_scheme;
    RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RAISE EXCEPTION 'the audit is only ever added to' USING ERRCODE = 'insufficient_privilege'; END $$;

CREATE OR REPLACE TRIGGER event_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit.event
FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.event ENABLE ALWAYS TRIGGER event_stays;
CREATE OR REPLACE TRIGGER head_stays BEFORE DELETE OR TRUNCATE ON audit.head
FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse();
ALTER TABLE audit.head ENABLE ALWAYS TRIGGER head_stays;

-- What the application may read: the chain of the scheme it is in, and the heads, which hold nothing of anybody.
CREATE OR REPLACE VIEW audit.trail AS
SELECT
    event.scheme_id,
    event.sequence,
    event.hash,
    event.body,
    to_timestamp((event.body ->> 'at')::bigint / 1000000.0) AS at,
    event.body ->> 'kind' AS kind,
    event.body ->> 'verb' AS verb,
    coalesce(event.body ->> 'outcome', 'done') AS outcome,
    coalesce(event.body ->> 'actor', '') AS actor,
    coalesce(event.body ->> 'cause', '') AS caused_by,
    coalesce(event.body ->> 'roles', '') AS roles,
    coalesce(event.body ->> 'agency', '') AS agency,
    coalesce(event.body ->> 'object', '') AS object_type,
    coalesce(event.body ->> 'ref', '') AS object_ref,
    coalesce(event.body -> 'subjects', '[]') AS subjects,
    coalesce(event.body ->> 'before', '') AS before,
    coalesce(event.body ->> 'after', '') AS after,
    coalesce(event.body -> 'fields', '[]') AS fields,
    coalesce((event.body ->> 'reason')::boolean, false) AS has_reason,
    coalesce(event.body -> 'context', '{}') AS context,
    coalesce(event.body ->> 'request', '') AS request_id,
    coalesce(event.body ->> 'address', '') AS address,
    coalesce(event.body ->> 'role', '') AS role
FROM audit.event
WHERE event.scheme_id = (SELECT nullif(current_setting('iom.scheme', true), '')::bigint);

CREATE OR REPLACE VIEW audit.heads AS SELECT scheme_id, sequence, hash, at FROM audit.head;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.append(bigint, jsonb), audit.append_all(bigint, jsonb[]), audit.who(), audit.scheme()
TO iom_app, iom_owner;
GRANT EXECUTE ON FUNCTION audit.rows_changed() TO iom_owner;
GRANT SELECT ON audit.trail, audit.heads TO iom_app, iom_owner;

RESET ROLE;
