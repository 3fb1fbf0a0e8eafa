-- SPDX-License-Identifier: MIT
-- expression: conditions over an event, as in
--   data.priority in ["Urgent", "High"] and not (data.amount < 100) and data.assignee != null
-- Values: "text" or 'text', with \" \' \\ \n \t \/ and \uXXXX; -12.5; true, false, null; [lists];
--   paths of json.get, such as data.items.1.price or data.a\.b; lower(x) of ASCII letters,
--   length(x) in characters or elements.
-- Conditions: == != < <= > >=, in, contains, "starts with", "ends with", each also with "not"
--   before its word; joined by not, and, or (in this order) and parentheses. A value alone is true
--   when it is true itself.
-- Missing and null are both null. Only numbers and strings have an order, each among themselves; a
-- comparison of what does not fit is false, never an error.
local json = require "grapnel.json"

local MOST_BYTES, MOST_DEPTH, MOST_KEPT = 16384, 50, 64
local WORDS = { ["and"] = true, ["or"] = true, ["not"] = true, ["in"] = true, contains = true,
                starts = true, ends = true, with = true }
local LITERALS = { ["true"] = true, ["false"] = false }
local ESCAPES = { n = "\n", t = "\t", r = "\r", ["/"] = "/", ["\\"] = "\\", ['"'] = '"',
                  ["'"] = "'" }
local ROOTS = { "data", "event", "id", "tenant", "key", "time", "form" }

local function fail(at, ...)
    error({ at = at, message = string.format(...) }, 0)
end

-- ---- reading ----

local function unescape(token)
    token.value = token.text:gsub("\\(.?)(%x?%x?%x?%x?)", function(letter, digits)
        if letter == "u" and #digits == 4 then return utf8.char(tonumber(digits, 16)) end
        if not ESCAPES[letter] then fail(token.at, "\\%s is not known in the text", letter) end
        return ESCAPES[letter] .. digits
    end)
    if not utf8.len(token.value) then fail(token.at, "\\u names half a character in the text") end
end

-- The text from its quote at `at`; where it ends.
local function read_text(source, at)
    local quote, from = source:sub(at, at), at + 1
    local stop = from
    while true do
        stop = source:find("[\\" .. quote .. "]", stop)
        if not stop then fail(at, "no closing %s for the text", quote) end
        if source:sub(stop, stop) == quote then break end
        stop = stop + 2
    end
    local token = { kind = "text", text = source:sub(from, stop - 1), at = at }
    unescape(token)
    return token, stop
end

local function read_number(source, at)
    local text = source:match("^%-?%d[%w.+-]*", at)
    if not text then return nil end
    if not text:find("^%-?%d+%.?%d*[eE]?[+-]?%d*$") or not tonumber(text) then
        fail(at, "'%s' is no number", text)
    end
    return { kind = "number", value = tonumber(text), text = text, at = at }, at + #text - 1
end

-- A path or a word. \. is a dot in a name.
local function read_name(source, at)
    local stop = at
    while true do
        local next_at = source:match("^[%w_.-]*()", stop)
        next_at = source:match("^[\128-\255]+()", next_at) or source:match("^\\[.*\\]()", next_at)
            or next_at
        if next_at == stop then break end
        stop = next_at
    end
    if stop == at then return nil end
    return { kind = "name", text = source:sub(at, stop - 1), at = at }, stop - 1
end

local function read_sign(source, at)
    local sign = source:match("^[=!<>]=", at) or source:match("^[][()<>,]", at)
    if sign then return { kind = "sign", text = sign, at = at }, at + #sign - 1 end
end

local HINTS = { ["="] = "; equality is ==", ["&"] = "; use and", ["|"] = "; use or",
                ["!"] = "; use not or !=", ["*"] = "; there are no patterns and no arithmetic" }

