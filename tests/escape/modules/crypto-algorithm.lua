-- SPDX-License-Identifier: MIT
-- An algorithm that is not there.
-- outcome: script_error
-- reason: one of sha256, sha512, sha1, md5 expected
return {
    api = 1,
    transform = function()
        require("grapnel.crypto").hmac("sha256\0", "k", "s")
    end,
}
