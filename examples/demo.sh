#!/usr/bin/env bash
# Builds graylane and runs an example as a repository of its own: baseline committed, lane generated and committed, result shown.
#
#   bash examples/demo.sh mse-demo [DIR]      DIR: where the copy goes; default: a new temporary directory
#
# Needs Rust, git and a C compiler (for libgit2, which is built from source).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
example=${1:-}
source=$root/examples/$example
if [[ -z $example || ! -f $source/graylane.yaml ]]; then
    echo "usage: bash examples/demo.sh EXAMPLE [DIR], where EXAMPLE is one of:" >&2
    for spec in "$root"/examples/*/graylane.yaml; do
        echo "  $(basename "$(dirname "$spec")")" >&2
    done
    exit 2
fi
copy=${2:-$(mktemp -d "${TMPDIR:-/tmp}/graylane-$example.XXXXXX")}
mkdir -p "$copy"
if [[ -n $(ls -A "$copy") ]]; then
    echo "$copy is not empty; name a directory that is, or none" >&2
    exit 2
fi

# Inside a hook or a rebase git exports the place of the outer repository.
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX

step() {
    printf '\n$ %s\n' "$*"
    "$@"
}
# As the installed program, but built from this source on first use.
graylane() { cargo run --quiet --locked --manifest-path "$root/Cargo.toml" --bin graylane -- "$@"; }

echo "Building graylane in $root; the first time this takes some minutes."
cargo build --locked --manifest-path "$root/Cargo.toml" --bin graylane

cp -R "$source/." "$copy"
cd "$copy"
git -c init.defaultBranch=main init --quiet
git config user.name "Demo"
git config user.email "demo@example.com"
git config commit.gpgSign false
git add --all
git commit --quiet --message "Add the baseline and the gray release of $example"

step graylane check
step graylane generate --commit
step find overlays -type f
step git --no-pager show --stat HEAD

cat <<END

The repository is in $copy
Go on there:  graylane diff   ·   graylane list   ·   graylane cleanup --commit
(\`cargo install --path $root --locked\` puts graylane on the PATH.)
END