local function tokenize(source)
    local tokens, at = {}, source:find("%S")
    while at do
        local first = source:sub(at, at)
        local token, stop
        if first == '"' or first == "'" then
            token, stop = read_text(source, at)
        else
            token, stop = read_number(source, at)
            if not token then token, stop = read_sign(source, at) end
            if not token then token, stop = read_name(source, at) end
        end
        if not token then
            fail(at, "'%s' means nothing%s", source:match("^[%z\1-\127\194-\244][\128-\191]*", at)
                or "?", HINTS[first] or "")
        end
        tokens[#tokens + 1] = token
        at = source:find("%S", stop + 1)
    end
    tokens[#tokens + 1] = { kind = "end", text = "the end", at = #source + 1 }
    return tokens
end

-- ---- comparing ----

local function ordered(compare)
    return function(a, b)
        local kind = type(a)
        return kind == type(b) and (kind == "number" or kind == "string") and compare(a, b)
    end
end

local function has(list, wanted)
    if type(list) == "string" and type(wanted) == "string" then
        return list:find(wanted, 1, true) ~= nil
    end
    for _, item in ipairs(type(list) == "table" and list or {}) do
        if item == json.null then item = nil end
        if item == wanted then return true end
    end
    return false
end

local function texts(compare)
    return function(a, b)
        return type(a) == "string" and type(b) == "string" and compare(a, b)
    end
end

local COMPARE = {
    ["=="] = function(a, b) return a == b end,
    ["!="] = function(a, b) return a ~= b end,
    ["<"] = ordered(function(a, b) return a < b end),
    ["<="] = ordered(function(a, b) return a <= b end),
    [">"] = ordered(function(a, b) return a > b end),
    [">="] = ordered(function(a, b) return a >= b end),
    ["in"] = function(a, list) return has(list, a) end,
    contains = has,
    ["starts with"] = texts(function(a, b) return a:sub(1, #b) == b end),
    ["ends with"] = texts(function(a, b) return b == "" or a:sub(-#b) == b end),
}
local FUNCTIONS = {
    lower = function(value) return type(value) == "string" and value:lower() or value end,
    length = function(value)
        if type(value) == "string" then return utf8.len(value, 1, -1, true) or #value end
        return type(value) == "table" and #value or nil
    end,
}

-- ---- parsing: each function answers a function of the event ----

local Parser = {}
Parser.__index = Parser

function Parser:peek() return self.tokens[self.next] end

function Parser:accept(text)
    local token = self:peek()
    if token.kind == "text" or token.kind == "number" or token.text ~= text then return false end
    self.next = self.next + (token.kind == "end" and 0 or 1)
    return true
end

function Parser:demand(text, what)
    local token = self:peek()
    if not self:accept(text) then
        fail(token.at, "%s expected, not '%s'", what or "'" .. text .. "'", token.text)
    end
end

function Parser:enter()
    self.depth = self.depth + 1
    if self.depth > MOST_DEPTH then
        fail(self:peek().at, "more than %d levels of parentheses, lists and not", MOST_DEPTH)
    end
end

function Parser:leave(result)
    self.depth = self.depth - 1
    return result
end

function Parser:list()
    local items = {}
    self:enter()
    while not self:accept("]") do
        items[#items + 1] = self:operand()
        if not self:accept(",") then
            self:demand("]", "',' or ']'")
            break
        end
    end
    return self:leave(function(event)
        local values = {}
        for i, item in ipairs(items) do
            local value = item(event)
            values[i] = value == nil and json.null or value
        end
        return values
    end)
end

function Parser:call(name)
    local apply = FUNCTIONS[name]
    self:demand("(")
    self:enter()
    local inner = self:operand()
    self:demand(")")
    return self:leave(function(event) return apply(inner(event)) end)
end

function Parser:path(token)
    local ok, problem = pcall(json.get, {}, token.text)
    if not ok then fail(token.at, "%s: '%s'", problem, token.text) end
    local first = token.text:match("^[^.\\]+") or ""
    for _, root in ipairs(self.roots) do
        if root == first then return function(event) return json.get(event, token.text) end end
    end
    fail(token.at, "'%s' is nothing here; a path begins with %s; texts stand in quotes",
        token.text, table.concat(self.roots, ", "))
end

function Parser:operand()
    local token = self:peek()
    if self:accept("[") then return self:list() end
    local is_word = token.kind == "name" and WORDS[token.text]
    if token.kind == "sign" or token.kind == "end" or is_word then
        fail(token.at, "a value expected, not '%s'", token.text)
    end
    self.next = self.next + 1
    local value = token.value
    if token.kind == "name" then
        if FUNCTIONS[token.text] and self:peek().text == "(" then return self:call(token.text) end
        value = LITERALS[token.text]
        if value == nil and token.text ~= "null" then return self:path(token) end
    end
    return function() return value end
end

-- The comparison that stands here, and whether "not" is before it; nil: none.
function Parser:operator()
    local token = self:peek()
    if token.kind == "sign" and COMPARE[token.text] then
        self.next = self.next + 1
        return COMPARE[token.text], false
    end
    local is_not = self:accept("not")
    for _, word in ipairs({ "in", "contains", "starts", "ends" }) do
        if self:accept(word) then
            if word == "starts" or word == "ends" then
                self:demand("with")
                word = word .. " with"
            end
            return COMPARE[word], is_not
        end
    end
    if is_not then fail(self:peek().at, "in, contains, starts with or ends with expected") end
end

function Parser:condition()
    if self:accept("not") then
        self:enter()
        local inner = self:condition()
        return self:leave(function(event) return not inner(event) end)
    elseif self:accept("(") then
        self:enter()
        local inner = self:disjunction()
        self:demand(")")
        return self:leave(inner)
    end
    local left = self:operand()
    local compare, is_not = self:operator()
    if not compare then return function(event) return left(event) == true end end
    local right = self:operand()
    return function(event) return compare(left(event), right(event)) ~= is_not end
end

-- Parts joined by a word: true or false is decided by the first that is `decisive`.
function Parser:chain(word, part, decisive)
    local parts = { part(self) }
    while self:accept(word) do parts[#parts + 1] = part(self) end
    if #parts == 1 then return parts[1] end
    return function(event)
        for i = 1, #parts do
            if parts[i](event) == decisive then return decisive end
        end
        return not decisive
    end
end

function Parser:conjunction() return self:chain("and", self.condition, false) end
function Parser:disjunction() return self:chain("or", self.conjunction, true) end

local function parse(source, roots)
    if #source > MOST_BYTES then fail(MOST_BYTES, "longer than %d bytes", MOST_BYTES) end
    local parser = setmetatable(
        { tokens = tokenize(source), next = 1, depth = 0, roots = roots }, Parser)
    local whole = parser:disjunction()
    parser:demand("the end", "a comparison, and, or, or the end")
    return whole
end

-- ---- the module ----

local kept, count = {}, 0           -- a memo of compiled expressions, by their source

-- compile(source[, roots]): a function of the event that answers true or false; or nil and what is
-- wrong. `roots`: what a path may begin with, by default what an event has.
local function compile(source, roots)
    local is_usual = type(roots) ~= "table"         -- as an option's check it gets a key or nil
    if is_usual and kept[source] then return kept[source] end
    local ok, result = pcall(parse, source, is_usual and ROOTS or roots)
    if not ok and type(result) ~= "table" then error(result, 0) end
    if not ok then                                  -- bytes are counted as people count them
        local at = utf8.len(source, 1, result.at - 1, true) or result.at - 1
        return nil, ("character %d: %s"):format(at + 1, result.message)
    end
    if is_usual then
        if count >= MOST_KEPT then kept, count = {}, 0 end
        kept[source], count = result, count + 1
    end
    return result
end

return { compile = compile }
