#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# From nothing to a delivered webhook: installs what is missing, builds, delivers one event, shows the POST as it arrived.
set -eu

usage() {
    cat <<'END'
usage: examples/quickstart.sh [--keep]

On Debian 12, as root or as a user with sudo. Everything but the build (in
build/release) happens in a temporary folder, which is removed at the end.

  --keep   leave engine and receiver running, and say how to stop them
END
}

keep=''
for argument in "$@"; do
    case $argument in
    --keep) keep=yes ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
done

cd "$(dirname "$0")/.."
grapnel=$PWD/build/release/grapnel
event=tests/support/request_added.json
packages=(gcc libc6-dev cmake ninja-build pkg-config libuv1-dev uuid-dev libssl-dev libsqlite3-dev
    libcurl4-openssl-dev liblua5.4-dev lua-cjson-dev libseccomp-dev libmicrohttpd-dev)
folder='' engine='' receiver=''

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || step() { printf '\n%s\n' "$*"; }

fail() {
    echo "quickstart: $*" >&2
    exit 1
}

# Shows a command as one would type it, then runs it.
run() {
    local word line=
    for word in "${@/#"$grapnel"/grapnel}"; do
        case $word in
        *[!a-zA-Z0-9_./:@=,*-]* | '') line+=" '$word'" ;;
        *) line+=" $word" ;;
        esac
    done
    echo "\$$line"
    "$@"
}

# ---- what the build needs --------------------------------------------------

install() {
    local package sudo=() missing=()
    command -v dpkg-query >/dev/null || return 0 # not Debian: cmake says what is missing
    for package in "${packages[@]}"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    step "Installing from Debian: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            fail "needs root or sudo once, for: apt-get install ${missing[*]}"
        sudo=(sudo)
    fi
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q update >"$folder/apt.log" 2>&1 || true
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qy install --no-install-recommends "${missing[@]}" >>"$folder/apt.log" 2>&1 || {
        tail -n 20 "$folder/apt.log" >&2
        fail "apt-get could not install them"
    }
}

# Two builds in one folder at the same time break each other: the second one waits.
build() {
    [ -x "$grapnel" ] || step "Building (a minute or two, once)"
    mkdir -p build
    if ! { flock 9 && cmake --preset release && cmake --build --preset release; } \
        >"$folder/build.log" 2>&1 9>build/.lock; then
        tail -n 40 "$folder/build.log" >&2
        fail "the build failed"
    fi
}

# ---- running ---------------------------------------------------------------

clean_up() {
    local pid
    for pid in $engine $receiver; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    [ -z "$folder" ] || rm -rf "$folder"
}

# wait_for PATTERN FILE PID WHAT: until the file has it; fails when the process has ended.
wait_for() {
    local tries
    for tries in $(seq 300); do
        grep -q "$1" "$2" && return 0
        if [ "$tries" = 300 ] || ! kill -0 "$3" 2>/dev/null; then break; fi
        sleep 0.1
    done
    grep -q "$1" "$2" && return 0
    cat "$folder"/*.log "$2" >&2
    fail "$4"
}

start_engine() {
    setsid "$grapnel" serve --data-dir "$folder/data" --ingest-socket "$folder/ingest.sock" \
        --admin-socket "$folder/admin.sock" --admin-listen none --allow-targets 127.0.0.0/8 \
        </dev/null >"$folder/ready" 2>"$folder/engine.log" &
    engine=$!
    wait_for '^ready$' "$folder/ready" "$engine" "the engine did not start"
    export GRAPNEL_ADMIN_SOCKET=$folder/admin.sock GRAPNEL_INGEST_SOCKET=$folder/ingest.sock
}

start_receiver() {
    setsid "$grapnel" listen 127.0.0.1:0 --secret "$secret" --scheme standard \
        </dev/null >"$folder/requests" 2>"$folder/receiver.log" &
    receiver=$!
    wait_for '^listening on ' "$folder/receiver.log" "$receiver" "the receiver did not start"
    url=$(sed -n 's/^listening on //p' "$folder/receiver.log")
}

say_what_next() {
    step "What to try next"
    if [ -n "$keep" ]; then
        cat <<END
Engine and receiver are still running. In a shell:

    export GRAPNEL_ADMIN_SOCKET=$GRAPNEL_ADMIN_SOCKET GRAPNEL_INGEST_SOCKET=$GRAPNEL_INGEST_SOCKET
    PATH=\$PATH:${grapnel%/*}
    grapnel send request.added '{"title":"Mine"}'       # any JSON, also through socat or nc -UN
    tail -f $folder/requests     # what the receiver got
    grapnel webhooks list
    grapnel webhooks edit quickstart --script slack     # another shape for the same event
    grapnel explain $id

Stop them with: kill $engine $receiver; rm -r $folder
END
    else
        cat <<'END'
    examples/quickstart.sh --keep     # the same, and leaves it running to play with
    build/release/grapnel --help
    less README.md scripts/standard-webhooks.lua
END
    fi
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/grapnel.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM

install
build

step "An engine and a receiver"
secret=whsec_$(head -c 32 /dev/urandom | base64)
url=''
start_engine
start_receiver
echo "engine:   $folder/ingest.sock takes events, one JSON object a line"
echo "receiver: $url verifies signatures with the webhook's secret"

step "A webhook: where to send request.added, what to add, how to sign"
run "$grapnel" webhooks add --name quickstart --target "${url}webhook" --event request.added \
    --extra-payload '{"username":"DejaCode Webhook"}' --extra-header 'X-Source: quickstart' \
    --script standard-webhooks --secret "$secret"

step "The event"
run "$grapnel" send request.added "@$event" | tee "$folder/reply"
id=$(sed -n 's/.*"id":"\([^"]*\)".*/\1/p' "$folder/reply")

step "The POST, as it arrived"
wait_for '^signature: ' "$folder/requests" "$receiver" "no request arrived"
cat "$folder/requests"
grep -q '^signature: verified' "$folder/requests" || fail "the signature does not fit"

step "What became of it"
for _ in $(seq 50); do # the receiver has it; the engine may still be writing that down
    "$grapnel" explain "$id" >"$folder/explained"
    grep -q ' delivered with ' "$folder/explained" && break
    sleep 0.1
done
run "$grapnel" explain "$id"

say_what_next
if [ -n "$keep" ]; then
    trap - EXIT
fi
