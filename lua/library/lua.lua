-- SPDX-License-Identifier: MIT
-- What scripts have of Lua's own libraries, for editors; written by tests/tools/generate_library, do not edit.
---@meta _

---raises message when v is false or nil
---@generic T
---@param v T
---@param message? string
---@return T
function assert(v, message) end

---raises an error: a bug, or data that cannot be sent
---@param message any
---@param level? integer
function error(message, level) end

---walks the elements of a list
---@generic T
---@param t T[]
---@return fun(list: T[], i?: integer): (integer, T)
---@return T[]
---@return integer
function ipairs(t) end

---the key and value behind key, in the order of pairs
---@param t table
---@param key? any
---@return any
---@return any
function next(t, key) end

---walks 1..#t, then members in document order, others sorted
---@generic K, V
---@param t table<K, V>
---@return fun(t: table<K, V>, key?: K): (K, V)
function pairs(t) end

---calls f; false and the error when it raised one
---@param f function
---@param ... any
---@return boolean
---@return any ...
function pcall(f, ...) end

---arguments from the nth on; "#": how many
---@param n integer|'#'
---@param ... any
---@return any ...
function select(n, ...) end

---a number, or nil
---@param v any
---@param base? integer
---@return number?
function tonumber(v, base) end

---a string; of a table or function only its type
---@param v any
---@return string
function tostring(v) end

---the name of the type; json.null is "userdata"
---@param v any
---@return 'nil'|'boolean'|'number'|'string'|'table'|'function'|'userdata'
function type(v) end

---equality without metamethods
---@param a any
---@param b any
---@return boolean
function rawequal(a, b) end

---refuses __gc, __close and protected tables
---@generic T
---@param t T
---@param mt table?
---@return T
function setmetatable(t, mt) end

---of tables only
---@param t table
---@return any
function getmetatable(t) end

---a module of this list, grapnel.NAME of lua/, or cjson
---@param name string
---@return any
function require(name) end

---grapnel.log's info
---@param ... any
function print(...) end

---"Lua 5.4"
---@type string
_VERSION = nil

string = {}

---the codes of the characters from i to j
---@param s string
---@param i? integer
---@param j? integer
---@return integer
---@return any ...
function string.byte(s, i, j) end

---the string of these codes
---@param ... integer
---@return string
function string.char(...) end

---where the pattern is, from and to, then its captures; nil when nowhere
---@param s string
---@param pattern string
---@param init? integer
---@param plain? boolean
---@return integer?
---@return integer?
---@return any ...
function string.find(s, pattern, init, plain) end

---without %p
---@param format string
---@param ... any
---@return string
function string.format(format, ...) end

---an iterator over all matches
---@param s string
---@param pattern string
---@param init? integer
---@return fun(): (string, ...)
function string.gmatch(s, pattern, init) end

---the string with matches replaced, and how many
---@param s string
---@param pattern string
---@param replacement string|table|function
---@param n? integer
---@return string
---@return integer
function string.gsub(s, pattern, replacement, n) end

---bytes, as #s
---@param s string
---@return integer
function string.len(s) end

---letters A to Z in lower case
---@param s string
---@return string
function string.lower(s) end

---the captures of the first match, or the match; nil when there is none
---@param s string
---@param pattern string
---@param init? integer
---@return any
---@return any ...
function string.match(s, pattern, init) end

---values as binary text
---@param format string
---@param ... any
---@return string
function string.pack(format, ...) end

---bytes that pack makes
---@param format string
---@return integer
function string.packsize(format) end

---the string n times
---@param s string
---@param n integer
---@param separator? string
---@return string
function string.rep(s, n, separator) end

---byte by byte
---@param s string
---@return string
function string.reverse(s) end

---bytes i to j; negative ones count from the end
---@param s string
---@param i integer
---@param j? integer
---@return string
function string.sub(s, i, j) end

---values of binary text, and the position behind them
---@param format string
---@param s string
---@param position? integer
---@return any
---@return any ...
function string.unpack(format, s, position) end

