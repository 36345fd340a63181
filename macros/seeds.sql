{#- Shared by the overrides for seeds. -#}

{#- A column's type as its YAML declares it, else text. -#}
{% macro seed_column_type(model, column) -%}
    {{ return((model.columns.get(column) or {}).get('data_type') or 'string') }}
{%- endmacro %}


{#- Advice for a seed's file that is wrong. -#}
{% macro seed_advice(model) -%}
    {{ return(
        "`warehouse seeds` writes it: run that."
        if model.name.startswith("raw_")
        else "Its first line names the columns, and commas separate them."
    ) }}
{%- endmacro %}


{#-
  on-run-start: stop where the seeds do not match the JSON beside them, by the checksums that
  warehouse/seeds/conversion.py wrote. Without JSON there is nothing to compare with.
-#}
{% macro check_seeds() -%}
    {%- if execute and 'seed.' ~ project_name ~ '.raw_' in selected_resources | join(' ') -%}
        {{ return(adapter.dispatch('check_seeds')()) }}
    {%- endif -%}
{%- endmacro %}

{% macro duckdb__check_seeds() -%}
    {%- set count = "select count(*) from glob('seeds/" -%}
    {%- if run_query(count ~ "json/*.json')").columns[0].values()[0] > 0 -%}
        {%- set is_noted = run_query(count ~ "orchestrator/SHA256SUMS')").columns[0].values()[0] > 0 -%}
        {%- set changed = run_query(
            "select file from ("
            ~ "select parse_filename(filename) as file, sha256(content) as checksum"
            ~ " from read_blob(['seeds/json/*.json', 'seeds/orchestrator/raw_*.csv'])"
            ~ ") as found full join ("
            ~ "select parse_filename(file) as file, checksum from read_csv('seeds/orchestrator/SHA256SUMS', delim = '  ',"
            ~ " header = false, auto_detect = false, columns = {'checksum': 'varchar', 'file': 'varchar'})"
            ~ ") as noted using (file) where found.checksum is distinct from noted.checksum order by file"
        ).columns[0].values() if is_noted else ['SHA256SUMS'] -%}
        {%- if changed -%}
            {%- do exceptions.raise_compiler_error(
                "The seeds aren't what seeds/json gives: " ~ changed | join(", ")
                ~ " changed since they were written. Run `warehouse seeds`, and build again."
            ) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- A cluster can't read these files; `make spark-build` converts the JSON before it builds. -#}
{% macro spark__check_seeds() -%}
{%- endmacro %}
