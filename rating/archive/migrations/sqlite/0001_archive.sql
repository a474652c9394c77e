-- n numbers what was filed: 1, 2, 3 … A charge and its CDR come in one record and have the same n.
-- Instants are microseconds since 1970 UTC, money is micro-units, days are numbers such as 20190531.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Up to where each shard of the outbox is archived.
CREATE TABLE positions (
    shard INTEGER PRIMARY KEY,
    last  TEXT NOT NULL
) STRICT;

-- An extension and the name it went by; folded is both in lower case, for keyword search.
CREATE TABLE parties (
    id        INTEGER PRIMARY KEY,
    extension TEXT NOT NULL,
    username  TEXT NOT NULL,
    folded    TEXT NOT NULL,
    UNIQUE (extension, username)
) STRICT;

-- Rates as they were when calls were rated by them (JSON), each text once.
CREATE TABLE rates (
    id     INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    body   TEXT NOT NULL
) STRICT;

CREATE TABLE cdrs (
    n            INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL UNIQUE,
    party        INTEGER NOT NULL REFERENCES parties (id),
    dialled      TEXT    NOT NULL,
    sent         TEXT    NOT NULL,
    trunk        TEXT    NOT NULL,
    rate_id      INTEGER NOT NULL,
    rate         INTEGER REFERENCES rates (id),
    units        INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    answered_at  INTEGER,
    ended_at     INTEGER,
    duration     INTEGER NOT NULL,
    cost         INTEGER NOT NULL,
    currency     TEXT    NOT NULL,
    disposition  TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    unbilled     TEXT,
    sip_code     INTEGER NOT NULL,
    ended_by     TEXT    NOT NULL,
    attempts     TEXT    NOT NULL,
    count        INTEGER NOT NULL,
    node         TEXT    NOT NULL,
    call_id_a    TEXT    NOT NULL,
    call_id_b    TEXT    NOT NULL,
    post_dial_ms INTEGER NOT NULL,
    charged      INTEGER NOT NULL -- 1: filed together with a journal line
) STRICT;
CREATE INDEX cdrs_log ON cdrs (disposition, started_at, n, party);
CREATE INDEX cdrs_party ON cdrs (party, started_at, disposition);

CREATE TABLE entries (
    n            INTEGER PRIMARY KEY,
    extension    TEXT    NOT NULL,
    seq          INTEGER NOT NULL,
    party        INTEGER NOT NULL REFERENCES parties (id),
    kind         TEXT    NOT NULL,
    amount       INTEGER NOT NULL,
    pre_balance  INTEGER NOT NULL,
    post_balance INTEGER NOT NULL,
    at           INTEGER NOT NULL,
    ref          TEXT    NOT NULL,
    by_whom      TEXT    NOT NULL,
    note         TEXT    NOT NULL,
    UNIQUE (extension, seq)
) STRICT;
CREATE INDEX entries_history ON entries (at, n, party) WHERE kind <> 'charge';

-- Sums per day of the time zone that their generation was counted in: calls by disposition, seconds and cost of the
-- answered ones. Only the generation that meta names is in use.
CREATE TABLE roll_day (
    generation INTEGER NOT NULL,
    day        INTEGER NOT NULL,
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    seconds    INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    PRIMARY KEY (generation, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE roll_ext (
    generation INTEGER NOT NULL,
    party      INTEGER NOT NULL REFERENCES parties (id),
    day        INTEGER NOT NULL,
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    seconds    INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    PRIMARY KEY (generation, party, day)
) STRICT, WITHOUT ROWID;

-- The same calls by month, which is how searches over a long time are counted.
CREATE TABLE roll_month (
    generation INTEGER NOT NULL,
    party      INTEGER NOT NULL REFERENCES parties (id),
    month      INTEGER NOT NULL, -- 201905
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    PRIMARY KEY (generation, party, month)
) STRICT, WITHOUT ROWID;

-- Records that could not be filed, with what they said: never lost, never in the way.
CREATE TABLE quarantine (
    n        INTEGER PRIMARY KEY,
    shard    INTEGER NOT NULL,
    position TEXT    NOT NULL,
    fault    TEXT    NOT NULL,
    raw      TEXT    NOT NULL,
    at       INTEGER NOT NULL
) STRICT;

-- For people who look in by hand.
CREATE VIEW call_log AS
SELECT c.n, c.id, p.extension, p.username, c.dialled, c.sent, c.trunk, c.disposition, c.reason, c.duration, c.cost,
       c.currency, c.unbilled, c.sip_code, c.ended_by, c.node, c.call_id_a, c.call_id_b,
       datetime(c.started_at / 1000000, 'unixepoch') AS started_utc, datetime(c.ended_at / 1000000, 'unixepoch') AS ended_utc
FROM cdrs c JOIN parties p ON p.id = c.party;
