-- SPDX-License-Identifier: MIT
-- The engine's own headers.
-- outcome: script_error
-- reason: (?i)webhook-id
return {
    api = 1,
    sign = function(request)
        request.headers["Webhook-Id"] = "forged"
    end,
}
