-- SPDX-License-Identifier: MIT
-- signing: the webhook's secrets, and signatures made with them, for all scripts that sign.
-- A secret that begins with "whsk_" is the private key of ed25519: its receiver holds only the
-- public half, so no HMAC is ever made with it.
local crypto = require "grapnel.crypto"

local PRIVATE = "^whsk_"
local SEED, PAIR = 32, 64           -- bytes: the seed alone, or the seed and the public key

local function chosen(ctx, is_private)
    local found = {}
    for _, secret in ipairs(ctx.secrets) do
        if (secret:find(PRIVATE) ~= nil) == is_private then table.insert(found, secret) end
    end
    return found
end

local function demand(found, what)
    if found[1] then return found end
    error("this webhook has no secret " .. what .. ", so nothing can be signed", 0)
end

-- secrets(ctx): those that sign by HMAC, as they are, newest first; raises when there is none.
local function secrets(ctx)
    return demand(chosen(ctx, false), "to sign with")
end

-- keys(ctx): the same as Standard Webhooks has them: base64, decoded, behind "whsec_".
local function keys(ctx)
    local found = secrets(ctx)
    for i, secret in ipairs(found) do
        local key, problem = crypto.from_base64((secret:gsub("^whsec_", "")))
        if not key or key == "" then
            error(("secret %d of this webhook is %s"):format(i, problem or "empty"), 0)
        end
        found[i] = key
    end
    return found
end

-- seeds(ctx): ed25519 seeds, from "whsk_" and base64 of a seed, or of a seed and its public key.
local function seeds(ctx)
    local found = demand(chosen(ctx, true), 'that begins with "whsk_"')
    for i, secret in ipairs(found) do
        local key, problem = crypto.from_base64((secret:gsub(PRIVATE, "")))
        if not key or (#key ~= SEED and #key ~= PAIR) then
            error(("private key %d of this webhook %s"):format(i, problem and "is " .. problem
                or "has " .. #key .. " bytes; 32 or 64 are expected"), 0)
        end
        found[i] = key:sub(1, SEED)
    end
    return found
end

-- hex(algorithm, key, s), base64(algorithm, key, s): an HMAC as text.
local function hex(algorithm, key, s)
    return crypto.hex(crypto.hmac(algorithm, key, s))
end

local function base64(algorithm, key, s)
    return crypto.base64(crypto.hmac(algorithm, key, s))
end

-- standard(request): what Standard Webhooks sign.
local function standard(request)
    local headers = request.headers
    return headers["webhook-id"] .. "." .. headers["webhook-timestamp"] .. "." .. request.body
end

-- add(request, signatures): to the list in webhook-signature, behind those that are there.
local function add(request, signatures)
    local headers = request.headers
    local there = headers["webhook-signature"]
    if there then table.insert(signatures, 1, there) end
    headers["webhook-signature"] = table.concat(signatures, " ")
end

return {
    secrets = secrets, keys = keys, seeds = seeds,
    hex = hex, base64 = base64,
    standard = standard, add = add,
}
