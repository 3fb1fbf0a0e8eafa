-- SPDX-License-Identifier: MIT
-- The module grapnel.log, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.log

local log = {}

---a line, kept with the attempt; secrets are masked
---@param ... any
function log.info(...) end

---the same, as a warning
---@param ... any
function log.warn(...) end

return log
