#!/bin/sh
# Set up dbt 2 as .venv/bin/dbt2: the program from PyPI, and DuckDB from npm, which it loads as an
# ADBC driver. Where that fails, print the reason in one line.
folder=$PWD/.venv/dbt2
rm -rf "$folder" .venv/bin/dbt2

leave_out() {
    rm -rf "$folder"
    echo "dbt 2 is left out: $1" >&2
    exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] ||
    leave_out "the one pinned here is for Linux x86-64. To have yours, \`pip install dbt\` in an environment of its own, then make build DBT=/path/to/dbt"
command -v npm >/dev/null ||
    leave_out "npm, which brings DuckDB's driver, is not on the path (Debian: apt-get install npm)."

tools/python.sh dbt2 || exit 1
echo "Installing dbt 2 into .venv."
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes \
    -r requirements/dbt2.lock || leave_out "pip can't install what requirements/dbt2.lock pins."
mkdir "$folder"
cp requirements/dbt2/package.json requirements/dbt2/package-lock.json "$folder"
npm ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null ||
    leave_out "npm can't install what requirements/dbt2/package-lock.json pins."

cat >"$folder/duckdb.toml" <<END
manifest_version = 1
name = "DuckDB"
[ADBC]
version = "1.1.0"
[Driver]
entrypoint = "duckdb_adbc_init"
[Driver.shared]
linux_amd64 = "$folder/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so"
END
cat >.venv/bin/dbt2 <<END
#!/bin/sh
export ADBC_DRIVER_PATH="$folder" DO_NOT_TRACK=1
exec "$PWD/.venv/bin/dbt-core-experimental-parser" "\$@"
END
chmod +x .venv/bin/dbt2
