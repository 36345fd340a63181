{#-
  Raw data from the lake that `warehouse ingest` writes (`--vars '{raw: lake}'`), instead of the seeds, and which of its
  days are new.

  Two datasets are stored by day (day_fields). A day is new until all tests of its staging have passed on its present
  content, and each model that keeps days (meta by_day) has built it from that content by the present rules.
-#}

{#- Whether raw data comes from the lake. -#}
{% macro reads_lake() -%}
    {{ return(var('raw', 'seeds') == 'lake') }}
{%- endmacro %}


{#- on-run-start: stop where the vars for raw data are wrong, or the data isn't there. -#}
{% macro check_raw() -%}
    {%- if execute and var('raw', 'seeds') == 'files' -%}
        {%- do exceptions.raise_compiler_error(
            "raw: files is no more. `make build FROM=landing` ingests the files below landing, and builds from them;"
            ~ " so do `warehouse ingest landing` and then `dbt build --vars '{raw: lake}'`."
        ) -%}
    {%- elif execute and var('raw', 'seeds') not in ('seeds', 'lake') -%}
        {%- do exceptions.raise_compiler_error("The var raw is '" ~ var('raw') ~ "'. It is seeds, or lake.") -%}
    {%- elif execute and reads_lake() and flags.WHICH in ('build', 'run', 'test') and not has_manifest() -%}
        {%- do exceptions.raise_compiler_error("There is no lake in " ~ lake_path() ~ ": `warehouse ingest` makes one, of a landing folder.") -%}
    {%- endif -%}
{%- endmacro %}


{#- Path of the lake: the var lake_path, without a slash at its end. -#}
{% macro lake_path() -%}
    {{ return(modules.re.sub('^file:(//)?', '', var('lake_path', 'lake') | string | trim).rstrip('/') or '/') }}
{%- endmacro %}


{#- The manifest of the lake, as a relation; see warehouse/lake/manifest.py. Rows without files are not days. -#}
{% macro lake_manifest() -%}
    {{ return(adapter.dispatch('lake_manifest')()) }}
{%- endmacro %}

{% macro duckdb__lake_manifest() -%}
    read_json(
        {{ lake_pattern('manifest.ndjson') }},
        format = 'newline_delimited',
        columns = {
            'dataset': 'varchar',
            'day': 'date',
            'files': 'varchar[]',
            'text_files': 'varchar[]',
            'row_count': 'bigint',
            'last_at': 'timestamp',
            'content_hash': 'ubigint'
        }
    )
{%- endmacro %}

{% macro spark__lake_manifest() -%}
    json.`{{ lake_path() }}/manifest.ndjson`
{%- endmacro %}


{#- Whether there is a manifest. On Spark, the query for it fails by itself. -#}
{% macro has_manifest() -%}
    {{ return(adapter.dispatch('has_manifest')()) }}
{%- endmacro %}

{% macro duckdb__has_manifest() -%}
    {{ return(run_query("select count(*) from glob(" ~ lake_pattern('manifest.ndjson') ~ ")").columns[0].values()[0] > 0) }}
{%- endmacro %}

{% macro spark__has_manifest() -%}
    {{ return(true) }}
{%- endmacro %}


{#- Files of the lake, as a relation. -#}
{% macro lake_files(files) -%}
    {{ return(adapter.dispatch('lake_files')(files)) }}
{%- endmacro %}

{% macro duckdb__lake_files(files) -%}
    {%- set patterns = [] -%}
    {%- for file in files -%}{%- do patterns.append(lake_pattern(file)) -%}{%- endfor -%}
    read_parquet([{{ patterns | join(", ") }}], hive_partitioning = false)
{%- endmacro %}

{% macro spark__lake_files(files) -%}
    parquet.`{{ lake_path() }}/{{ '{' ~ files | join(',') ~ '}' }}`
{%- endmacro %}

{#- A path below the lake, escaped for DuckDB's readers, to which p[1] is a pattern. -#}
{% macro lake_pattern(name) -%}
    {{ return("'" ~ (lake_path() ~ '/' ~ name) | replace('[', '[[]') | replace('*', '[*]') | replace('?', '[?]') | replace("'", "''") ~ "'") }}
{%- endmacro %}


{#-
  The rows of a raw model's dataset: its fields, the landing file (`_file`), whether their day is new (`is_new`), and
  the run in which lake_days found so (`read_by`). New days are read separately, so that a query of them alone opens no
  other file.
-#}
{% macro lake_rows(lake_days) -%}
    {%- set days = load_relation(lake_days) if execute -%}
    {%- set parts = {} -%}
    {%- if days -%}
        {%- for row in run_query(
            "select is_new, is_text, file, read_by from ("
            ~ "select is_new, file, read_by, array_contains(text_files, file) as is_text from ("
            ~ "select is_new, text_files, read_by, " ~ unnest_array('files') ~ " as file from " ~ days
            ~ " where dataset = '" ~ model.name[4:] ~ "') as files) as files order by file"
        ).rows -%}
            {%- do parts.setdefault((row[0] | string | lower, row[1] | string | lower, row[3]), []).append(row[2]) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- set has_text = 'true' in parts | map(attribute=1) -%}
    {%- for part, files in parts.items() %}
    select
        {%- for name, column in model.columns.items() %}
        {%- set field = adapter.quote(name) %}
        {{ "cast(" ~ field ~ " as string) as " ~ field if has_text and column.config.meta.type == 'number' else field }},
        {%- endfor %}
        _file,
        {{ part[0] }} as is_new,
        '{{ part[2] }}' as read_by
    from {{ lake_files(files) }}
    {{- "\n    union all" if not loop.last }}
    {%- else %}
    select
        {%- for name in model.columns %}
        cast(null as string) as {{ adapter.quote(name) }},
        {%- endfor %}
        cast(null as string) as _file,
        true as is_new,
        cast(null as string) as read_by
    from (select 1 as nothing) as nothing
    where false
    {%- endfor %}
{%- endmacro %}


{#- Whether the day of a raw row is new; with seeds and in unit tests, every day is. -#}
{% macro is_new() -%}
    {{ return('is_new' if reads_lake() and model.resource_type != 'unit_test' else 'true') }}
{%- endmacro %}


{#- The new days of a dataset, as a subquery. -#}
{% macro new_days(dataset) -%}
    (select day from {{ relation_in('lake', 'lake_days') }} where dataset = '{{ dataset }}' and is_new)
{%- endmacro %}


{#-
  The days of a dataset, as a subquery: day, row_count, last_at, content_hash and is_new; and is_read, whether the raw
  data is of the same run: a partial build can leave out either.
-#}
{% macro days_of(dataset) -%}
    (
        select
            *,
            coalesce(read_by = (select min(read_by) from (select read_by from {{ relation_in('lake', 'raw_' ~ dataset) }} limit 1) as one), false) as is_read
        from {{ relation_in('lake', 'lake_days') }}
        where dataset = '{{ dataset }}' and row_count is not null
    )
{%- endmacro %}


{# ---- Models that keep days: the content and the rules of each day ---- #}

{#- The models that keep days: their meta `by_day` names the dataset and the column of the day. -#}
{% macro models_by_day() -%}
    {%- set models = [] -%}
    {%- for node in graph.get('nodes', {}).values() if execute and node.resource_type == 'model' and node.config.meta.by_day -%}
        {%- do models.append(node) -%}
    {%- endfor -%}
    {{ return(models) }}
{%- endmacro %}


{#-
  SQL for the version of a day in a model: the day's content, by default a hash of 64 bits, and the rules, which are the
  SQL of the model and of its dataset's staging, and policy.
-#}
{% macro content_version(name, dataset, content=none) -%}
    {%- set rules = [] -%}
    {%- for model_name in (name, 'stg_' ~ dataset, 'warehouse_build') -%}
        {%- set node = graph.get('nodes', {}).get(['model', project_name, model_name] | join('.')) if execute -%}
        {%- for policy in (node.config.meta.policy if node) or {} -%}
            {#- `none` as default: in a unit test dbt 2 knows only the overridden vars. -#}
            {%- do rules.append(policy ~ '=' ~ var(policy, none)) -%}
        {%- endfor -%}
        {%- do rules.append(node.raw_code if node and model_name != 'warehouse_build') -%}
    {%- endfor -%}
    {{ return((content or hash_text("content_hash")) ~ " || '-" ~ local_md5(rules | join('\n')) ~ "'") }}
{%- endmacro %}


{#- The days of a dataset and the version that a model would build of each now (`day`, `version`), as a query. -#}
{% macro versions_of_days(days, name, dataset) -%}
    select
        day,
    {%- if reads_lake() and model.resource_type != 'unit_test' %}
        case when is_read then {{ content_version(name, dataset) }} end as version
    from {{ days_of(dataset) }} as days
    {%- else %}
        {{ content_version(name, dataset) }} as version
    from {{ days }}
    {%- endif %}
{%- endmacro %}


{#- The days that a model keeps and their versions (`day`, `content_version`), as a subquery; none where its table does
    not exist, or is of an older version of this project. -#}
{% macro kept_days(node) -%}
    {%- set relation = adapter.get_relation(node.database, node.schema, node.alias) -%}
    {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute='name') | list if relation else [] -%}
    {%- if 'content_version' in columns -%}
        (select {{ node.config.meta.by_day.column }} as day, content_version from {{ relation }})
    {%- else -%}
        (select cast(null as date) as day, cast(null as string) as content_version)
    {%- endif -%}
{%- endmacro %}


{#- Whether this run has all tests of a dataset's staging: an untested day isn't accepted. -#}
{% macro is_tested(dataset) -%}
    {%- set staging = ['model', project_name, 'stg_' ~ dataset] | join('.') -%}
    {%- set left_out = [] -%}
    {%- for node in graph.get('nodes', {}).values() if execute and node.resource_type == 'test' -%}
        {%- if node.attached_node == staging and node.unique_id not in selected_resources -%}
            {%- do left_out.append(node.unique_id) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(not left_out) }}
{%- endmacro %}


{#-
  CTEs from `records`, a dataset's raw data, to `final`: one row per day, with the number of records, the latest time, a
  hash of their content that ignores their order, and the version that its tests accepted. For a lake, the manifest has
  these.
-#}
{% macro days_of_records(dataset) -%}
    final as (
    {%- if reads_lake() and model.resource_type != 'unit_test' %}

        select
            day,
            row_count,
            last_at,
            content_hash,
            case when is_read and {{ 'true' if is_tested(dataset) else 'not is_new' }} then {{ content_version(model.name, dataset) }} end as content_version
        from {{ days_of(dataset) }} as days
    {%- else %}

        select
            {{ day_of_record(dataset) }} as day,
            count(*) as row_count,
            max(cast({{ adapter.quote('timestamp') }} as timestamp)) as last_at,
            {{ combined_hash(row_hash(declared_fields(dataset))) }} as content_hash,
            cast(null as string) as content_version
        from records
        group by {{ day_of_record(dataset) }}
    {%- endif %}

    )
{%- endmacro %}


{# ---- Declared datasets ---- #}

{#- A relation that is not a model, in a schema of the models' database. -#}
{% macro relation_in(schema, identifier) -%}
    {{ return(api.Relation.create(
        database=target.get('database'), schema=generate_schema_name(schema, none), identifier=identifier
    )) }}
{%- endmacro %}


{#- The node of a dataset's raw data, a seed or a model; an empty dict while dbt parses. -#}
{% macro raw_node(dataset) -%}
    {%- set kind = 'model' if reads_lake() else 'seed' -%}
    {%- set node = graph.get('nodes', {}).get([kind, project_name, 'raw_' ~ dataset] | join('.')) if execute -%}
    {{ return(node or {'columns': {}, 'config': {'meta': {}}}) }}
{%- endmacro %}


{#- The declared fields of a dataset, quoted, as a select list; null where dbt has no graph, as in unit tests. -#}
{% macro declared_fields(dataset) -%}
    {%- set fields = [] -%}
    {%- for name in raw_node(dataset).columns -%}
        {%- do fields.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {{ return(fields | join(', ') or 'null') }}
{%- endmacro %}


{#-
  The UTC day of a dataset's record, from the first of its day_fields that is given. Unit tests see no declaration.
-#}
{% macro day_of_record(dataset) -%}
    {%- set days = [] -%}
    {%- for name in {'funnel_events': ['date', 'timestamp'], 'performance_metrics': ['timestamp']}[dataset] -%}
        {%- do days.append('cast(' ~ adapter.quote(name) ~ ' as date)') -%}
    {%- endfor -%}
    {{ return(days[0] if days | length == 1 else 'coalesce(' ~ days | join(', ') ~ ')') }}
{%- endmacro %}
