# The developer's menu; `just` lists it. Every recipe is one command that also works without just.

_default:
    @just --list --unsorted

# Format the code
fmt:
    cargo fmt

# Formatting and lints, as CI sees them
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# All tests; arguments go to cargo test
test *args:
    cargo test --locked {{ args }}

# Rewrite the expected results under tests/cases from what the program does now
expect:
    UPDATE_EXPECT=1 cargo test --locked --test suite cases::

# The API documentation, warnings denied
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# Licences, advisories and sources of the dependencies
deny:
    cargo deny --locked check

# Measure, print a markdown table; arguments are numbers of services
bench *sizes:
    scripts/bench {{ sizes }}

# Build and run an example end to end
demo example="mse-demo":
    bash examples/demo.sh {{ example }}

# Everything that has to be green
ci:
    bash .ci/run

# A release: static binary, completions, manual pages, checksums
package dir="target/package":
    scripts/package {{ dir }}
