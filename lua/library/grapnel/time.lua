-- SPDX-License-Identifier: MIT
-- The module grapnel.time, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.time

local time = {}

---seconds and nanoseconds of an RFC 3339 time, or nil and a message
---@param s string
---@return integer?
---@return integer|string
function time.parse(s) end

---"rfc3339" (default), "http", or a %Y-%m-%d layout; UTC
---@param seconds number
---@param layout? ('rfc3339'|'http'|string)
---@return string
function time.format(seconds, layout) end

return time
