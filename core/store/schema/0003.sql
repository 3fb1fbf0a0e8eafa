-- SPDX-License-Identifier: MIT
-- Bodies of revisions may be encrypted: the id of the key that did it; 0: in the clear.
ALTER TABLE revisions ADD COLUMN key_id INTEGER NOT NULL DEFAULT 0;
CREATE INDEX revisions_key_id ON revisions(key_id);
