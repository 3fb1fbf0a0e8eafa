-- SPDX-License-Identifier: MIT
-- A file whose error looks like lines of the log.
-- at: load
-- outcome: refused
-- reason: file-error-lines.lua:6: a  level=info msg=
error('a\r\nlevel=info msg="forged"\27[2J')
