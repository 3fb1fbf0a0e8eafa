-- SPDX-License-Identifier: MIT
-- Integers of 17 bytes.
-- outcome: script_error
-- reason: integral size \(17\) out of limits \[1,16\]
return {
    api = 1,
    transform = function(request)
        request.body = string.pack("i17", 1)
    end,
}
