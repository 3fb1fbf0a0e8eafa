-- SPDX-License-Identifier: MIT
-- string.dump gives bytecode to study and to forge.
-- outcome: script_error
-- reason: attempt to call a nil value \(field 'dump'\)
return {
    api = 1,
    transform = function(request)
        request.body = string.dump(function() end)
    end,
}
