-- SPDX-License-Identifier: MIT
-- The table that a script returns and what its functions get, for editors. (lua/README.md)
---@meta _

---@alias grapnel.algorithm 'sha256'|'sha512'|'sha1'|'md5'

---@alias grapnel.scalar_type
---| 'string' # one line
---| 'text' # several lines; where it is a template, {{path}}
---| 'integer'
---| 'number'
---| 'boolean'
---| 'duration' # 10ms 5s 2h outside, seconds in Lua
---| 'path' # names joined by dots
---| 'secret' # stored as secrets are, masked everywhere

---@alias grapnel.option_type grapnel.scalar_type|'list'|'map'

---@alias grapnel.json table|string|number|boolean

---@class grapnel.option
---@field type grapnel.option_type
---@field of? grapnel.scalar_type of the elements of a list or map
---@field required? boolean
---@field default? any
---@field help? string
---@field example? any
---@field choices? any[]
---@field min? number of numbers; of the length of strings, lists and maps
---@field max? number
---@field check? fun(value: any, key?: integer|string): any, string? true; or nil and a message

---@class grapnel.event
---@field id string the engine's, = webhook-id
---@field event string its name
---@field tenant string
---@field key? string
---@field time string RFC 3339
---@field form? 'data'|'fields'|'override' which of them the producer used
---@field data any what the producer sent

---@class grapnel.ctx
---@field options table<string, any> as the script declares them; nil when not given
---@field webhook grapnel.webhook
---@field attempt grapnel.attempt
---@field env table<string, string> the tenant's hook_env
---@field secret? string in sign only: the newest
---@field secrets? string[] in sign only: all that are valid now, newest first

---@class grapnel.webhook
---@field uuid string
---@field name? string
---@field target string a credential: put no part of it into a body
---@field tenant string
---@field metadata table<string, string>
---@field extra_payload table<string, any>

---@class grapnel.attempt
---@field number integer from 1
---@field id string
---@field time integer unix seconds; there is no other clock

---@class grapnel.request
---@field method 'POST'|'PUT'|'PATCH'
---@field url string
---@field headers table<string, string?> names in any case
---@field body any in transform a table or a string; in sign the exact bytes

---@class grapnel.response
---@field status integer
---@field headers table<string, string> names in any case
---@field body string at most 64 KiB
---@field truncated boolean it was longer
---@field json fun(): any, string? the decoded body, or nil and a message

---@class grapnel.url.parts
---@field scheme? string
---@field userinfo? string
---@field host string
---@field port? integer
---@field path? string
---@field query? string|table<string, any>
---@field fragment? string

---@class grapnel.test
---@field name string
---@field event? table|string a string: one event as a producer writes it
---@field options? table<string, any>
---@field webhook? table<string, any>
---@field secrets? string[]
---@field env? table<string, string>
---@field attempt? { number: integer?, id: string?, time: integer? }
---@field request? { body: string?, headers: table<string, string>?, url: string? }
---@field response? { status: integer?, headers: table<string, string>?, body: string? }
---@field expect grapnel.expect

---@class grapnel.expect
---@field body? string|table the exact bytes, or the same JSON
---@field headers? table<string, string|false> false: absent
---@field url? string
---@field method? string
---@field filtered? string|false
---@field verdict? string|table|false 'ok', { 'retry', 60 }, { 'fail', 'reason' }
---@field error? string that the message contains
---@field invalid? table<string, string> complaints about options

---@alias grapnel.verdict 'ok'|'retry'|'fail'|'disable'

---@class grapnel.script
---@field api 1
---@field help? string
---@field options? table<string, grapnel.option>
---@field secret? 'symmetric'|'ed25519'|'shared' what sign needs; shared: symmetric or plain
---@field filter? fun(event: grapnel.event, ctx: grapnel.ctx): boolean, string?
---@field transform? fun(request: grapnel.request, event: grapnel.event, ctx: grapnel.ctx): false?, string?
---@field sign? fun(request: grapnel.request, event: grapnel.event, ctx: grapnel.ctx)
---@field response? fun(response: grapnel.response, event: grapnel.event, ctx: grapnel.ctx): grapnel.verdict?, (number|string)?
---@field tests? grapnel.test[]
