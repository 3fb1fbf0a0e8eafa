#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds what the named groups of tests need, runs them, and counts: the last line is the sum over everything.
set -u

usage() {
    cat <<'END'
usage: tests/run.sh [GROUP...]

  lint      format, clang-tidy, cppcheck, luacheck, shellcheck, codespell, tests/tools
  build     gcc and clang with warnings as errors, and the release build
  unit      unit tests (dev build)
  store     contract tests of the stores (dev build)
  asan      unit and store tests under the address and undefined behaviour sanitizers
  tsan      unit and store tests under the thread sanitizer
  lua       the golden tests of scripts/, and those of lua/ in tests/lua/
  scenario  stories told to a running engine, on the asan build and the release build
  escape    hostile scripts let loose on a running engine, on the asan build and the release build
  crash     the engine killed and started again
  model     LAZY_CASES (6000) random edits of random documents against the reference model
  fuzz      every fuzzer for FUZZ_SECONDS (60)
  all       all of these, as without arguments

  cov       not in all: lines reached by the unit and store tests; model, ingest and
            script must have COVERAGE (90) percent each

JOBS (number of processors) is how much runs at once; ONLY=PATTERN is handed to
scenario, escape and crash tests; logs of every step are in build/logs/.
END
}

cd "$(dirname "$0")/.." || exit 1
logs=$PWD/build/logs
jobs=${JOBS:-$(nproc)}
passed=0 failed=0 skipped=0
failures=()
mkdir -p "$logs"
# Nothing may ask a question, or take git's locks while somebody works.
export LC_ALL=C.UTF-8 GIT_OPTIONAL_LOCKS=0 DEBIAN_FRONTEND=noninteractive
exec </dev/null

# The sanitizers of gcc 12 and clang 14 do not know address spaces as random as
# newer kernels make them, and crash at start; there, do without.
if [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -gt 28 ] && setarch -R true 2>/dev/null; then
    [ -n "${RUN_PLAIN_ADDRESSES-}" ] || RUN_PLAIN_ADDRESSES=1 exec setarch -R tests/run.sh "$@"
fi

# ---- packages ------------------------------------------------------------
build_packages=(gcc clang cmake ninja-build pkg-config libc6-dev libuv1-dev uuid-dev libssl-dev
    libsqlite3-dev libcurl4-openssl-dev liblua5.4-dev lua-cjson-dev libseccomp-dev
    libmicrohttpd-dev libcmocka-dev libclang-rt-14-dev)
test_packages=(python3 openssl socat netcat-openbsd)
lint_packages=(git clang-format clang-tidy cppcheck lua-check shellcheck codespell)

# install PACKAGE...: gets those that are not there, and says so.
install() {
    local package missing=() sudo=()
    for package in "$@"; do
        [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "installing Debian packages: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "cannot install them without root or sudo; run: apt-get install ${missing[*]}"
            return 1
        }
        sudo=(sudo)
    fi
    # Indexes may be missing, or older than what the archive still has.
    "${sudo[@]}" apt-get -q update >"$logs/apt.log" 2>&1
    "${sudo[@]}" apt-get -qy install --no-install-recommends "${missing[@]}" >>"$logs/apt.log" 2>&1 || {
        tail -n 20 "$logs/apt.log"
        return 1
    }
}

# npm_packages: fetches what tests/npm/package-lock.json names, once. Tests that need a package skip
# themselves without it, which is a skip here only when npm's registry cannot be reached.
npm_packages() {
    local lock=tests/npm/package-lock.json fetched=tests/npm/node_modules/.fetched log=$logs/npm.log
    [ -z "${npm_is_done-}" ] || return 0
    npm_is_done=1
    cmp -s "$lock" "$fetched" && return 0
    if ! command -v npm >/dev/null && ! install nodejs npm; then
        skip "npm packages" "Debian has no npm for us"
        return
    fi
    if (cd tests/npm && npm ci --ignore-scripts --no-audit --no-fund) >"$log" 2>&1; then
        cp "$lock" "$fetched"
    elif grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' "$log"; then
        skip "npm packages" "npm's registry cannot be reached"
    else
        tail -n 20 "$log"
        fail "npm ci in tests/npm" "$log"
    fi
}

# ---- counting ------------------------------------------------------------
fail() {
    failed=$((failed + 1))
    failures+=("$1")
    echo "  FAILED: $1 (log: ${2#"$PWD"/})"
}

