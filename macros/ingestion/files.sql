{#-
  Files of one dataset and one format. `columns` are those of its node, `id_field` names a record in
  messages; what a field may hold is what warehouse/seeds accepts, numbers and times as text
  included. A field that is null or absent comes out null, whether or not it may be: a dbt test says so.
-#}

{#- A select over Parquet files, read in place: each declared field, and `_file`, the path. Refuses
    files of the wrong columns or types; values are refuse_bad_files' business. -#}
{% macro file_rows(dataset, columns, files) -%}
    {{ return(adapter.dispatch('file_rows')(dataset, columns, files)) }}
{%- endmacro %}

{#- Inserts the records of JSON files (format `json`, an array a file, or `ndjson`) into a relation, which
    is created where missing, with the same columns. Refuses them all if one is bad: the caller rolls back. -#}
{% macro parse_files(dataset, columns, id_field, files, format, relation) -%}
    {{ return(adapter.dispatch('parse_files')(dataset, columns, id_field, files, format, relation)) }}
{%- endmacro %}

{#- Raises an error that lists what is wrong in the records of the files; silent if nothing is. Of Parquet
    it reads the columns whose type leaves room for a wrong value, and nothing where there is none. -#}
{% macro refuse_bad_files(dataset, columns, id_field, files, format) -%}
    {{ return(adapter.dispatch('refuse_bad_files')(dataset, columns, id_field, files, format)) }}
{%- endmacro %}


{#- ---- A value: from text to its type ---- -#}

{#-
  The text `x` as a value of its declared type; null where it is none. A plain cast won't do: DuckDB rounds
  1.5 to an integer, takes yes for true, 1_000 and ' 12 ' for numbers, infinity for a date, and drops an
  offset from a timestamp. What is written as DuckDB itself would write it is right, and known at a glance.
-#}
{% macro file_value(type, x) -%}
    {{ return(adapter.dispatch('file_value')(type, x)) }}
{%- endmacro %}

{% macro duckdb__file_value(type, x) -%}
    {%- set number = "'-?[0-9]+([.][0-9]+)?([eE][-+]?[0-9]{1,3})?'" -%}
    {%- if type == 'integer' -%}
        case
            when cast(try_cast({{ x }} as bigint) as varchar) = {{ x }} then try_cast({{ x }} as bigint)
            when regexp_full_match({{ x }}, '-?[0-9]+([.]0+)?') then try_cast(split_part({{ x }}, '.', 1) as bigint)
            {#- With an exponent, as far as 18 decimal places say exactly whether it is whole. -#}
            when
                regexp_full_match({{ x }}, '-?[0-9]+([.][0-9]{1,15})?[eE]([+]?[0-9]{1,2}|-[0-3])')
                and try_cast({{ x }} as decimal(38, 18)) = trunc(try_cast({{ x }} as decimal(38, 18)))
                then try_cast(try_cast({{ x }} as decimal(38, 18)) as bigint)
        end
    {%- elif type == 'number' -%}
        {#- Below 10^12, since money is staged as a decimal; stays text, so that it keeps its digits. -#}
        case
            when abs(try_cast({{ x }} as double)) < 999999999999.9999 and regexp_full_match({{ x }}, {{ number }}) then {{ x }}
        end
    {%- elif type == 'boolean' -%}
        case when {{ x }} in ('true', 'false') then {{ x }} = 'true' end
    {%- elif type == 'date' -%}
        case
            when length({{ x }}) = 10 and cast(try_cast({{ x }} as date) as varchar) = {{ x }} then try_cast({{ x }} as date)
        end
    {%- elif type == 'timestamp' -%}
        {%- set written = "regexp_replace(" ~ x ~ ", '([Zz]|[+-][0-9]{2}:?[0-9]{2})$', '')" -%}
        {%- set offset = "regexp_extract(" ~ x ~ ", '[+-][0-9]{2}:?[0-9]{2}$')" -%}
        {%- set utc -%}
            try_cast({{ written }} as timestamp) - to_minutes(coalesce(
                60 * try_cast(left({{ offset }}, 3) as integer)
                + try_cast(left({{ offset }}, 1) || right({{ offset }}, 2) as integer), 0
            ))
        {%- endset -%}
        case
            when
                (length({{ x }}) = 19 or (length({{ x }}) = 20 and suffix({{ x }}, 'Z')))
                and cast(try_cast(left({{ x }}, 19) as timestamp) as varchar) = replace(left({{ x }}, 19), 'T', ' ')
                then try_cast(left({{ x }}, 19) as timestamp)
            when
                regexp_full_match(
                    {{ x }},
                    '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]+)?)?'
                    || '([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])?'
                )
                and {{ utc }} >= timestamp '0001-01-01' and {{ utc }} < timestamp '9999-12-31' + interval 1 day
                then {{ utc }}
        end
    {%- elif type == 'string_list' -%}
        case
            when json_type(case when json_valid({{ x }}) then {{ x }} end) = 'ARRAY'
                then case
                    when len(list_filter(json_type({{ x }}, '$[*]'), lambda item: item <> 'VARCHAR')) = 0 then {{ x }}
                end
        end
    {%- elif type == 'object' -%}
        case when json_type(case when json_valid({{ x }}) then {{ x }} end) = 'OBJECT' then {{ x }} end
    {%- else -%}
        {{ x }}
    {%- endif -%}
{%- endmacro %}

{#- The type that the text gives; numbers stay text. -#}
{% macro file_column_type(type) -%}
    {{ return({'integer': 'bigint', 'boolean': 'boolean', 'date': 'date', 'timestamp': 'timestamp'}.get(type, 'string')) }}
{%- endmacro %}

{#- What is expected where `x`, as a text, was found: an SQL text, in the words of warehouse/seeds. -#}
{% macro file_expected(type, x) -%}
    {%- if type in ('integer', 'number') -%}
        {%- set limit = '9.2e18' if type == 'integer' else '9.99e11' -%}
        case
            when abs(try_cast({{ x }} as double)) >= {{ limit }} and lower({{ x }}) not similar to '.*[a-df-z].*'
                then '{{ "an integer within 64 bits" if type == "integer" else "a number below 10^12 in magnitude" }}'
            else '{{ file_type_words(type) }}'
        end
    {%- else -%}
        '{{ file_type_words(type) }}'
    {%- endif -%}
{%- endmacro %}

{% macro file_type_words(type) -%}
    {{ return({
        'string': 'a string',
        'integer': 'an integer',
        'number': 'a number',
        'boolean': 'true or false',
        'date': 'a date such as 2026-03-16',
        'timestamp': 'a timestamp such as 2026-03-16T10:30:00Z',
        'string_list': 'a list of strings',
        'object': 'an object',
    }[type]) }}
{%- endmacro %}


{#- ---- SQL texts ---- -#}

{#- Each of several texts as SQL: a list. A call of a macro a text would take seconds, of a thousand files. -#}
{% macro quoted_texts(texts) -%}
    {{ return(adapter.dispatch('quoted_texts')(texts)) }}
{%- endmacro %}

{% macro duckdb__quoted_texts(texts) -%}
    {%- set quoted = [] -%}
    {%- for text in texts -%}{%- do quoted.append("'" ~ text | string | replace("'", "''") ~ "'") -%}{%- endfor -%}
    {{ return(quoted) }}
{%- endmacro %}

{% macro file_text(text) -%}
    {{ return(quoted_texts([text])[0]) }}
{%- endmacro %}

{#- A list of texts. -#}
{% macro file_texts(texts) -%}
    {{ return("[" ~ quoted_texts(texts) | join(", ") ~ "]") }}
{%- endmacro %}

{#- Paths as DuckDB's readers take them, for which p[1] would be a pattern, and mean p1. -#}
{% macro file_patterns(paths) -%}
    {%- set patterns = [] -%}
    {%- for path in paths -%}
        {%- do patterns.append(path | replace('[', '[[]') | replace('*', '[*]') | replace('?', '[?]')) -%}
    {%- endfor -%}
    {{ return(patterns) }}
{%- endmacro %}

{#- A list of such paths. -#}
{% macro file_paths(files) -%}
    {{ return(file_texts(file_patterns(files))) }}
{%- endmacro %}

{#- A text as a message shows it: on one line, and its end cut. -#}
{% macro file_shown(x) -%}
    {{ return(adapter.dispatch('file_shown')(x)) }}
{%- endmacro %}

{% macro duckdb__file_shown(x) -%}
    regexp_replace(case when length({{ x }}) > 60 then left({{ x }}, 57) || '...' else {{ x }} end, '[\x00-\x1f\x7f]', '?', 'g')
{%- endmacro %}

{#- What is to be said of a name that isn't declared, as an SQL text. -#}
{% macro file_advice(key, columns) -%}
    {{ file_shown(key) }} || ': undeclared field; ' || coalesce((
        select 'did you mean ' || max_by(declared, jaro_winkler_similarity(lower({{ key }}), declared)) || '? If not, '
        from (select unnest({{ file_texts(columns.keys()) }}) as declared)
        where jaro_winkler_similarity(lower({{ key }}), declared) >= 0.85
    ), '') || 'declare it in seeds/orchestrator/_orchestrator__seeds.yml'
{%- endmacro %}

{#- Raises an error that says these of all problems, if there are any. -#}
{% macro raise_file_problems(dataset, problems, total) -%}
    {%- if problems -%}
        {%- do exceptions.raise_compiler_error(
            problems | join("\n") ~ "\n"
            ~ ("... " if total > problems | length) ~ total ~ " problem" ~ ("" if total == 1 else "s")
            ~ " in the files of " ~ dataset ~ "; nothing of it was loaded. Correct the files, or take them out, and build again."
        ) -%}
    {%- endif -%}
{%- endmacro %}

{#- The same of what a query finds: columns file, n (the record's number), id, position and problem. -#}
{% macro raise_record_problems(dataset, query) -%}
    {%- set found = run_query(
        "select file || ': record ' || n || coalesce(' (' || " ~ file_shown('cast(id as string)') ~ " || ')', '') || ': ' || problem,"
        ~ " count(*) over () from (" ~ query ~ ") as found order by file, n, position limit 10"
    ) -%}
    {%- do raise_file_problems(dataset, found.columns[0].values() | list, (found.columns[1].values() | first or 0) | int) -%}
{%- endmacro %}


{#- ---- JSON ---- -#}

{#-
  Records as JSON text. A malformed line is a null, not an error, so that it can be named with all the
  rest. An array knows no such mercy: there DuckDB's own error says file, place and reason.
-#}
{% macro json_records(files, format) -%}
    {%- if format == 'json' -%}
        read_json_objects({{ file_paths(files) }}, format = 'array')
    {%- else -%}
        read_json_objects({{ file_paths(files) }}, format = 'newline_delimited', ignore_errors = true)
    {%- endif -%}
{%- endmacro %}

{#-
  CTEs `fields` and `checked` over a CTE `records` (json, file): each field as the text that it is (`f`),
  each under its name as its value, `has_declared_keys` and `has_nul`. `orders` are orders of keys to expect: to
  compare with one is cheap, to look each key up costs as much as all the rest. What is dear stands in a
  `case`: in a select list DuckDB evaluates both sides of `and` and `or` for every row.

  The one transform takes each record apart once. It writes a number that has a dot or an exponent anew,
  from a double, so that what a double can't hold would be lost: 9007199254740993.0 would become another
  integer. Such an integer, and a number of 11 characters or more (a shorter one is below 10^9, and less than
  10^-7 off), is taken as the record's text has it.
  Numbers inside an object are as doubles hold them, and a key repeated there, or a NaN, isn't noticed.
-#}
{% macro json_fields(columns, orders, files) -%}
fields as (
    select
        *,
        json_transform(json, {{ file_text('{' ~ json_structure_text(columns) ~ '}') }}) as f,
        {%- for name, column in columns.items() if json_text(name, column, files).startswith('coalesce') %}
        {{ value_in_path(name, 'file') }} as {{ adapter.quote(name ~ '_in_path') }},
        {%- endfor %}
        json_keys(json) as keys
    from records
),

checked as (
    select
        * exclude (keys),
        case
            {%- for order in orders %}
            when keys = {{ file_texts(order) }} then true
            {%- endfor %}
            when json_type(json) = 'OBJECT'
                then len(list_distinct(keys)) = len(keys) and list_has_all({{ file_texts(columns.keys()) }}, keys)
            else false
        end as has_declared_keys,
        case when contains(json, '\u0000') then regexp_matches(json, '(^|[^\\])(\\\\)*\\u0000') else false end as has_nul,
        {%- for name, column in columns.items() %}
        {%- set x = json_text(name, column, files) %}
        {%- set type = column.config.meta.type %}
        {%- if type in ('integer', 'number') %}
        {%- set written = "regexp_extract(json, '[{,]\\s*\"" ~ name ~ "\"\\s*:\\s*\"?(-?[0-9][0-9.eE+-]*)\"?\\s*[,}]', 1)" %}
        case
            when {{ "length(" ~ x ~ ") < 11" if type == 'number' else "cast(try_cast(" ~ x ~ " as bigint) as varchar) = " ~ x }}
                then {{ file_value(type, x) if type == 'number' else "try_cast(" ~ x ~ " as bigint)" }}
            when try_cast({{ written }} as double) = try_cast({{ x }} as double) then {{ file_value(type, written) }}
            {{- " else " ~ file_value(type, x) if type == 'number' }}
        end
        {%- elif type in ('string_list', 'object') %}
        {#- Natively, or as the text of JSON. -#}
        {{ file_value(type, "case when starts_with(" ~ x ~ ", '\"') then " ~ x ~ " ->> '$' else cast(" ~ x ~ " as varchar) end") }}
        {%- else %}
        {{ file_value(type, x) }}
        {%- endif %} as {{ adapter.quote(name) }}{{ "," if not loop.last }}
        {%- endfor %}
    from fields
)
{%- endmacro %}

{#- A field's text in `fields`: what the record says, or else, for some of the files, a folder of their path. -#}
{% macro json_text(name, column, files) -%}
    {%- set text = "f." ~ adapter.quote(name) -%}
    {%- if column.config.meta.type not in ['string_list', 'object'] and files_with_in_path(name, files) -%}
        {{ return("coalesce(" ~ text ~ ", " ~ adapter.quote(name ~ "_in_path") ~ ")") }}
    {%- endif -%}
    {{ return(text) }}
{%- endmacro %}

{% macro json_structure_text(columns) -%}
    {%- for name, column in columns.items() -%}
        "{{ name }}":"{{ 'JSON' if column.config.meta.type in ['string_list', 'object'] else 'VARCHAR' }}"{{ "," if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- A field is null, or what it declares. Of a string, only a text that begins as a number (0 to 9, -, NaN,
    Infinity), a boolean, a list or an object would is looked up in the record. -#}
{% macro json_field_is_right(name, column, files) -%}
    {%- if column.config.meta.type == 'string' -%}
        {%- set x = "f." ~ adapter.quote(name) -%}
        case
            when
                ascii({{ x }}) < 58 or ascii({{ x }}) in (91, 123)
                or (strlen({{ x }}) < 9 and ascii({{ x }}) in (70, 73, 78, 84, 102, 105, 110, 116))
                then json_type(json, {{ file_text('$."' ~ name ~ '"') }}) = 'VARCHAR'
            else true
        end
    {%- else -%}
        ({{ json_text(name, column, files) }} is null) = ({{ adapter.quote(name) }} is null)
    {%- endif -%}
{%- endmacro %}

{#-
  Parsed once: a record that is wrong goes in as well, its `_file` marked by a control character in front,
  and is found by that at no cost (DuckDB keeps each block's least value). Only then are bad files
  read again, slowly, for what to say of them.
-#}
{% macro duckdb__parse_files(dataset, columns, id_field, files, format, relation) -%}
    {%- do run_query("create table if not exists " ~ relation ~ " (" ~ file_relation_columns(columns) ~ ")") -%}
    {%- if files -%}
        {%- do refuse_cut_files(dataset, files, format) -%}
        {%- set orders = json_key_orders(columns, files, format) -%}
        {% set insert %}
            insert into {{ relation }}
            with records as (
                select json, filename as file
                from {{ json_records(files, format) }}
            ),

            {{ json_fields(columns, orders, files) }}

            select
                {%- for name in columns %}
                {{ adapter.quote(name) }},
                {%- endfor %}
                case
                    when
                        has_declared_keys and not has_nul
                        {%- for name, column in columns.items() %}
                        and {{ json_field_is_right(name, column, files) }}
                        {%- endfor %}
                        then file
                    else chr(1) || file
                end as _file
            from checked
        {% endset %}
        {%- do run_query(insert) -%}
        {%- set bad = run_query(
            "select distinct substr(_file, 2) from " ~ relation ~ " where _file < chr(2) order by 1"
        ).columns[0].values() -%}
        {%- if bad -%}
            {%- do refuse_bad_files(dataset, columns, id_field, bad, format) -%}
            {%- do exceptions.raise_compiler_error("Records of " ~ bad | join(", ") ~ " are wrong, but were right when read again.") -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro file_relation_columns(columns) -%}
    {%- set declared = [] -%}
    {%- for name, column in columns.items() -%}
        {%- do declared.append(adapter.quote(name) ~ " " ~ file_column_type(column.config.meta.type)) -%}
    {%- endfor -%}
    {{ return((declared + ["_file string"]) | join(", ")) }}
{%- endmacro %}

{#- The orders of keys at the beginning of the first and the last file, if they hold declared fields only. -#}
{% macro json_key_orders(columns, files, format) -%}
    {%- set orders = [] -%}
    {%- for file in [files | first, files | last] -%}
        {%- set rows = run_query(
            "select distinct to_json(json_keys(json)) from (select json from "
            ~ json_records([file], format) ~ " limit 1000) limit 4"
        ) -%}
        {%- for text in rows.columns[0].values() if text -%}
            {%- set order = fromjson(text) -%}
            {%- if order and order | unique | list == order and not order | reject('in', columns.keys() | list) | list and order not in orders -%}
                {%- do orders.append(order) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(orders) }}
{%- endmacro %}

{#-
  What DuckDB passes over in silence: an array that ends behind a comma, and compressed data that end too
  early. These end in the middle of a record, as a rule, which is malformed; where they don't, the length at
  the end of a gzip file tells, four chance bytes if it is cut: compared with room, and one way only, since
  gzip files may be strung together. Sixteen files at a time, since read_text holds what it reads.
-#}
{% macro refuse_cut_files(dataset, files, format) -%}
    {%- for some in files | batch(16) -%}
        {%- set packed = [] -%}
        {%- for file in some if file.split('.')[-1] in packings() -%}{%- do packed.append(file) -%}{%- endfor -%}
        {%- set plain = some | reject('in', packed) | list -%}
        {%- set problems = [] -%}
        {%- set ends = [] -%}
        {%- if packed -%}
            {%- set sizes = run_query(cut_packed_files(packed, format)) -%}
            {%- for row in sizes.rows if row[1] -%}
                {%- do problems.append(row[0] ~ ": expected compressed data, found data that are cut off") -%}
            {%- endfor -%}
            {#- Room for a file that is one line. -#}
            {%- set room = (sizes.columns[2].values() | max | int) * 2 + 1000000 -%}
            {%- for file in packed if format == 'json' and not problems -%}
                {%- do ends.append(
                    "select " ~ file_text(file) ~ " as file, last(line) filter (where regexp_matches(line, '\\S')) as content"
                    ~ " from read_csv(" ~ file_paths([file]) ~ ", columns = {'line': 'varchar'}, auto_detect = false,"
                    ~ " header = false, delim = '', quote = '', escape = '', parallel = false, strict_mode = false,"
                    ~ " max_line_size = " ~ room ~ ", buffer_size = " ~ room ~ ")"
                ) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- if format == 'json' and plain -%}
            {%- do ends.append("select filename as file, content from read_text(" ~ file_paths(plain) ~ ")") -%}
        {%- endif -%}
        {%- if ends -%}
            {%- set query -%}
                select
                    file || ': expected a JSON array, found '
                    || case when ended = '' then 'an empty file' else 'no ] at its end; is the file cut off?' end
                from (
                    select file, rtrim(coalesce(content, ''), chr(32) || chr(9) || chr(10) || chr(13)) as ended
                    from ({{ ends | join(" union all ") }})
                )
                where not suffix(ended, ']')
            {%- endset -%}
            {%- do problems.extend(run_query(query).columns[0].values()) -%}
        {%- endif -%}
        {%- do raise_file_problems(dataset, (problems | sort)[:10], problems | length) -%}
    {%- endfor -%}
{%- endmacro %}

{#- A query for compressed files: file, whether it is cut off as far as its length tells, length of its records. -#}
{% macro cut_packed_files(files, format) -%}
    with stored as (
        select
            filename as file,
            size,
            case
                when suffix(filename, '.gz') and size >= 18
                    then cast('0x' || hex(content[-1:]) || hex(content[-2:-2]) || hex(content[-3:-3]) || hex(content[-4:-4]) as ubigint)
            end as length
        from read_blob({{ file_paths(files) }})
    ),

    found as (
        select filename as file, sum(strlen(json)) as length
        from {{ json_records(files, format) }}
        group by filename
    )

    select
        file,
        case
            when found.length is null then coalesce(stored.length > 1000, size > 32)
            else coalesce(stored.length > 2 * found.length + 1000000, false)
        end,
        coalesce(found.length, 0)
    from stored
    left join found using (file)
{%- endmacro %}


{#- ---- What is wrong, in words ---- -#}

{% macro duckdb__refuse_bad_files(dataset, columns, id_field, files, format) -%}
    {%- if not files -%}
    {%- elif format == 'parquet' -%}
        {%- do refuse_bad_parquet(dataset, columns, id_field, files) -%}
    {%- else -%}
        {%- do raise_record_problems(dataset, json_problems(columns, id_field, files, format)) -%}
    {%- endif -%}
{%- endmacro %}

{#- A query for what is wrong in JSON files; see raise_record_problems. A record's number is its place in its file. -#}
{% macro json_problems(columns, id_field, files, format) -%}
with records as (
    {%- for file in files %}
    select json, {{ file_text(file) }} as file, row_number() over () as n, count(*) over () as records
    from {{ json_records([file], format) }}
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

{{ json_fields(columns, [], files) }},

found as (
    select
        file,
        n,
        0 as position,
        null as id,
        case
            when json is null
                then 'expected a JSON object on one line, in UTF-8, found malformed JSON'
                || case when n = 1 then ' or a byte order mark' when n = records then '; is the file cut off?' else '' end
            else 'expected an object, found ' || {{ json_described('json', '$') }}
        end as problem
    from checked
    where json_type(json) is distinct from 'OBJECT'
    union all
    select
        file,
        n,
        1,
        {{ json_id(id_field) }},
        case
            when key = chr(0) then 'expected text without NUL characters'
            when list_contains({{ file_texts(columns.keys()) }}, key) then key || ': expected the key once, found it again'
            else {{ file_advice('key', columns) }}
        end
    from (
        select
            *,
            unnest(
                list_filter(
                    list_distinct(json_keys(json)),
                    lambda key: not list_contains({{ file_texts(columns.keys()) }}, key)
                    or len(list_filter(json_keys(json), lambda other: other = key)) > 1
                )
                || case when has_nul then [chr(0)] else [] end
            ) as key
        from checked
        where json_type(json) = 'OBJECT' and (has_nul or not has_declared_keys)
    )
    {%- for name, column in columns.items() %}
    union all
    select
        file,
        n,
        {{ loop.index + 1 }},
        {{ json_id(id_field) }},
        '{{ name }}: expected ' || {{ file_expected(column.config.meta.type, json_text(name, column, files)) }} || ', found '
        {%- if json_text(name, column, files).startswith('coalesce') %}
        || case when f.{{ adapter.quote(name) }} is null then 'in its path ' || {{ file_shown(adapter.quote(name ~ '_in_path')) }} else {{ json_described('json', '$."' ~ name ~ '"') }} end
        {%- else %}
        || {{ json_described('json', '$."' ~ name ~ '"') }}
        {%- endif %}
    from checked
    where json_type(json) = 'OBJECT' and not {{ json_field_is_right(name, column, files) }}
    {%- endfor %}
)

select * from found
{%- endmacro %}

{% macro json_id(id_field) -%}
    {{ "json_extract_string(json, " ~ file_text('$."' ~ id_field ~ '"') ~ ")" if id_field else "null" }}
{%- endmacro %}

{#- A JSON value at a path, in words. -#}
{% macro json_described(json, path) -%}
    case json_type({{ json }}, {{ file_text(path) }})
        when 'VARCHAR' then 'the string "' || {{ file_shown("json_extract_string(" ~ json ~ ", " ~ file_text(path) ~ ")") }} || '"'
        when 'ARRAY' then 'a list'
        when 'OBJECT' then 'an object'
        when 'BOOLEAN' then json_extract_string({{ json }}, {{ file_text(path) }})
        when 'NULL' then 'null'
        else 'the number ' || {{ file_shown("json_extract_string(" ~ json ~ ", " ~ file_text(path) ~ ")") }}
    end
{%- endmacro %}


{#- ---- Parquet ---- -#}

{#-
  Files by their columns: a list of {files, types}, where types are DuckDB's by name. One look at all
  footers, and one at a file of each kind. Read together as if of one kind, a file's 2.5 would become the 2
  of an integer in the first one, without a word.
-#}
{% macro parquet_kinds(files) -%}
    {%- set kinds = [] -%}
    {%- if not files -%}
        {{ return(kinds) }}
    {%- endif -%}
    {%- set groups = run_query(
        "select to_json(list(file_name order by file_name)) from ("
        ~ " select file_name, list((name, type, converted_type, logical_type, num_children, duckdb_type) order by position) as kind"
        ~ " from (select *, row_number() over () as position from parquet_schema(" ~ file_paths(files) ~ "))"
        ~ " group by file_name) group by kind order by min(file_name)"
    ) -%}
    {%- for text in groups.columns[0].values() -%}
        {%- set group = fromjson(text) -%}
        {%- set types = {} -%}
        {%- for row in run_query(
            "select column_name, column_type from (describe select * from read_parquet("
            ~ file_paths(group[:1]) ~ ", hive_partitioning = false))"
        ).rows -%}
            {%- do types.update({row[0]: row[1]}) -%}
        {%- endfor -%}
        {%- set same = kinds | selectattr('types', 'equalto', types) | first -%}
        {%- if same -%}{%- do same.files.extend(group) -%}{%- else -%}{%- do kinds.append({'files': group, 'types': types}) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(kinds) }}
{%- endmacro %}

{#- A field of a kind of file as parquet_value says, or else, where that is null, from a folder of the path. -#}
{% macro parquet_field(name, type, kind) -%}
    {%- set field = parquet_value(name, type, kind) -%}
    {%- set can_be_in_path = kind.types.get(name) and type not in ['string_list', 'object'] and 'wrong' not in field -%}
    {%- if can_be_in_path and files_with_in_path(name, kind.files) -%}
        {%- set value = field.value if type != 'number' else file_value(type, 'cast(' ~ field.value ~ ' as varchar)') -%}
        {%- set in_path = file_value(type, value_in_path(name, 'filename')) -%}
        {%- do field.update({'right': field.get('right') or field.value, 'value': 'coalesce(' ~ value ~ ', ' ~ in_path ~ ')'}) -%}
    {%- endif -%}
    {{ return(field) }}
{%- endmacro %}

{#- A field of a kind of file as {x, value, checked}: what is stored, what comes of it, and whether that is
    null for a wrong value (`right` says so where the value doesn't); or {wrong}, why no value of this type
    will do. -#}
{% macro parquet_value(name, type, kind) -%}
    {%- set x = adapter.quote(name) -%}
    {%- set physical = kind.types.get(name) -%}
    {%- set base = (physical or '').split('(')[0] -%}
    {%- set is_integer = base in ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT'] -%}
    {%- set is_number = is_integer or base in ['DOUBLE', 'FLOAT', 'DECIMAL'] and not physical.endswith(']') -%}
    {%- set is_timestamp = base in ['TIMESTAMP', 'TIMESTAMP_S', 'TIMESTAMP_MS', 'TIMESTAMP_NS'] -%}
    {%- set utc = "(" ~ x ~ " at time zone 'UTC')" if physical == 'TIMESTAMP WITH TIME ZONE' else x -%}
    {%- set is_text = base in ['VARCHAR', 'ENUM'] and not physical.endswith(']') or (physical == 'JSON' and type in ['string_list', 'object']) -%}
    {%- if physical is none -%}
        {#- A writer that makes folders such as date=2026-03-16/ leaves the field out of the file. -#}
        {%- set from_path = value_in_path(name, 'filename') -%}
        {%- if files_with_in_path(name, kind.files) -%}
            {{ return({'x': from_path, 'value': file_value(type, from_path), 'checked': type != 'string'}) }}
        {%- endif -%}
        {{ return({'x': x, 'value': 'cast(null as ' ~ file_column_type(type) ~ ')' if type != 'number' else 'null', 'checked': false}) }}
    {%- elif is_text and type == 'string' -%}
        {{ return({'x': x, 'value': x if physical == 'VARCHAR' else 'cast(' ~ x ~ ' as varchar)', 'checked': false}) }}
    {%- elif is_text -%}
        {%- set text = x if physical == 'VARCHAR' else 'cast(' ~ x ~ ' as varchar)' -%}
        {{ return({'x': x, 'value': file_value(type, text), 'checked': true}) }}
    {%- elif type == 'string' and physical == 'UUID' -%}
        {{ return({'x': x, 'value': 'cast(' ~ x ~ ' as varchar)', 'checked': false}) }}
    {%- elif type == 'number' and is_number -%}
        {#- NaN and infinity too are beyond what staging holds. A short binary fraction goes by the text it is
            shown as, as in JSON: its double is another number. -#}
        {%- set held = 'case when abs(cast(' ~ x ~ ' as double)) < 999999999999.9999 then ' ~ x ~ ' end' -%}
        {%- set value = {'FLOAT': file_value(type, 'cast(' ~ x ~ ' as varchar)'), 'DOUBLE': held}.get(base, x) -%}
        {{ return({'x': x, 'value': value, 'checked': true, 'right': held}) }}
    {%- elif (type == 'integer' and physical == 'BIGINT') or (type == 'boolean' and physical == 'BOOLEAN')
        or (type == 'date' and physical == 'DATE') or (type == 'timestamp' and physical == 'TIMESTAMP') -%}
        {{ return({'x': x, 'value': x, 'checked': false}) }}
    {%- elif type == 'integer' and is_integer and physical != 'UBIGINT' -%}
        {{ return({'x': x, 'value': 'cast(' ~ x ~ ' as bigint)', 'checked': false}) }}
    {%- elif type == 'integer' and is_number -%}
        {#- Beyond 2^53 a double has already lost what it was. -#}
        {%- set bound = " and abs(" ~ x ~ ") <= 9007199254740992" if base in ['DOUBLE', 'FLOAT'] else "" -%}
        {%- set whole = physical == 'UBIGINT' and 'true' or x ~ " = trunc(" ~ x ~ ")" ~ bound -%}
        {{ return({'x': x, 'value': 'case when ' ~ whole ~ ' then try_cast(' ~ x ~ ' as bigint) end', 'checked': true}) }}
    {%- elif type == 'date' and (is_timestamp or physical == 'TIMESTAMP WITH TIME ZONE') -%}
        {{ return({'x': x, 'value': 'case when ' ~ utc ~ " = date_trunc('day', " ~ utc ~ ') then cast(' ~ utc ~ ' as date) end', 'checked': true}) }}
    {%- elif type == 'timestamp' and (is_timestamp or physical == 'TIMESTAMP WITH TIME ZONE') -%}
        {{ return({'x': x, 'value': 'cast(' ~ utc ~ ' as timestamp)', 'checked': false}) }}
    {%- elif type == 'string_list' and physical == 'VARCHAR[]' -%}
        {%- set value = "case when not list_contains(list_transform(" ~ x ~ ", lambda item: item is null), true) then cast(to_json(" ~ x ~ ") as varchar) end" -%}
        {{ return({'x': x, 'value': value, 'checked': true}) }}
    {%- elif type == 'object' and base in ['STRUCT', 'MAP'] and not physical.endswith(']') -%}
        {#- A struct has a null for each key that another record has: the merge drops them. -#}
        {%- set value = "cast(json_merge_patch('{}', to_json(" ~ x ~ ")) as varchar)" -%}
        {{ return({'x': x, 'value': "case when " ~ x ~ " is not null then " ~ value ~ " end", 'checked': false}) }}
    {%- endif -%}
    {{ return({'wrong': name ~ ': expected ' ~ file_type_words(type) ~ ', found ' ~ physical
        ~ ('; write it as UTF-8 text' if physical == 'BLOB' else
           '; if there are nulls alone in it, write them with the type of the field' if physical == 'INTEGER' else '')}) }}
{%- endmacro %}

{#- The text of a field in the folders of a path below raw_path, null where there is none. -#}
{% macro value_in_path(name, path) -%}
    {%- set below = "substring(" ~ path ~ ", " ~ (raw_path() | length + 1) ~ ")" -%}
    nullif(nullif(
        {{ decoded("regexp_extract(" ~ below ~ ", " ~ file_text('(?:^|/)' ~ modules.re.escape(name) ~ '=([^/]*)/') ~ ", 1)") }},
        '__HIVE_DEFAULT_PARTITION__'
    ), '')
{%- endmacro %}

{#- A text of a path without its %20 and the like. -#}
{% macro decoded(text) -%}
    {{ return(adapter.dispatch('decoded')(text)) }}
{%- endmacro %}

{% macro duckdb__decoded(text) -%}
    url_decode({{ text }})
{%- endmacro %}

{#- Those of the files that lie in a folder of a field's value. -#}
{% macro files_with_in_path(name, files) -%}
    {%- set found = [] -%}
    {%- set start = raw_path() | length -%}
    {%- for file in files if ('/' ~ name ~ '=') in file[start:] -%}{%- do found.append(file) -%}{%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{% macro duckdb__file_rows(dataset, columns, files) -%}
    {%- set kinds = parquet_kinds(files) -%}
    {%- do refuse_bad_columns(dataset, columns, kinds) -%}
    {%- for kind in kinds or [{'files': [], 'types': {}}] %}
    select
        {%- for name, column in columns.items() %}
        {%- set value = parquet_field(name, column.config.meta.type, kind).value -%}
        {#- A union would make one type of several kinds of numbers, and lose digits; text keeps all. -#}
        {%- if column.config.meta.type == 'number' and name in kind.types and kinds | map(attribute='types') | map(attribute=name) | select('string') | unique | list | length > 1 -%}
            {%- set value = file_value('number', 'cast(' ~ value ~ ' as varchar)') -%}
        {%- endif %}
        {{ value }}{{ " as " ~ adapter.quote(name) if value != adapter.quote(name) }},
        {%- endfor %}
        {%- if kind.files %}
        filename as _file
    from read_parquet({{ file_paths(kind.files) }}, hive_partitioning = false)
        {%- else %}
        cast(null as varchar) as _file
    where false
        {%- endif %}
    {{- "\n    union all" if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- A file's columns are declared, of a type that will do, and none is missing that has to be there. -#}
{% macro refuse_bad_columns(dataset, columns, kinds) -%}
    {%- set problems = [] -%}
    {%- for kind in kinds -%}
        {%- for name in kind.types if name not in columns -%}
            {%- set advice = run_query("select " ~ file_advice("x", columns) ~ " from (select " ~ file_text(name) ~ " as x)").columns[0].values()[0] -%}
            {%- for file in kind.files -%}{%- do problems.append(file ~ ": " ~ advice) -%}{%- endfor -%}
        {%- endfor -%}
        {%- for name, column in columns.items() -%}
            {%- set wrong = parquet_field(name, column.config.meta.type, kind).get('wrong') -%}
            {%- set in_path = files_with_in_path(name, kind.files) if name not in kind.types else kind.files -%}
            {%- for file in kind.files if wrong -%}{%- do problems.append(file ~ ": " ~ wrong) -%}{%- endfor -%}
            {%- for file in kind.files if file not in in_path and not column.config.meta.get('optional') and not column.config.meta.get('nullable') -%}
                {%- do problems.append(file ~ ": " ~ name ~ ": expected " ~ file_type_words(column.config.meta.type) ~ ", found no such column") -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do raise_file_problems(dataset, (problems | sort)[:10], problems | length) -%}
{%- endmacro %}

{% macro refuse_bad_parquet(dataset, columns, id_field, files) -%}
    {%- set kinds = parquet_kinds(files) -%}
    {%- do refuse_bad_columns(dataset, columns, kinds) -%}
    {%- set found = [] -%}
    {%- for kind in kinds -%}
        {%- for name, column in columns.items() -%}
            {%- set field = parquet_field(name, column.config.meta.type, kind) -%}
            {%- if field.checked -%}
                {%- set physical = kind.types.get(name, 'VARCHAR') -%}
                {%- set shown = file_shown('cast(' ~ field.x ~ ' as varchar)') -%}
                {%- do found.append(
                    "select filename as file, file_row_number + 1 as n, " ~ loop.index ~ " as position, "
                    ~ ("cast(" ~ adapter.quote(id_field) ~ " as varchar)" if id_field in kind.types else "null") ~ " as id, "
                    ~ "'" ~ name ~ ": expected ' || " ~ file_expected(column.config.meta.type, 'cast(' ~ field.x ~ ' as varchar)') ~ " || ', found ' || "
                    ~ ("'the string \"' || " ~ shown ~ " || '\"'" if physical == 'VARCHAR' else
                       "'a list with a null in it'" if physical == 'VARCHAR[]' else
                       "'" ~ ('the timestamp ' if physical.startswith('TIMESTAMP') else 'the number ') ~ "' || " ~ shown)
                    ~ " as problem from read_parquet(" ~ file_paths(kind.files) ~ ", hive_partitioning = false) where "
                    ~ field.x ~ " is not null and (" ~ field.get('right', field.value) ~ ") is null"
                ) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do raise_record_problems(dataset, found | join(" union all ")) if found -%}
{%- endmacro %}
