-- SPDX-License-Identifier: MIT
-- The module grapnel.url, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.url

local url = {}

---{scheme, host, port, path, query, fragment}, or nil and a message
---@param s string
---@return grapnel.url.parts?
---@return string?
function url.parse(s) end

---the inverse; query may be a table
---@param parts grapnel.url.parts
---@return string
function url.build(parts) end

---percent-encoded
---@param s string
---@return string
function url.escape(s) end

---a=1&b=2 of a table; a list repeats its name
---@param t table<string, any>
---@return string
function url.query(t) end

return url
