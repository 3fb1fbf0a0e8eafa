-- SPDX-License-Identifier: MIT
-- Sequences that would drive a terminal.
-- outcome: script_error
-- reason: ^control-characters.lua:8: a  b \[2J c d  e$
return {
    api = 1,
    transform = function()
        error("a\r\nb\27[2J c\7d\xc2\x9be")
    end,
}
