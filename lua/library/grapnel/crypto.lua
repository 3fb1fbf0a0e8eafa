-- SPDX-License-Identifier: MIT
-- The module grapnel.crypto, for editors; written by tests/tools/generate_library, do not edit.
---@meta grapnel.crypto

local crypto = {}

---bytes; algorithm is sha256, sha512, sha1 or md5
---@param algorithm grapnel.algorithm
---@param key string
---@param s string
---@return string
function crypto.hmac(algorithm, key, s) end

---bytes of a hash
---@param algorithm grapnel.algorithm
---@param s string
---@return string
function crypto.digest(algorithm, s) end

---64 bytes; seed is 32 bytes
---@param seed string
---@param s string
---@return string
function crypto.ed25519_sign(seed, s) end

---lower-case hexadecimal text
---@param bytes string
---@return string
function crypto.hex(bytes) end

---text, padded
---@param bytes string
---@return string
function crypto.base64(bytes) end

---text, not padded
---@param bytes string
---@return string
function crypto.base64url(bytes) end

---bytes, or nil and a message
---@param s string
---@return string?
---@return string?
function crypto.from_hex(s) end

---bytes, or nil and a message
---@param s string
---@return string?
---@return string?
function crypto.from_base64(s) end

---bytes, or nil and a message
---@param s string
---@return string?
---@return string?
function crypto.from_base64url(s) end

---a name's UUID; namespace is a UUID, or dns, url, oid, x500
---@param namespace 'dns'|'url'|'oid'|'x500'|string
---@param name string
---@return string
function crypto.uuid5(namespace, name) end

return crypto
