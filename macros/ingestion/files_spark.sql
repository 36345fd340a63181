{#-
  Files on Spark: the counterpart of files.sql. A dataset's files are an external
  table, files.source_<dataset>, over all that lies there; which of its files are meant is a filter on
  their paths. Unlike DuckDB's, a column of Parquet has one type in all files of a dataset, and a file of no
  bytes isn't seen.
-#}

{#- A path as Spark's readers give it, encoded, as `file` is written everywhere. -#}
{% macro spark_file(path) -%}
    {{ decoded("regexp_replace(" ~ path ~ ", '^file:(//)?', '')") }}
{%- endmacro %}

{#- Of a form, + would be a blank; and a % alone is no code. -#}
{% macro spark__decoded(text) -%}
    coalesce(try_url_decode(replace({{ text }}, '+', '%2B')), {{ text }})
{%- endmacro %}


{#- ---- A value: from text to its type; see file_value, whose rules these are ---- -#}

{% macro spark__file_value(type, x) -%}
    {%- if type == 'integer' -%}
        case
            when regexp_like({{ x }}, '^-?[0-9]+([.]0+)?\\z') then try_cast(split_part({{ x }}, '.', 1) as bigint)
            when
                regexp_like({{ x }}, '^-?[0-9]+([.][0-9]{1,15})?[eE]([+]?[0-9]{1,2}|-[0-3])\\z')
                and try_cast({{ x }} as decimal(38, 18)) = floor(try_cast({{ x }} as decimal(38, 18)))
                then try_cast(try_cast({{ x }} as decimal(38, 18)) as bigint)
        end
    {%- elif type == 'number' -%}
        case
            when
                abs(try_cast({{ x }} as double)) < 999999999999.9999
                and regexp_like({{ x }}, '^-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,3})?\\z')
                then {{ x }}
        end
    {%- elif type == 'boolean' -%}
        case when {{ x }} in ('true', 'false') then {{ x }} = 'true' end
    {%- elif type == 'date' -%}
        case when regexp_like({{ x }}, '^(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}\\z') then try_cast({{ x }} as date) end
    {%- elif type == 'timestamp' -%}
        {#- Before an offset Spark wants seconds, and in it a colon. -#}
        {%- set written = "regexp_replace(upper(" ~ x ~ "), '([T ][0-9]{2}:[0-9]{2})(Z|[+-]|$)', '$1:00$2')" -%}
        {%- set utc = "try_cast(regexp_replace(" ~ written ~ ", '([+-][0-9]{2})([0-9]{2})$', '$1:$2') as timestamp)" -%}
        case
            when
                regexp_like(
                    {{ x }},
                    '^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?'
                    || '([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?\\z'
                )
                and {{ utc }} between timestamp '0001-01-01' and timestamp '9999-12-31 23:59:59.999999'
                then {{ utc }}
        end
    {%- elif type == 'string_list' -%}
        case
            when
                schema_of_variant(try_parse_json({{ spark_whole_json(x) }})) in ('ARRAY<STRING>', 'ARRAY<VOID>')
                and not exists(from_json({{ x }}, 'array<string>'), item -> item is null)
                then {{ x }}
        end
    {%- elif type == 'object' -%}
        case when startswith(schema_of_variant(try_parse_json({{ spark_whole_json(x) }})), 'OBJECT') then {{ x }} end
    {%- else -%}
        {{ x }}
    {%- endif -%}
{%- endmacro %}

{% macro spark__quoted_texts(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}
        {%- do quoted.append("'" ~ text | string | replace("\\", "\\\\") | replace("'", "\\'") ~ "'") -%}
    {%- endfor -%}
    {{ return(quoted) }}
{%- endmacro %}

{#- A text as a message shows it. -#}
{% macro spark__file_shown(x) -%}
    translate(case when length({{ x }}) > 60 then left({{ x }}, 57) || '...' else {{ x }} end, '\n\r\t', '???')
{%- endmacro %}


{#- ---- JSON ---- -#}

{#-
  JSON text, or null if it isn't one whole value: Spark's parsers stop at the end of the first, whatever
  follows. Beside another value, in a list, it must leave that one in its place.
-#}
{% macro spark_whole_json(text) -%}
    {%- set beside = "from_json('[' || " ~ text ~ " || ',0]', 'array<string>', map('allowSingleQuotes', 'false'))" -%}
    case when try_element_at({{ beside }}, 2) = '0' and size({{ beside }}) = 2 then {{ text }} end
{%- endmacro %}

{#-
  A select of the records of a dataset's files as JSON text: file, n (the place in the file, for messages;
  else null), json. What is no array is one record that is null.
-#}
{% macro spark_json_records(dataset, files, format, numbered=false) -%}
    {%- set by_file = format == 'json' or numbered -%}
    {%- set source = relation_in('files', 'source_' ~ dataset) -%}
    {%- do run_query("drop table if exists " ~ source) -%}
    {%- do run_query(
        "create table " ~ source ~ " (value string) using text options (path " ~ file_text(spark_path_of(dataset, files))
        ~ ", recursiveFileLookup 'true', wholetext '" ~ ('true' if by_file else 'false') ~ "')"
    ) -%}
    {%- set array = "from_json(" ~ spark_whole_json('value') ~ ", 'array<string>')" -%}
    select
        file,
        {{ 'position + 1' if by_file else 'cast(null as bigint)' }} as n,
        json
    from (
        select
            {{ spark_file('_metadata.file_path') }} as file,
            {% if format == 'json' -%}
            posexplode(case when {{ array }} is null then array(cast(null as string)) else {{ array }} end) as (position, json)
            {%- elif by_file -%}
            posexplode(split(value, '\n')) as (position, json)
            {%- else -%}
            value as json
            {%- endif %}
        from {{ source }}
    ) as records
    where
        {{ spark_among('file', files) }}
        and coalesce(trim(json), 'no record') not in ('', '\r')
{%- endmacro %}

{#- Where a dataset's files lie: its folder, or the one file. -#}
{% macro spark_path_of(dataset, files) -%}
    {%- set folder = raw_path() ~ '/' ~ dataset -%}
    {{ return(folder if files[0].startswith(folder ~ '/') else files[0]) }}
{%- endmacro %}

{% macro spark_among(file, files) -%}
    {{ file }} in ({{ quoted_texts(files) | join(', ') }})
{%- endmacro %}

{#- CTE `fields` over `records`: `f`, each field as the text that it is, `keys`, and the record as `v`. -#}
{% macro spark_json_fields(columns) -%}
    fields as (
        select
            *,
            from_json(json, '{% for name in columns %}`{{ name }}` string{{ ", " if not loop.last }}{% endfor %}') as f,
            json_object_keys({{ spark_whole_json('json') }}) as keys,
            try_parse_json(json) as v
        from records
    )
{%- endmacro %}

{#- A field's text in `fields`: what the record says, or else a folder of its path. -#}
{% macro spark_json_text(name, column, files) -%}
    {%- set type = column.config.meta.type -%}
    {%- set texts = ["f." ~ adapter.quote(name)] -%}
    {%- if type in ['number', 'integer'] -%}
        {#- Of a number `f` has but what a double can hold. -#}
        {%- do texts.insert(0, "try_variant_get(v, '$." ~ name ~ "', 'string')") -%}
    {%- endif -%}
    {%- if type not in ['string_list', 'object'] and files_with_in_path(name, files) -%}
        {%- do texts.append(value_in_path(name, 'file')) -%}
    {%- endif -%}
    {{ return("coalesce(" ~ texts | join(", ") ~ ")") }}
{%- endmacro %}

{#- The value of that text. A number is no string, though of both the text is all that `f` has. -#}
{% macro spark_json_value(name, column, files) -%}
    {%- set text = spark_json_text(name, column, files) -%}
    {%- if column.config.meta.type != 'string' -%}
        {{ return(file_value(column.config.meta.type, text)) }}
    {%- endif -%}
    case
        when f.{{ adapter.quote(name) }} is null or v is null then {{ text }}
        when schema_of_variant(try_variant_get(v, '$.{{ name }}')) = 'STRING' then {{ text }}
    end
{%- endmacro %}

{% macro spark_declared(columns) -%}
    array('{{ columns.keys() | join("', '") }}')
{%- endmacro %}

{% macro spark__parse_files(dataset, columns, id_field, files, format, relation) -%}
    {%- do create_keyed_table(relation, file_relation_columns(columns), '_file') -%}
    {%- if files -%}
        {%- set query -%}
            with records as (
                {{ spark_json_records(dataset, files, format) }}
            ),

            {{ spark_json_fields(columns) }},

            valued as (
                select
                    *,
                    {%- for name, column in columns.items() %}
                    {{ spark_json_value(name, column, files) }} as {{ adapter.quote(name) }}{{ "," if not loop.last }}
                    {%- endfor %}
                from fields
            )

            select
                {%- for name in columns %}
                {{ adapter.quote(name) }},
                {%- endfor %}
                case
                    when
                        size(array_except(keys, {{ spark_declared(columns) }})) = 0
                        and size(keys) = size(array_distinct(keys))
                        {%- for name, column in columns.items() %}
                        and ({{ spark_json_text(name, column, files) }} is null) = ({{ adapter.quote(name) }} is null)
                        {%- endfor %}
                        then file
                    else chr(1) || file
                end as _file
            from valued
        {%- endset -%}
        {%- do insert_keyed(relation, '_file', query) -%}
        {%- set marked = run_query("select distinct _file from " ~ relation ~ " where startswith(_file, chr(1)) order by 1").columns[0].values() | list -%}
        {%- set bad = marked | map('replace', '\x01', '') | list -%}
        {%- if bad -%}
            {#- Nothing is rolled back here. -#}
            {%- do delete_keyed(relation, '_file', files) -%}
            {%- do delete_keyed(relation, '_file', marked) -%}
            {%- do refuse_bad_files(dataset, columns, id_field, bad, format) -%}
            {%- do exceptions.raise_compiler_error("Records of " ~ bad | join(", ") ~ " are wrong, but were right when read again.") -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro spark__refuse_bad_files(dataset, columns, id_field, files, format) -%}
    {%- if files -%}
        {%- do raise_record_problems(
            dataset,
            spark_parquet_problems(dataset, columns, id_field, files) if format == 'parquet'
            else spark_json_problems(dataset, columns, id_field, files, format)
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- A query for what is wrong in JSON files; see raise_record_problems. -#}
{% macro spark_json_problems(dataset, columns, id_field, files, format) -%}
    {%- set id = "f." ~ adapter.quote(id_field) if id_field else "cast(null as string)" -%}
    with records as (
        {{ spark_json_records(dataset, files, format, numbered=true) }}
    ),

    {{ spark_json_fields(columns) }}

    select
        file,
        n,
        0 as position,
        cast(null as string) as id,
        'expected {{ "a JSON array of objects" if format == "json" else "a JSON object on one line" }}, found '
        || case when try_parse_json({{ spark_whole_json('json') }}) is null then 'malformed JSON' else {{ spark_described('json', '$') }} end as problem
    from fields
    where keys is null
    union all
    select
        file,
        n,
        1,
        {{ id }},
        case
            when array_contains({{ spark_declared(columns) }}, key) then key || ': expected the key once, found it again'
            else {{ file_shown('key') }} || ': undeclared field; declare it in seeds/orchestrator/_orchestrator__seeds.yml'
        end
    from (
        select
            *,
            explode(filter(
                array_distinct(keys),
                key -> not array_contains({{ spark_declared(columns) }}, key) or size(filter(keys, other -> other = key)) > 1
            )) as key
        from fields
    ) as wrong_keys
    {%- for name, column in columns.items() %}
    {%- set text = spark_json_text(name, column, files) %}
    union all
    select
        file,
        n,
        {{ loop.index + 1 }},
        {{ id }},
        '{{ name }}: expected {{ file_type_words(column.config.meta.type) }}, found '
        || case
            when f.{{ adapter.quote(name) }} is null then 'in its path ' || {{ file_shown(text) }}
            else {{ spark_described('json', '$.' ~ name) }}
        end
    from fields
    where {{ text }} is not null and {{ spark_json_value(name, column, files) }} is null
    {%- endfor %}
{%- endmacro %}

{#- A JSON value at a path, in words. -#}
{% macro spark_described(json, path) -%}
    {%- set value = "try_variant_get(try_parse_json(" ~ json ~ "), '" ~ path ~ "')" -%}
    {%- set text = "get_json_object(" ~ json ~ ", '" ~ path ~ "')" -%}
    case
        when schema_of_variant({{ value }}) = 'STRING' then 'the string "' || {{ file_shown(text) }} || '"'
        when startswith(schema_of_variant({{ value }}), 'ARRAY') then 'a list'
        when startswith(schema_of_variant({{ value }}), 'OBJECT') then 'an object'
        when schema_of_variant({{ value }}) = 'BOOLEAN' then {{ text }}
        when schema_of_variant({{ value }}) = 'VOID' then 'null'
        else 'the number ' || {{ file_shown(text) }}
    end
{%- endmacro %}


{#- ---- Parquet ---- -#}

{#- The columns of all of a dataset's Parquet files and their types, from its external table, which is made anew. -#}
{% macro spark_parquet_types(dataset, files) -%}
    {%- set source = relation_in('files', 'source_' ~ dataset) -%}
    {%- do run_query("drop table if exists " ~ source) -%}
    {%- do run_query(
        "create table " ~ source ~ " using parquet options (path " ~ file_text(spark_path_of(dataset, files))
        ~ ", recursiveFileLookup 'true', mergeSchema 'true')"
    ) -%}
    {%- set types = {} -%}
    {%- for row in run_query("describe table " ~ source).rows if row[0] and not row[0].startswith('#') -%}
        {%- do types.update({row[0]: row[1]}) -%}
    {%- endfor -%}
    {{ return(types) }}
{%- endmacro %}

{#- A field of such a file as {value, checked}, or {wrong}; see parquet_value. -#}
{% macro spark_parquet_value(name, type, types, files) -%}
    {%- set field = spark_parquet_field(name, type, types) -%}
    {%- if field.wrong or type in ['string_list', 'object'] or not files_with_in_path(name, files) -%}
        {{ return(field) }}
    {%- endif -%}
    {%- set in_path = value_in_path(name, spark_file('_metadata.file_path')) -%}
    {%- set both = "cast(" ~ field.value ~ " as " ~ file_column_type(type) ~ "), " ~ file_value(type, in_path) -%}
    {{ return({
        'x': "coalesce(cast(" ~ field.x ~ " as string), " ~ in_path ~ ")",
        'value': "case when " ~ field.x ~ " is null or " ~ field.value ~ " is not null then coalesce(" ~ both ~ ") end",
        'checked': true
    }) }}
{%- endmacro %}

{#- The same of what the files themselves hold. -#}
{% macro spark_parquet_field(name, type, types) -%}
    {%- set x = adapter.quote(name) -%}
    {%- set physical = types.get(name) -%}
    {%- set base = (physical or '').split('(')[0].split('<')[0] -%}
    {%- set is_integer = base in ['tinyint', 'smallint', 'int', 'bigint'] -%}
    {%- if physical is none -%}
        {{ return({'x': 'null', 'value': 'cast(null as ' ~ file_column_type(type) ~ ')', 'checked': false}) }}
    {%- elif base == 'string' -%}
        {{ return({'x': x, 'value': file_value(type, x), 'checked': type != 'string'}) }}
    {%- elif type == 'number' and (is_integer or base in ['float', 'double', 'decimal']) -%}
        {%- set value = 'cast(' ~ x ~ ' as string)' if base in ['float', 'double'] else x -%}
        {{ return({'x': x, 'value': 'case when abs(cast(' ~ x ~ ' as double)) < 999999999999.9999 then ' ~ value ~ ' end', 'checked': true}) }}
    {%- elif type == 'integer' and is_integer -%}
        {{ return({'x': x, 'value': 'cast(' ~ x ~ ' as bigint)', 'checked': false}) }}
    {%- elif type == 'integer' and base in ['float', 'double', 'decimal'] -%}
        {%- set whole = x ~ " = floor(" ~ x ~ ")" ~ (" and abs(" ~ x ~ ") <= 9007199254740992" if base != 'decimal' else "") -%}
        {{ return({'x': x, 'value': 'case when ' ~ whole ~ ' then try_cast(' ~ x ~ ' as bigint) end', 'checked': true}) }}
    {%- elif (type == 'boolean' and base == 'boolean') or (type == 'date' and base == 'date') -%}
        {{ return({'x': x, 'value': x, 'checked': false}) }}
    {%- elif type == 'timestamp' and base in ['timestamp', 'timestamp_ntz'] -%}
        {{ return({'x': x, 'value': 'cast(' ~ x ~ ' as timestamp)', 'checked': false}) }}
    {%- elif type == 'date' and base in ['timestamp', 'timestamp_ntz'] -%}
        {{ return({'x': x, 'value': "case when " ~ x ~ " = date_trunc('day', " ~ x ~ ") then cast(" ~ x ~ " as date) end", 'checked': true}) }}
    {%- elif type == 'string_list' and physical == 'array<string>' -%}
        {{ return({'x': x, 'value': 'case when not exists(' ~ x ~ ', item -> item is null) then to_json(' ~ x ~ ') end', 'checked': true}) }}
    {%- elif type == 'object' and base in ['struct', 'map'] -%}
        {{ return({'x': x, 'value': 'to_json(' ~ x ~ ')', 'checked': false}) }}
    {%- endif -%}
    {{ return({'wrong': name ~ ': expected ' ~ file_type_words(type) ~ ', found ' ~ physical}) }}
{%- endmacro %}

{% macro spark__file_rows(dataset, columns, files) -%}
    {%- if not files %}
    select
        {%- for name, column in columns.items() %}
        cast(null as {{ file_column_type(column.config.meta.type) }}) as {{ adapter.quote(name) }},
        {%- endfor %}
        cast(null as string) as _file
    where false
    {%- else -%}
    {%- set types = spark_parquet_types(dataset, files) -%}
    {%- do spark_refuse_bad_columns(dataset, columns, types, files) %}
    select
        {%- for name, column in columns.items() %}
        {{ spark_parquet_value(name, column.config.meta.type, types, files).value }} as {{ adapter.quote(name) }},
        {%- endfor %}
        {{ spark_file('_metadata.file_path') }} as _file
    from {{ relation_in('files', 'source_' ~ dataset) }}
    where {{ spark_among(spark_file('_metadata.file_path'), files) }}
    {%- endif -%}
{%- endmacro %}

{#- The columns are declared, of a type that will do, and none is missing that has to be there. -#}
{% macro spark_refuse_bad_columns(dataset, columns, types, files) -%}
    {%- set place = spark_path_of(dataset, files) -%}
    {%- set problems = [] -%}
    {%- for name in types if name not in columns -%}
        {%- do problems.append(place ~ ": " ~ name ~ ": undeclared field; declare it in seeds/orchestrator/_orchestrator__seeds.yml") -%}
    {%- endfor -%}
    {%- for name, column in columns.items() -%}
        {%- set wrong = spark_parquet_value(name, column.config.meta.type, types, files).get('wrong') -%}
        {%- set given = name in types or files_with_in_path(name, files) | length == files | length -%}
        {%- if wrong -%}
            {%- do problems.append(place ~ ": " ~ wrong) -%}
        {%- elif not given and not column.config.meta.get('optional') and not column.config.meta.get('nullable') -%}
            {%- do problems.append(place ~ ": " ~ name ~ ": expected " ~ file_type_words(column.config.meta.type) ~ ", found no such column") -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do raise_file_problems(dataset, (problems | sort)[:10], problems | length) -%}
{%- endmacro %}

{% macro spark_parquet_problems(dataset, columns, id_field, files) -%}
    {%- set types = spark_parquet_types(dataset, files) -%}
    {%- do spark_refuse_bad_columns(dataset, columns, types, files) -%}
    {%- for name, column in columns.items() -%}
        {%- set field = spark_parquet_value(name, column.config.meta.type, types, files) -%}
        {%- if field.checked %}
        select
            {{ spark_file('_metadata.file_path') }} as file,
            _metadata.row_index + 1 as n,
            {{ loop.index }} as position,
            {{ "cast(" ~ adapter.quote(id_field) ~ " as string)" if id_field in types else "cast(null as string)" }} as id,
            '{{ name }}: expected {{ file_type_words(column.config.meta.type) }}, found '
            {%- if types.get(name) == 'array<string>' %}
            || 'a list with a null in it'
            {%- else %}
            || '{{ 'the string "' if types.get(name, "string") == "string" else "the number " }}' || {{ file_shown('cast(' ~ field.x ~ ' as string)') }}
            || '{{ '"' if types.get(name, "string") == "string" }}'
            {%- endif %} as problem
        from {{ relation_in('files', 'source_' ~ dataset) }}
        where {{ spark_among(spark_file('_metadata.file_path'), files) }} and {{ field.x }} is not null and {{ field.value }} is null

        union all
        {% endif -%}
    {%- endfor %}
    select cast(null as string) as file, cast(null as bigint) as n, 0 as position, cast(null as string) as id, cast(null as string) as problem
    where false
{%- endmacro %}
