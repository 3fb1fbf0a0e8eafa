-- SPDX-License-Identifier: MIT
-- A body in another framing.
-- outcome: script_error
-- reason: (?i)transfer-encoding
return {
    api = 1,
    transform = function(request)
        request.headers["Transfer-Encoding"] = "chunked"
    end,
}
