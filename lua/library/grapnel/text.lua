-- SPDX-License-Identifier: MIT
-- The module grapnel.text, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.text

local text = {}

---{{path}} replaced; missing and null by nothing
---@param s string
---@param t table
---@param escape? (fun(s: string): string)
---@return string
function text.template(s, t, escape) end

---at most n characters; never half of one
---@param s string
---@param n integer
---@param tail? string
---@return string
function text.truncate(s, n, tail) end

---for HTML, also inside of quotes
---@param s string
---@return string
function text.escape_html(s) end

---&, < and >, as Slack wants them
---@param s string
---@return string
function text.escape_slack(s) end

---a backslash before what Markdown reads
---@param s string
---@return string
function text.escape_markdown(s) end

return text
