-- SPDX-License-Identifier: MIT
-- A jump into the scope of a local that was never set.
-- outcome: refused
-- at: load
-- reason: jumps into the scope of local 'x'
do
    goto inside
    local x
    ::inside::
    print(x)
end
return { api = 1 }
