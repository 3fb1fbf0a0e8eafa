-- SPDX-License-Identifier: MIT
-- Settings of lua-cjson that would hold for all.
-- outcome: delivered
-- sends: nil nil nil nil nil
return {
    api = 1,
    transform = function(request)
        local cjson = require "cjson"
        request.body = ("%s %s %s %s %s"):format(cjson.new, cjson.encode_keep_buffer, cjson.encode_max_depth,
            cjson.decode_invalid_numbers, cjson.encode_sparse_array)
    end,
}
