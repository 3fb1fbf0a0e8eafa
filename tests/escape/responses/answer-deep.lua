-- SPDX-License-Identifier: MIT
-- An answer that is deeper than JSON may be.
-- outcome: delivered
-- reason: deep|nest|level
-- answer: {"status":200,"body":"[","times":60000}
-- sends: x
return {
    api = 1,
    transform = function(request) request.body = "x" end,
    response = function(response)
        local value, message = response.json()
        error(value and "it was read" or message)
    end,
}
