-- What operators changed. folded is actor, action and object in lower case, for keyword search.
CREATE TABLE audit_log (
    n       BIGINT PRIMARY KEY,
    id      TEXT COLLATE "C" NOT NULL UNIQUE,
    at      BIGINT NOT NULL,
    actor   TEXT COLLATE "C" NOT NULL,
    role    TEXT COLLATE "C" NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    action  TEXT COLLATE "C" NOT NULL,
    object  TEXT COLLATE "C" NOT NULL,
    before  TEXT COLLATE "C",
    after   TEXT COLLATE "C",
    folded  TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_log_at ON audit_log (at, n);

-- Calls per day by what they were: a reason of refusal, why they were not billed, or '' for billed ones; and by the
-- prefix of the dialled number. calls counts attempts, also those that one record stands for.
CREATE TABLE roll_dest (
    generation INTEGER NOT NULL,
    why        TEXT COLLATE "C" NOT NULL,
    day        INTEGER NOT NULL,
    prefix     TEXT COLLATE "C" NOT NULL,
    calls      BIGINT NOT NULL,
    answered   INTEGER NOT NULL,
    seconds    BIGINT NOT NULL,
    cost       BIGINT NOT NULL,
    last_at    BIGINT NOT NULL,
    example    TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (generation, why, day, prefix)
);
