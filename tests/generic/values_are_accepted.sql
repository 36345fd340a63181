{#-
  The values of each column follow its rule: `not_null`; `values`, a closed list; `min_value` and `max_value` (with
  `inclusive: false` the bounds themselves fail); or `event_time`. Null passes without `not_null`. Returns one row per
  record and column that fails, with `failed_column`, `allowed` and the record. One test covers all columns, since each
  test costs dbt-core some 20 ms, more than the database takes.

  Events lie within 2000 to 2099. Other years are placeholders (0001, 1970, 9999), and the latest event sets the as-of.
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
