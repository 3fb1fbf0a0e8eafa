-- SPDX-License-Identifier: MIT
-- The module grapnel.json, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.json

local json = {}

---text; raises with the path of what cannot be JSON
---@param v any
---@return string
function json.encode(v) end

---a value, or nil and a message
---@param s string
---@return any
---@return string?
function json.decode(s) end

---JSON's null; it is true in conditions
---@type userdata
json.null = nil

---marks a table (a new one) as a list, also when empty
---@generic T
---@param t? T[]
---@return T[]
function json.array(t) end

---marks a table as an object
---@generic T
---@param t? T
---@return T
function json.object(t) end

---a deep copy that keeps order and spelling
---@generic T
---@param t T
---@return T
function json.copy(t) end

---the value there; nil when missing, null, or a step is no table
---@param t any
---@param path string
---@return any
function json.get(t, path) end

---sets it, and makes the objects on the way
---@param t table
---@param path string
---@param value any
function json.set(t, path, value) end

---walks parent and key of all matches, last first
---@param t table
---@param path string
---@return fun(): (table, string|integer)
function json.each(t, path) end

return json
