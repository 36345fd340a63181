{#-
  The values of each column are as its rule says: `not_null`; `values`, and no others; from `min_value` to `max_value`
  (`inclusive: false`: the bounds themselves are wrong); or `event_time`. A null passes unless `not_null` stands there. One
  row per record and column that fails: `failed_column` and `allowed` say which and what it may hold, and the record
  follows. One test of all columns, since each test takes dbt-core longer than it takes the database: some 20 ms.

  What happened did so within 2000 to 2099: what lies outside is a placeholder (0001, 1970, 9999), and the newest event of
  all becomes the warehouse's "now".
-#}
{% test values_are_accepted(model, columns) %}
    {%- set checks = [] %}
    {%- for column, rule in columns.items() %}
        {%- set unknown = rule.keys() | reject("in", ["not_null", "values", "min_value", "max_value", "inclusive", "event_time"]) | list %}
        {%- if unknown %}
            {%- do exceptions.raise_compiler_error("values_are_accepted has no rule " ~ unknown[0] ~ ", given for " ~ column ~ ".") %}
        {%- endif %}
        {%- set fails, allowed = [], [] %}
        {%- if rule.get("not_null") %}
            {%- do fails.append(column ~ " is null") %}
            {%- do allowed.append("never missing") %}
        {%- endif %}
        {%- if "values" in rule %}
            {%- do fails.append(column ~ " not in ('" ~ rule["values"] | join("', '") ~ "')") %}
            {%- do allowed.append("one of " ~ rule["values"] | join(", ")) %}
        {%- endif %}
        {%- if "min_value" in rule %}
            {%- do fails.append(column ~ (" < " if rule.get("inclusive", true) else " <= ") ~ rule.min_value) %}
            {%- do allowed.append(("at least " if rule.get("inclusive", true) else "more than ") ~ rule.min_value) %}
        {%- endif %}
        {%- if "max_value" in rule %}
            {%- do fails.append(column ~ (" > " if rule.get("inclusive", true) else " >= ") ~ rule.max_value) %}
            {%- do allowed.append(("at most " if rule.get("inclusive", true) else "less than ") ~ rule.max_value) %}
        {%- endif %}
        {%- if rule.get("event_time") %}
            {%- do fails.append(column ~ " < cast('2000-01-01' as timestamp)") %}
            {%- do fails.append(column ~ " >= cast('2100-01-01' as timestamp)") %}
            {%- do allowed.append("a time at which something can have happened, 2000 to 2099") %}
        {%- endif %}
        {%- do checks.append({"column": column, "fails": fails | join(" or "), "allowed": allowed | join(" and ")}) %}
    {%- endfor %}

    with failing as (
        select *
        from {{ model }}
        where
            {{ checks | map(attribute="fails") | join("\n            or ") }}
    )
    {%- for check in checks %}

    select
        '{{ check.column }}' as failed_column,
        '{{ check.allowed }}' as allowed,
        *
    from failing
    where {{ check.fails }}
    {{- "\n\n    union all" if not loop.last }}
    {%- endfor %}
{% endtest %}
