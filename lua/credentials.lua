-- SPDX-License-Identifier: MIT
-- credentials: the Authorization header of a user and a password, or of a token. Only for `sign`,
-- so that what it sets is recorded as [set by sign].
local crypto = require "grapnel.crypto"

local credentials = {}

-- With a user: Basic; without: the token after `scheme` ("Bearer"); without a token: nothing.
function credentials.set(request, user, token, scheme)
    if not token then return end
    local value = (scheme or "Bearer") .. " " .. token
    if user then value = "Basic " .. crypto.base64(user .. ":" .. token) end
    request.headers["Authorization"] = value
end

return credentials
