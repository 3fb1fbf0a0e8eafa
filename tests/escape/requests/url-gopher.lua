-- SPDX-License-Identifier: MIT
-- A protocol in which one can say anything.
-- outcome: script_error
-- reason: request.url: .*http
return {
    api = 1,
    transform = function(request)
        request.url = "gopher://127.0.0.1:6379/_FLUSHALL"
    end,
}
