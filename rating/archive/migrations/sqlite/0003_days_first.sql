-- Sums are filed and searched day by day, so those of a day stand together; one extension's are found by its index.
CREATE TABLE days_first (
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
    PRIMARY KEY (generation, day, party)
) STRICT, WITHOUT ROWID;
INSERT INTO days_first SELECT * FROM roll_ext ORDER BY generation, day, party;
DROP TABLE roll_ext;
ALTER TABLE days_first RENAME TO roll_ext;
CREATE INDEX roll_ext_party ON roll_ext (generation, party, day);

CREATE TABLE months_first (
    generation INTEGER NOT NULL,
    party      INTEGER NOT NULL REFERENCES parties (id),
    month      INTEGER NOT NULL, -- 201905
    answered   INTEGER NOT NULL,
    busy       INTEGER NOT NULL,
    no_answer  INTEGER NOT NULL,
    failed     INTEGER NOT NULL,
    cancelled  INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    PRIMARY KEY (generation, month, party)
) STRICT, WITHOUT ROWID;
INSERT INTO months_first SELECT * FROM roll_month ORDER BY generation, month, party;
DROP TABLE roll_month;
ALTER TABLE months_first RENAME TO roll_month;
CREATE INDEX roll_month_party ON roll_month (generation, party, month);
