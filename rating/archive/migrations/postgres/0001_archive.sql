-- n numbers what was filed: 1, 2, 3 … A charge and its CDR come in one record and have the same n.
-- Instants are microseconds since 1970 UTC, money is micro-units, days are numbers such as 20190531.

CREATE TABLE meta (
    key   TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- Up to where each shard of the outbox is archived.
CREATE TABLE positions (
    shard INTEGER PRIMARY KEY,
    last  TEXT COLLATE "C" NOT NULL
);

-- An extension and the name it went by; folded is both in lower case, for keyword search.
CREATE TABLE parties (
    id        BIGINT PRIMARY KEY,
    extension TEXT COLLATE "C" NOT NULL,
    username  TEXT COLLATE "C" NOT NULL,
    folded    TEXT COLLATE "C" NOT NULL,
    UNIQUE (extension, username)
);

-- Rates as they were when calls were rated by them (JSON), each text once.
CREATE TABLE rates (
    id     BIGINT PRIMARY KEY,
    digest TEXT COLLATE "C" NOT NULL UNIQUE,
    body   TEXT COLLATE "C" NOT NULL
);

CREATE TABLE cdrs (
    n            BIGINT PRIMARY KEY,
    id           TEXT COLLATE "C" NOT NULL UNIQUE,
    party        BIGINT NOT NULL,
    dialled      TEXT COLLATE "C" NOT NULL,
    sent         TEXT COLLATE "C" NOT NULL,
    trunk        TEXT COLLATE "C" NOT NULL,
    rate_id      BIGINT NOT NULL,
    rate         BIGINT,
    units        BIGINT NOT NULL,
    started_at   BIGINT NOT NULL,
    answered_at  BIGINT,
    ended_at     BIGINT,
    duration     BIGINT NOT NULL,
    cost         BIGINT NOT NULL,
    currency     TEXT COLLATE "C" NOT NULL,
    disposition  TEXT COLLATE "C" NOT NULL,
    reason       TEXT COLLATE "C" NOT NULL,
    unbilled     TEXT COLLATE "C",
    sip_code     BIGINT NOT NULL,
    ended_by     TEXT COLLATE "C" NOT NULL,
    attempts     TEXT COLLATE "C" NOT NULL,
    count        BIGINT NOT NULL,
    node         TEXT COLLATE "C" NOT NULL,
    call_id_a    TEXT COLLATE "C" NOT NULL,
    call_id_b    TEXT COLLATE "C" NOT NULL,
    post_dial_ms BIGINT NOT NULL,
    charged      INTEGER NOT NULL -- 1: filed together with a journal line
);
CREATE INDEX cdrs_log ON cdrs (disposition, started_at, n, party);
CREATE INDEX cdrs_party ON cdrs (party, started_at, disposition);

CREATE TABLE entries (
    n            BIGINT PRIMARY KEY,
    extension    TEXT COLLATE "C" NOT NULL,
    seq          BIGINT NOT NULL,
    party        BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL,
    amount       BIGINT NOT NULL,
    pre_balance  BIGINT NOT NULL,
    post_balance BIGINT NOT NULL,
    at           BIGINT NOT NULL,
    ref          TEXT COLLATE "C" NOT NULL,
    by_whom      TEXT COLLATE "C" NOT NULL,
    note         TEXT COLLATE "C" NOT NULL,
    UNIQUE (extension, seq)
);
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
    seconds    BIGINT NOT NULL,
    cost       BIGINT NOT NULL,
    PRIMARY KEY (generation, day)
);

CREATE TABLE roll_ext (
    generation INTEGER NOT NULL,
    party      BIGINT NOT NULL,
    day        INTEGER NOT NULL,
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    seconds    BIGINT NOT NULL,
    cost       BIGINT NOT NULL,
    PRIMARY KEY (generation, party, day)
);

-- The same calls by month, which is how searches over a long time are counted.
CREATE TABLE roll_month (
    generation INTEGER NOT NULL,
    party      BIGINT NOT NULL,
    month      INTEGER NOT NULL, -- 201905
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    PRIMARY KEY (generation, party, month)
);

-- Records that could not be filed, with what they said: never lost, never in the way.
CREATE TABLE quarantine (
    n        BIGINT PRIMARY KEY,
    shard    INTEGER NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    fault    TEXT COLLATE "C" NOT NULL,
    raw      TEXT COLLATE "C" NOT NULL,
    at       BIGINT NOT NULL
);

-- For people who look in by hand.
CREATE VIEW call_log AS
SELECT c.n, c.id, p.extension, p.username, c.dialled, c.sent, c.trunk, c.disposition, c.reason, c.duration, c.cost,
       c.currency, c.unbilled, c.sip_code, c.ended_by, c.node, c.call_id_a, c.call_id_b,
       to_timestamp(c.started_at / 1000000) AS started, to_timestamp(c.ended_at / 1000000) AS ended
FROM cdrs c JOIN parties p ON p.id = c.party;
