-- SPDX-License-Identifier: MIT
-- The module cjson, for editors; written by tests/tools/generate_library, do not edit.
---@meta cjson

local cjson = {}

---lua-cjson's; its limits on numbers, order and empty lists apply
---@param v any
---@return string
function cjson.encode(v) end

---lua-cjson's; raises
---@param s string
---@return any
function cjson.decode(s) end

---json.null
---@type userdata
cjson.null = nil

return cjson
