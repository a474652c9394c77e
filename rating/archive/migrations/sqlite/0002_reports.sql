-- What operators changed. folded is actor, action and object in lower case, for keyword search.
CREATE TABLE audit_log (
    n       INTEGER PRIMARY KEY,
    id      TEXT    NOT NULL UNIQUE,
    at      INTEGER NOT NULL,
    actor   TEXT    NOT NULL,
    role    TEXT    NOT NULL,
    address TEXT    NOT NULL,
    action  TEXT    NOT NULL,
    object  TEXT    NOT NULL,
    before  TEXT,
    after   TEXT,
    folded  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_log_at ON audit_log (at, n, folded);

-- Calls per day by what they were: a reason of refusal, why they were not billed, or '' for billed ones; and by the
-- prefix of the dialled number. calls counts attempts, also those that one record stands for.
CREATE TABLE roll_dest (
    generation INTEGER NOT NULL,
    why        TEXT    NOT NULL,
    day        INTEGER NOT NULL,
    prefix     TEXT    NOT NULL,
    calls      INTEGER NOT NULL,
    answered   INTEGER NOT NULL,
    seconds    INTEGER NOT NULL,
    cost       INTEGER NOT NULL,
    last_at    INTEGER NOT NULL,
    example    TEXT    NOT NULL,
    PRIMARY KEY (generation, why, day, prefix)
) STRICT, WITHOUT ROWID;