---letters a to z in upper case
---@param s string
---@return string
function string.upper(s) end

table = {}

---the elements as one string
---@param list (string|number)[]
---@param separator? string
---@param i? integer
---@param j? integer
---@return string
function table.concat(list, separator, i, j) end

---puts value at position, or at the end
---@generic T
---@param list T[]
---@param position? integer
---@param value T
---@overload fun(list: T[], value: T)
function table.insert(list, position, value) end

---copies elements from..to of a
---@generic T
---@param a T[]
---@param from integer
---@param to integer
---@param at integer
---@param b? T[]
---@return T[]
function table.move(a, from, to, at, b) end

---a table of the arguments, with n
---@param ... any
---@return table
function table.pack(...) end

---takes the element at position out, or the last
---@generic T
---@param list T[]
---@param position? integer
---@return T?
function table.remove(list, position) end

---in place; less answers whether a comes before b
---@generic T
---@param list T[]
---@param less? (fun(a: T, b: T): boolean)
function table.sort(list, less) end

---the elements as values
---@generic T
---@param list T[]
---@param i? integer
---@param j? integer
---@return T
---@return any ...
function table.unpack(list, i, j) end

math = {}

---without its sign
---@param x number
---@return number
function math.abs(x) end

---arc cosine, in radians
---@param x number
---@return number
function math.acos(x) end

---arc sine, in radians
---@param x number
---@return number
function math.asin(x) end

---arc tangent of y/x, in radians
---@param y number
---@param x? number
---@return number
function math.atan(y, x) end

---the next integer up
---@param x number
---@return integer
function math.ceil(x) end

---cosine
---@param x number
---@return number
function math.cos(x) end

---radians as degrees
---@param x number
---@return number
function math.deg(x) end

---e to the power of x
---@param x number
---@return number
function math.exp(x) end

---the next integer down
---@param x number
---@return integer
function math.floor(x) end

---the remainder, with the sign of x
---@param x number
---@param y number
---@return number
function math.fmod(x, y) end

---infinity, which is not JSON
---@type number
math.huge = nil

---logarithm, natural by default
---@param x number
---@param base? number
---@return number
function math.log(x, base) end

---the largest
---@param x number
---@param ... number
---@return number
function math.max(x, ...) end

---2^63 - 1
---@type integer
math.maxinteger = nil

---the smallest
---@param x number
---@param ... number
---@return number
function math.min(x, ...) end

----2^63
---@type integer
math.mininteger = nil

---integral and fractional part
---@param x number
---@return number
---@return number
function math.modf(x) end

---3.14159…
---@type number
math.pi = nil

---degrees as radians
---@param x number
---@return number
function math.rad(x) end

---sine
---@param x number
---@return number
function math.sin(x) end

---square root
---@param x number
---@return number
function math.sqrt(x) end

---tangent
---@param x number
---@return number
function math.tan(x) end

---the integer of that value, or nil
---@param x any
---@return integer?
function math.tointeger(x) end

---"integer", "float", or nil
---@param x any
---@return 'integer'|'float'|nil
function math.type(x) end

---m < n as unsigned integers
---@param m integer
---@param n integer
---@return boolean
function math.ult(m, n) end

utf8 = {}

---the characters of these code points
---@param ... integer
---@return string
function utf8.char(...) end

---a pattern that matches one character
---@type string
utf8.charpattern = nil

---the code points of the characters from i to j
---@param s string
---@param i? integer
---@param j? integer
---@return integer
---@return any ...
function utf8.codepoint(s, i, j) end

---walks position and code point of each character
---@param s string
---@return fun(s: string, i: integer): (integer, integer)
function utf8.codes(s) end

---characters; nil and the position of what is no UTF-8
---@param s string
---@param i? integer
---@param j? integer
---@return integer?
---@return integer?
function utf8.len(s, i, j) end

---the byte at which the n-th character begins
---@param s string
---@param n integer
---@param i? integer
---@return integer?
function utf8.offset(s, n, i) end