# step NAME COMMAND...: one test; its output is shown when it fails.
step() {
    local name=$1 log=$logs/${1//[^a-zA-Z0-9_.-]/_}.log
    shift
    if "$@" >"$log" 2>&1; then
        passed=$((passed + 1))
        return 0
    fi
    tail -n "${TAIL:-60}" "$log"
    fail "$name" "$log"
    return 1
}

skip() {
    skipped=$((skipped + 1))
    echo "  skipped: $1 ($2)"
}

declare -A built=()
# build PRESET [-DOPTION...]: configures and builds once per run; not a test unless it fails.
build() {
    local preset=$1 log=$logs/build_$1.log
    shift
    [ -z "${built[$preset]-}" ] || return "${built[$preset]}"
    if cmake --preset "$preset" "$@" >"$log" 2>&1 && cmake --build --preset "$preset" -j "$jobs" -- -k 0 >>"$log" 2>&1; then
        built[$preset]=0
        return 0
    fi
    built[$preset]=1
    grep -A 12 -E 'error|warning|FAILED|Error' "$log" | tail -n 60
    fail "build $preset" "$log"
    return 1
}

dev() { build dev -Dwerror=ON; }
clang() { build dev-clang -Dwerror=ON; }
asan() { build asan; }
tsan() { build tsan; }
release() { build release; }
cov() { build cov; }
fuzzers() { build fuzz "-DFUZZ_SECONDS=${FUZZ_SECONDS:-60}"; }

# run_ctest PRESET LABELS: each test counts.
run_ctest() {
    local preset=$1 labels=$2 name=ctest_$1_${2//[^a-z]/_} tests bad skips
    local log=$logs/$name.log report=$logs/$name.xml
    rm -f "$report"
    (cd "build/$preset" && ctest -L "$labels" -j "$jobs" --output-on-failure --output-junit "$report") >"$log" 2>&1
    tests=$(sed -n 's/^[[:space:]]*tests="\([0-9]*\)".*/\1/p' "$report" 2>/dev/null | head -n 1)
    bad=$(sed -n 's/^[[:space:]]*failures="\([0-9]*\)".*/\1/p' "$report" 2>/dev/null | head -n 1)
    skips=$(sed -n 's/^[[:space:]]*skipped="\([0-9]*\)".*/\1/p' "$report" 2>/dev/null | head -n 1)
    if [ -z "$tests" ]; then
        tail -n 20 "$log"
        fail "$name" "$log"
        return
    fi
    passed=$((passed + tests - bad - skips))
    skipped=$((skipped + skips))
    if [ "$tests" -eq 0 ]; then
        fail "$name: ran nothing" "$log"
    elif [ "$bad" -gt 0 ]; then
        grep -v -E '^ *[0-9]+/[0-9]+ Test .* Passed |^ *Start ' "$log" | tail -n "${TAIL:-150}"
        failed=$((failed + bad - 1))
        fail "$name: $bad tests" "$log"
    fi
}

# run_python NAME SCRIPT ENGINE: each line `ok`, `not ok` or `skip` counts.
run_python() {
    local name=$1 script=$2 engine=$3 log=$logs/$1.log status=0 good bad
    [ -e "$script" ] || { skip "$name" "no $script yet"; return; }
    [ -x "$engine" ] || { skip "$name" "no $engine yet"; return; }
    python3 "$script" --engine "$engine" --jobs "$jobs" ${ONLY:+--only "$ONLY"} >"$log" 2>&1 || status=$?
    good=$(grep -c '^ok ' "$log")
    bad=$(grep -c '^not ok ' "$log")
    passed=$((passed + good))
    skipped=$((skipped + $(grep -c '^skip ' "$log")))
    grep '^skip ' "$log" | sed 's/^/  /'
    if [ "$bad" -gt 0 ] || [ "$status" -ne 0 ]; then
        # What stands before a `not ok` is its story; engines' logs are long.
        grep -B 25 '^not ok ' "$log" | cut -c 1-200 | tail -n "${TAIL:-120}"
        failed=$((failed + (bad > 1 ? bad - 1 : 0)))
        fail "$name: $bad tests (status $status)" "$log"
    elif [ "$good" -eq 0 ]; then
        fail "$name: ran nothing" "$log"
    fi
}

# ---- groups --------------------------------------------------------------
group_lint() {
    local tool files
    install "${lint_packages[@]}" || { fail "packages for lint" "$logs/apt.log"; return; }
    step "clang-format" tests/tools/format
    for tool in tests/tools/check_* tests/tools/lint_commit tests/tools/selftest; do
        step "${tool##*/}" "$tool"
    done
    mapfile -t files < <(git ls-files -co --exclude-standard -- '*.lua' | while read -r f; do [ -e "$f" ] && echo "$f"; done)
    if [ ${#files[@]} -gt 0 ]; then
        step luacheck luacheck -q "${files[@]}" .luacheckrc
    fi
    mapfile -t files < <(git grep -lE --untracked '^#!.*\b(ba)?sh$' -- . ':!*.md')
    step shellcheck shellcheck "${files[@]}"
    mapfile -t files < <(git ls-files -co --exclude-standard -- ':!*.json' ':!tests/fuzz/corpus' ':!*.svg')
    step codespell codespell "${files[@]}"
    step python python3 -m compileall -q tests
    # clang's view of the code: gcc's own flags are not in this build.
    if clang; then
        step cppcheck cppcheck --project=build/dev-clang/compile_commands.json -q -j "$jobs" \
            --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr \
            --suppressions-list=.cppcheck --error-exitcode=2 \
            --cppcheck-build-dir="$(mkdir -p build/cppcheck && echo build/cppcheck)"
        step clang-tidy tests/tools/tidy --jobs "$jobs" build/dev-clang
    fi
}

group_build() {
    local preset
    for preset in dev clang release; do
        $preset && passed=$((passed + 1))
    done
}

group_unit() { npm_packages; dev && run_ctest dev unit; }
group_store() { dev && run_ctest dev store; }
group_asan() { npm_packages; asan && run_ctest asan 'unit|store'; }
group_tsan() { npm_packages; tsan && run_ctest tsan 'unit|store'; }

# golden FILE: the engine takes a script only if its golden tests pass.
golden() {
    local folder status=0
    folder=$(mktemp -d)
    cp "$1" "$folder"
    build/dev/grapnel check --data-dir "$folder" --scripts-dir "$folder" || status=1
    rm -rf "$folder"
    return "$status"
}

golden_refuses() {
    ! golden tests/lua/broken.lua
}

group_lua() {
    local script
    dev || return
    for script in scripts/*.lua tests/lua/module-*.lua; do
        grep -q '^    tests = {' "$script" || fail "$script has no golden tests" "$script"
        step "golden $script" golden "$script"
    done
    step "golden broken" golden_refuses
    step "golden tests/lua/tasks" build/dev/grapnel test tests/lua/tasks
}

group_scenario() {
    npm_packages
    asan && run_python scenario_asan tests/scenario/run.py build/asan/grapnel
    release && run_python scenario_release tests/scenario/run.py build/release/grapnel
}

group_escape() {
    asan && run_python escape_asan tests/escape/run.py build/asan/grapnel
    release && run_python escape_release tests/escape/run.py build/release/grapnel
}

# model_cases SEED: its own seed, so that each group tries other cases than unit and the next one.
model_cases() { LAZY_SEED=$1 LAZY_CASES=${LAZY_CASES:-6000} build/dev/tests/unit/test_lazy_model; }

group_model() {
    local seed=${LAZY_SEED:-4}
    dev && step "lossless tables against the model, seed $seed" model_cases "$seed"
}

group_crash() { dev && run_python crash tests/crash/run.py build/dev/grapnel; }
group_fuzz() { fuzzers && run_ctest fuzz fuzz; }

group_cov() {
    local room
    install gcovr || { fail "packages for cov" "$logs/apt.log"; return; }
    cov || return
    find build/cov -name '*.gcda' -delete
    run_ctest cov 'unit|store'
    for room in model ingest script; do
        step "coverage of $room" gcovr -r . --exclude-unreachable-branches --filter "core/$room/" \
            --print-summary --fail-under-line "${COVERAGE:-90}" build/cov
        grep '^lines' "$logs/coverage_of_$room.log" | sed "s/^/  $room /"
    done
}

# ---- main ----------------------------------------------------------------
everything=(build lint unit store asan tsan lua model scenario escape crash fuzz)
groups=()
for argument in "$@"; do
    case $argument in
    all) groups+=("${everything[@]}") ;;
    lint | build | unit | store | asan | tsan | lua | model | scenario | escape | crash | fuzz | cov) groups+=("$argument") ;;
    -h | --help) usage && exit 0 ;;
    *) echo "tests/run.sh: no group $argument" >&2 && usage >&2 && exit 2 ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=("${everything[@]}")

started=$SECONDS
if install "${build_packages[@]}" "${test_packages[@]}"; then
    for group in "${groups[@]}"; do
        from=$SECONDS before_passed=$passed before_failed=$failed before_skipped=$skipped
        echo "$group"
        "group_$group"
        echo "$group: $((passed - before_passed)) passed, $((failed - before_failed)) failed," \
            "$((skipped - before_skipped)) skipped in $((SECONDS - from)) s"
    done
else
    fail "packages" "$logs/apt.log"
fi

echo "took $((SECONDS - started)) s"
for failure in "${failures[@]}"; do
    echo "failed: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
