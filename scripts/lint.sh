#!/usr/bin/env bash
# Checks the format of C and Python, the shell scripts and the spelling; --fix formats instead.
# MPY_DIR names the MicroPython source, whose tool and style are those for C.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PWD/.deps/uncrustify-0.72:$PATH

ours() {
    find board modules port scripts tests .ci -type f "$@" 2>/dev/null || true
}

failed=()
check() {
    local name=$1
    shift
    "$@" || failed+=("$name")
}

check_c() {
    local files copy=build/lint
    mapfile -t files < <(ours -name '*.[ch]')
    if [ ${#files[@]} = 0 ]; then
        return
    fi
    local version
    version=$(uncrustify --version || true)
    if [[ $version != *[-\ ]0.72* ]]; then
        # Upstream's style is for this version; others format differently.
        echo "lint: C is left out: its format takes uncrustify 0.72, not '$version'." >&2
        return
    fi
    if [ $fix = 1 ]; then
        python "$MPY_DIR/tools/codeformat.py" -c "${files[@]}"
        return
    fi
    rm -rf $copy
    mkdir -p $copy
    cp --parents "${files[@]}" $copy
    (cd $copy && python "$MPY_DIR/tools/codeformat.py" -c "${files[@]}") || return
    local file status=0
    for file in "${files[@]}"; do
        diff -u "$file" "$copy/$file" || status=1
    done
    return $status
}

check_shell() {
    local files
    mapfile -t files < <(ours -exec awk 'FNR == 1 { if (/^#!.*sh$/) print FILENAME; nextfile }' {} +)
    shellcheck "${files[@]}"
}

fix=0
if [ "${1:-}" = --fix ]; then
    fix=1
    ruff check -q --fix-only . || true
    ruff format -q .
    check_c
    exit
fi

check "C format" check_c
check "ruff check" ruff check -q .
check "ruff format" ruff format -q --diff .
check "shellcheck" check_shell
check "codespell" python -m codespell_lib

if [ ${#failed[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
