-- Sums are filed and searched day by day, so those of a day stand together; one extension's are found by its index.
ALTER TABLE roll_ext DROP CONSTRAINT roll_ext_pkey, ADD PRIMARY KEY (generation, day, party);
CREATE INDEX roll_ext_party ON roll_ext (generation, party, day);
ALTER TABLE roll_month DROP CONSTRAINT roll_month_pkey, ADD PRIMARY KEY (generation, month, party);
CREATE INDEX roll_month_party ON roll_month (generation, party, month);
