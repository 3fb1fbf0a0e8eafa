-- SPDX-License-Identifier: MIT
-- What other readers take for a slash.
-- outcome: script_error
-- reason: request.url
return {
    api = 1,
    transform = function(request)
        request.url = "https:\\\\example.com\\@169.254.169.254/"
    end,
}
