{#-
  Where the raw data comes from: seeds, or files (`--vars '{raw: files, raw_path: landing}'`), and what
  of it a build has to take in.

  Two datasets arrive by the day (day_fields), and of them no day is read twice without a reason. A day
  is taken in if a file that holds it is new, changed or gone since a build accepted it; if it is among
  the newest (lookback_days); or if a model that keeps days lacks it, or has it from other content or
  other rules. Schema `arrivals` says what is:

    days                            dataset and day: what is taken in
    whole                           datasets of which everything is, and why
    raw_<dataset>, stg_<dataset>    the rows of those days, where that isn't everything
-#}

{#- A relation that is no model, in a schema of the models' database. -#}
{% macro relation_in(schema, identifier) -%}
    {{ return(api.Relation.create(
        database=target.get('database'), schema=generate_schema_name(schema, none), identifier=identifier
    )) }}
{%- endmacro %}


{#- Whether raw data is read from files. -#}
{% macro reads_files() -%}
    {{ return(var('raw', 'seeds') == 'files') }}
{%- endmacro %}


{#- The node of a dataset's raw data, a seed or a model; an empty one while dbt parses. -#}
{% macro raw_node(dataset) -%}
    {%- set kind = 'model' if reads_files() else 'seed' -%}
    {%- set node = graph.get('nodes', {}).get([kind, project_name, 'raw_' ~ dataset] | join('.')) if execute -%}
    {{ return(node or {'columns': {}, 'config': {'meta': {}}}) }}
{%- endmacro %}


{#- The declared fields of a dataset, quoted, as a select list; null where dbt shows no graph, as in unit tests. -#}
{% macro declared_fields(dataset) -%}
    {%- set fields = [] -%}
    {%- for name in raw_node(dataset).columns -%}
        {%- do fields.append(adapter.quote(name)) -%}
    {%- endfor -%}
    {{ return(fields | join(', ') or 'null') }}
{%- endmacro %}


{#-
  The datasets that arrive by the day, and the fields of which the first that is given says, by its UTC
  date, of which day a record is.
-#}
{% macro day_fields() -%}
    {{ return({'funnel_events': ['date', 'timestamp'], 'performance_metrics': ['timestamp']}) }}
{%- endmacro %}


{#- The UTC day of a dataset's record. -#}
{% macro day_of_record(dataset) -%}
    {%- set days = [] -%}
    {%- for name in day_fields()[dataset] -%}
        {%- do days.append('cast(' ~ adapter.quote(name) ~ ' as date)') -%}
    {%- endfor -%}
    {{ return(days[0] if days | length == 1 else 'coalesce(' ~ days | join(', ') ~ ')') }}
{%- endmacro %}


{# ---- What has arrived, for the models and tests that read it ------------------------------ #}

{#- Whether all of a dataset is taken in, and not some days of it. A unit test is given all that its model reads. -#}
{% macro is_taken_in_whole(dataset) -%}
    {%- if not execute or not reads_files() or flags.FULL_REFRESH or model.resource_type == 'unit_test' -%}
        {{ return(true) }}
    {%- endif -%}
    {%- set query -%}
        select count(*) from {{ relation_in('arrivals', 'whole') }} where dataset = '{{ dataset }}'
    {%- endset -%}
    {{ return(run_query(query).columns[0].values()[0] > 0) }}
{%- endmacro %}


{#- A raw or staging relation, or only those of its rows that are taken in. -#}
{% macro arrived(relation) -%}
    {%- set dataset = relation.identifier[4:] -%}
    {%- if dataset in day_fields() and not is_taken_in_whole(dataset) -%}
        {{ return(relation_in('arrivals', relation.identifier)) }}
    {%- endif -%}
    {{ return(relation) }}
{%- endmacro %}


{#- A model that keeps days, or only those of its rows that have been taken in. -#}
{% macro taken_in(relation) -%}
    {%- set by_day = by_day_of(relation.identifier) -%}
    {%- if not by_day or is_taken_in_whole(by_day.dataset) -%}
        {{ return(relation) }}
    {%- endif -%}
    {%- set filter = by_day.column ~ ' in ' ~ arrived_days(by_day.dataset) -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ filter ~ ')') }}
{%- endmacro %}


{#- The days of a dataset that are taken in, as a subquery. -#}
{% macro arrived_days(dataset) -%}
    (select day from {{ relation_in('arrivals', 'days') }} where dataset = '{{ dataset }}')
{%- endmacro %}


{#- Which days of which dataset a model keeps, and the column that holds them: its meta `by_day`. -#}
{% macro by_day_of(name) -%}
    {%- set node = graph.get('nodes', {}).get(['model', project_name, name] | join('.')) if execute -%}
    {{ return(node.config.meta.by_day if node else none) }}
{%- endmacro %}


{#-
  What decides, besides the data, what a model keeps of a day: its SQL, that of its dataset's staging,
  and policy. As text, that changes with any of them.
-#}
{% macro rules_of(name, dataset) -%}
    {%- set rules = [] -%}
    {%- for model_name in (name, 'stg_' ~ dataset, 'warehouse_build') -%}
        {%- set node = graph.get('nodes', {}).get(['model', project_name, model_name] | join('.')) if execute -%}
        {%- for policy in (node.config.meta.policy if node) or {} -%}
            {#- None: in a unit test dbt 2 knows no vars but the overridden ones. -#}
            {%- do rules.append(policy ~ '=' ~ var(policy, none)) -%}
        {%- endfor -%}
        {%- do rules.append(node.raw_code if node and model_name != 'warehouse_build') -%}
    {%- endfor -%}
    {{ return(local_md5(rules | join('\n'))) }}
{%- endmacro %}


{#- Of what content each day is, and under which rules a model keeps it: a relation of `day` and `version`. -#}
{% macro day_versions(days, name) -%}
    (
        select
            day,
            {{ hash_text(combined_hash('content_hash')) }} || '-{{ rules_of(name, days.identifier | replace("int_days_of_", "")) }}' as version
        from {{ days }}
        group by day
    )
{%- endmacro %}


{#- Whether this run judges a dataset by all tests of its staging: what wasn't judged isn't accepted. -#}
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
  CTEs from `records`, a dataset's raw data, to `final`: one row a file and day, with its records, the
  time of the newest, an order-free hash of their content, and which version of the file it was.
-#}
{% macro days_of_records(dataset) -%}
    days as (

        select
            {{ '_file' if reads_files() else 'cast(null as string)' }} as file,
            {{ day_of_record(dataset) }} as day,
            count(*) as row_count,
            max(cast({{ adapter.quote('timestamp') }} as timestamp)) as last_at,
            {{ combined_hash(row_hash(declared_fields(dataset))) }} as content_hash
        from records
        group by 1, 2

    ),

    final as (

        select
            days.*,
            {{ 'found.version' if reads_files() and is_tested(dataset) else 'cast(null as string)' }} as file_version
        from days
        {%- if reads_files() %}
        left join {{ relation_in('files', 'found') }} as found
            on days.file = found.file and found.dataset = '{{ dataset }}'
        {%- endif %}

    )
{%- endmacro %}


{# ---- Taking in ------------------------------------------------------------------------------ #}

{#- on-run-start: list the files, and stop where there is nothing that could be meant. -#}
{% macro find_files() -%}
    {%- if execute and var('raw', 'seeds') not in ('seeds', 'files') -%}
        {%- do exceptions.raise_compiler_error(
            "The var raw is '" ~ var('raw') ~ "'. It is seeds, or files with raw_path."
        ) -%}
    {%- endif -%}
    {%- if execute and reads_files() and flags.WHICH in ('build', 'run', 'test') -%}
        {%- set listed = relation_in('files', 'listed') -%}
        {%- do run_query("create schema if not exists " ~ generate_schema_name('files', none)) -%}
        {%- do run_query("create schema if not exists " ~ generate_schema_name('arrivals', none)) -%}
        {%- do create_keyed_table(relation_in('arrivals', 'days'), "dataset string, day date", 'dataset') -%}
        {%- do create_keyed_table(relation_in('arrivals', 'whole'), "dataset string, reason string", 'dataset') -%}
        {%- do create_keyed_table(
            relation_in('files', 'parsed'), "dataset string, file string, file_version string", 'dataset'
        ) -%}
        {%- do create_keyed_table(
            relation_in('files', 'found'), "file string, is_alone boolean, dataset string, format string, version string", 'dataset'
        ) -%}
        {%- do replace_table(listed, listed_files(raw_path())) -%}
        {%- do refuse_unknown_files(listed) -%}
    {%- endif -%}
{%- endmacro %}


{#- The var raw_path, without a slash at its end, or file:// before it; paths of files start with it. -#}
{% macro raw_path() -%}
    {{ return(modules.re.sub('^file:(//)?', '', var('raw_path', 'landing') | string | trim).rstrip('/') or '/') }}
{%- endmacro %}


{#- Stop where raw_path holds no file, or one that isn't of a declared dataset. -#}
{% macro refuse_unknown_files(found) -%}
    {%- set datasets = [] -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.fqn[1] == 'raw' -%}
        {%- do datasets.append(node.name[4:]) -%}
    {%- endfor -%}
    {%- set by_dataset = run_query("select dataset, min(file), count(*) from " ~ found ~ " group by dataset order by dataset") -%}
    {%- set problems = [] -%}
    {%- for row in by_dataset.rows if row[0] not in datasets -%}
        {%- do problems.append(
            row[1] ~ (" and " ~ (row[2] - 1) ~ " more" if row[2] > 1) ~ ": no declared dataset is called " ~ row[0]
        ) -%}
    {%- endfor -%}
    {%- if problems or not by_dataset.rows -%}
        {%- do problems.append("The datasets are " ~ datasets | sort | join(", ") ~ ".") if by_dataset.rows -%}
        {%- do exceptions.raise_compiler_error(
            problems | join("\n") if by_dataset.rows
            else "raw_path is " ~ raw_path() ~ ", and there is no file of data below it. A dataset is "
            ~ raw_path() ~ "/<dataset>.json, .ndjson or .parquet, or what lies below " ~ raw_path() ~ "/<dataset>/."
        ) -%}
    {%- endif -%}
{%- endmacro %}


{#- pre-hook of a raw model: make its files readable as files.rows_of_<dataset>, and find out what has arrived. -#}
{% macro take_in_files() -%}
    {%- if execute -%}
        {%- set dataset = model.name[4:] -%}
        {#- What was found is what this model read: a build without it finds nothing. -#}
        {%- do delete_keyed(relation_in('files', 'found'), 'dataset', [dataset]) -%}
        {%- do insert_keyed(
            relation_in('files', 'found'), 'dataset',
            "select * from " ~ relation_in('files', 'listed') ~ " where dataset = '" ~ dataset ~ "'"
        ) -%}
        {%- set found = run_query(
            "select file, format, is_alone from " ~ relation_in('files', 'found') ~ " where dataset = '" ~ dataset
            ~ "' order by is_alone desc, file"
        ) -%}
        {%- set example = {} -%}
        {%- for row in found.rows if row[1] not in example -%}
            {%- do example.update({row[1]: row[0]}) -%}
        {%- endfor -%}
        {%- set formats = example.keys() | list -%}
        {%- set files = found.columns[0].values() | list -%}
        {%- if not files and not model.config.meta.optional -%}
            {%- do exceptions.raise_compiler_error(
                dataset ~ ": no file. Expected " ~ raw_path() ~ "/" ~ dataset ~ ".json, .ndjson or .parquet, or files below "
                ~ raw_path() ~ "/" ~ dataset ~ "/."
            ) -%}
        {%- elif none in formats -%}
            {%- do exceptions.raise_compiler_error(
                example[none] ~ ": expected a file that ends in .json, .ndjson or .parquet"
                ~ " (.json and .ndjson also with ." ~ packings() | join(" or .") ~ ")."
            ) -%}
        {%- elif files | length > 1 and found.columns[2].values()[0] -%}
            {%- do exceptions.raise_compiler_error(
                dataset ~ ": " ~ files[0] ~ " and " ~ files[1] ~ " are both there. A dataset is one file, or what lies in one"
                ~ " folder: remove the other."
            ) -%}
        {%- elif formats | length > 1 -%}
            {%- do exceptions.raise_compiler_error(
                dataset ~ ": its files are of several formats (" ~ formats | sort | join(", ") ~ "), such as "
                ~ example[formats[0]] ~ " and " ~ example[formats[1]] ~ ". A dataset has one: remove the others."
            ) -%}
        {%- endif -%}
        {%- set relation = relation_in('files', 'rows_of_' ~ dataset) -%}
        {%- if not files -%}
            {%- do run_query("create or replace view " ~ relation ~ " as " ~ file_rows(dataset, model.columns, [])) -%}
        {%- elif formats == ['parquet'] -%}
            {%- if dataset not in day_fields() -%}
                {%- do refuse_bad_files(dataset, model.columns, model.config.meta.id, files, 'parquet') -%}
            {%- endif -%}
            {%- do run_query("create or replace view " ~ relation ~ " as " ~ file_rows(dataset, model.columns, files)) -%}
        {%- else -%}
            {%- do parse_changed_files(dataset, formats[0]) -%}
            {%- do run_query("create or replace view " ~ relation ~ " as select * from " ~ relation_in('files', 'parsed_' ~ dataset)) -%}
        {%- endif -%}
        {%- if dataset in day_fields() and files -%}
            {%- do find_arrivals(dataset, model.columns, model.config.meta.id, files, formats[0]) -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{#- A query for the rows of some of a dataset's files. -#}
{% macro rows_of_files(dataset, columns, files, format) -%}
    {%- if format == 'parquet' -%}
        {{ return(file_rows(dataset, columns, files)) }}
    {%- endif -%}
    {{ return(
        "select * from " ~ relation_in('files', 'parsed_' ~ dataset) ~ " where "
        ~ ("_file in (" ~ quoted_texts(files) | join(", ") ~ ")" if files else "false")
    ) }}
{%- endmacro %}


{#- Files of text are parsed into files.parsed_<dataset>, those that are new or have changed. -#}
{% macro parse_changed_files(dataset, format) -%}
    {%- set rows = relation_in('files', 'parsed_' ~ dataset) -%}
    {%- set parsed = relation_in('files', 'parsed') -%}
    {#- A change of the declaration is a change of each file. -#}
    {%- set declaration = local_md5(
        tojson(model.columns.values() | map(attribute='config.meta') | list, sort_keys=true) ~ declared_fields(dataset)
    ) -%}
    {%- set current -%}
        select dataset, file, version || '{{ declaration }}' as file_version
        from {{ relation_in('files', 'found') }}
        where dataset = '{{ dataset }}'
    {%- endset -%}
    {%- set kept = run_query(
        "select count(*) from " ~ parsed ~ " where dataset = '" ~ dataset ~ "' and file_version like '%" ~ declaration ~ "'"
    ).columns[0].values()[0] -%}
    {%- set is_kept = kept and not flags.FULL_REFRESH -%}
    {%- set known -%}
        select dataset, file, file_version from {{ parsed }} where dataset = '{{ dataset }}' {{ "" if is_kept else "and false" }}
    {%- endset -%}
    {%- set gone = run_query("select file from (" ~ known ~ " except " ~ current ~ ") as gone").columns[0].values() | list -%}
    {%- set new = run_query("select file from (" ~ current ~ " except " ~ known ~ ") as new order by file").columns[0].values() | list -%}
    {%- if gone or new or not is_kept -%}
        {#- First of all: where nothing is rolled back, what isn't finished is done again. -#}
        {%- do delete_keyed(parsed, 'dataset', [dataset]) -%}
        {%- if not is_kept -%}
            {%- do run_query("drop table if exists " ~ rows) -%}
        {%- elif gone -%}
            {%- do delete_keyed(rows, '_file', gone) -%}
        {%- endif -%}
        {%- do parse_files(dataset, model.columns, model.config.meta.id, new, format, rows) -%}
        {%- do insert_keyed(parsed, 'dataset', current) -%}
    {%- endif -%}
{%- endmacro %}


{#- Find out which days of a dataset are to be taken in, and make their rows readable; see the top. -#}
{% macro find_arrivals(dataset, columns, id_field, files, format) -%}
    {%- set days = relation_in('arrivals', 'days') -%}
    {%- set whole = relation_in('arrivals', 'whole') -%}
    {%- for table in (days, whole) -%}
        {%- do delete_keyed(table, 'dataset', [dataset]) -%}
    {%- endfor -%}
    {%- set accepted_name = 'int_days_of_' ~ dataset -%}
    {%- set kept = {} -%}
    {%- for node in graph.nodes.values() if (node.config.meta.by_day or {}).dataset == dataset -%}
        {%- if node.config.materialized == 'incremental_by_day' -%}
            {%- do kept.update({node.name: adapter.get_relation(node.database, node.schema, node.alias)}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set accepted = kept[accepted_name] -%}
    {%- if flags.FULL_REFRESH or kept.values() | select('none') | list -%}
        {%- do refuse_bad_files(dataset, columns, id_field, files, format) if format == 'parquet' -%}
        {%- do insert_keyed(whole, 'dataset', "select '" ~ dataset ~ "' as dataset, 'no days are kept, or none shall be' as reason") -%}
        {{ return(none) }}
    {%- endif -%}

    {%- set found -%}
        select file, version from {{ relation_in('files', 'found') }} where dataset = '{{ dataset }}'
    {%- endset -%}
    {#- A file is known if all of its days were accepted as they are in it; one that isn't can be gone. -#}
    {%- set known -%}
        select file, max(file_version) as version
        from {{ accepted }}
        group by file
        having count(file_version) = count(*) and min(file_version) = max(file_version)
    {%- endset -%}
    {%- set unchanged_files %}(select file from ({{ known }} intersect {{ found }}) as unchanged){% endset -%}
    {%- set changed_files = run_query(found ~ " except " ~ known ~ " order by file").columns[0].values() | list -%}
    {%- do refuse_bad_files(dataset, columns, id_field, changed_files, format) if format == 'parquet' -%}
    {%- set arrivals -%}
        select day from {{ accepted }} where file not in {{ unchanged_files }}

        union

        select {{ day_of_record(dataset) }} from ({{ rows_of_files(dataset, columns, changed_files, format) }}) as changed

        union

        select day from {{ accepted }}
        where {{ add_days('day', var('lookback_days')) }} > (select max(day) from {{ accepted }})

        {%- for name, relation in kept.items() if name != accepted_name %}
        {%- set versions %}select day, version from {{ day_versions(accepted, name) }} as accepted_days{% endset %}
        {#- `except` takes ten times as long to do away with a day's equal rows as `distinct` does. -#}
        {%- set own %}select distinct {{ by_day_of(name).column }}, content_version from {{ relation }}{% endset %}

        union

        select day from (({{ versions }} except {{ own }}) union ({{ own }} except {{ versions }})) as outdated
        {%- endfor %}
    {%- endset -%}
    {%- do insert_keyed(
        days, 'dataset', "select '" ~ dataset ~ "' as dataset, day from (" ~ arrivals ~ ") as arrived where day is not null"
    ) -%}
    {%- set days_of_files -%}
        select file, bool_or(day in {{ arrived_days(dataset) }}) as arrives, bool_and(day in {{ arrived_days(dataset) }}) as arrives_whole
        from {{ accepted }}
        where file in {{ unchanged_files }}
        group by file
    {%- endset -%}
    {%- set unchanged = run_query(days_of_files) -%}
    {%- if unchanged.columns[2].values() | reject | list -%}
        {%- set files = changed_files -%}
        {%- for row in unchanged.rows if row[1] -%}
            {%- do files.append(row[0]) -%}
        {%- endfor -%}
        {%- do run_query(
            "create or replace view " ~ relation_in('arrivals', model.name) ~ " as select * from ("
            ~ rows_of_files(dataset, columns, files, format) ~ ") as of_files where " ~ day_of_record(dataset) ~ " in "
            ~ arrived_days(dataset) ~ " or " ~ day_of_record(dataset) ~ " is null"
        ) -%}
    {%- else -%}
        {%- do insert_keyed(whole, 'dataset', "select '" ~ dataset ~ "' as dataset, 'each day arrives' as reason") -%}
    {%- endif -%}
{%- endmacro %}


{#- post-hook of a staging model: the same over what has arrived, where that isn't everything. -#}
{% macro stage_arrivals() -%}
    {%- if execute and reads_files() -%}
        {%- set dataset = model.name[4:] -%}
        {%- if dataset in day_fields() and not is_taken_in_whole(dataset) -%}
            {%- set raw = api.Relation.create(target.get('database'), raw_node(dataset).schema, 'raw_' ~ dataset) -%}
            create or replace view {{ relation_in('arrivals', model.name) }} as
            {{ model.compiled_code | replace(raw | string, relation_in('arrivals', 'raw_' ~ dataset) | string) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
